//! What the browser says about the page's own load (W3C Navigation Timing 2).

use rum_protocol::PageView;

/// The `navigation` entry. Times are on the page's clock; 0 means that it did not happen yet, or is withheld.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NavigationTiming {
    /// `type`: `navigate`, `reload`, `back_forward` or `prerender`.
    pub kind: String,
    /// `activationStart`: when a page that was rendered ahead was shown; 0 for others.
    pub activation_start: f64,
    /// `workerStart`; 0 without a service worker.
    pub worker_start: f64,
    /// `fetchStart`.
    pub fetch_start: f64,
    /// `domainLookupStart`.
    pub domain_lookup_start: f64,
    /// `domainLookupEnd`.
    pub domain_lookup_end: f64,
    /// `connectStart`.
    pub connect_start: f64,
    /// `connectEnd`.
    pub connect_end: f64,
    /// `requestStart`.
    pub request_start: f64,
    /// `responseStart`.
    pub response_start: f64,
    /// `responseEnd`.
    pub response_end: f64,
    /// `domInteractive`.
    pub dom_interactive: f64,
    /// `domContentLoadedEventStart`.
    pub dom_content_loaded_start: f64,
    /// `domContentLoadedEventEnd`.
    pub dom_content_loaded: f64,
    /// `domComplete`.
    pub dom_complete: f64,
    /// `loadEventEnd`.
    pub load: f64,
}

/// What a page's load was, as reports name it.
pub type NavigationType = &'static str;

impl NavigationTiming {
    /// Whether the entry can be believed (R4): some browsers give zero, negative or future values, and documents whose timing is
    /// withheld have none.
    #[must_use]
    pub fn is_credible(&self, now: f64) -> bool {
        self.response_start > 0.0 && self.response_start < now
    }

    /// `time` as the user felt it: from the activation on, which for an ordinary page is its time origin.
    #[must_use]
    pub const fn since_activation(&self, time: f64) -> f64 {
        (time - self.activation_start).max(0.0)
    }

    /// Puts the load's timings into a page view.
    pub fn describe(&self, view: &mut PageView) {
        let moment = |time: f64| (time > 0.0).then(|| self.since_activation(time));
        let span = |from: f64, to: f64| (from > 0.0 && to >= from).then_some(to - from);
        view.ttfb_ms = moment(self.response_start);
        view.dom_interactive_ms = moment(self.dom_interactive);
        view.dom_content_loaded_ms = moment(self.dom_content_loaded);
        view.load_ms = moment(self.load);
        view.dns_ms = span(self.domain_lookup_start, self.domain_lookup_end);
        view.connect_ms = span(self.connect_start, self.connect_end);
        view.request_ms = span(self.request_start, self.response_start);
        view.response_ms = span(self.response_start, self.response_end);
    }
}

/// Names the load (R9). `was_discarded` is `document.wasDiscarded`: the browser had thrown the page out of memory.
#[must_use]
pub fn navigation_type(timing: Option<&NavigationTiming>, was_discarded: bool) -> NavigationType {
    match timing {
        None => "navigate",
        Some(timing) if timing.activation_start > 0.0 => "prerender",
        Some(_) if was_discarded => "restore",
        Some(timing) => match timing.kind.as_str() {
            "reload" => "reload",
            "back_forward" => "back-forward",
            "prerender" => "prerender",
            _ => "navigate",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing() -> NavigationTiming {
        NavigationTiming {
            kind: "navigate".into(),
            domain_lookup_start: 2.0,
            domain_lookup_end: 5.0,
            connect_start: 5.0,
            connect_end: 15.0,
            request_start: 16.0,
            response_start: 100.0,
            response_end: 120.0,
            dom_interactive: 200.0,
            dom_content_loaded: 250.0,
            load: 400.0,
            ..NavigationTiming::default()
        }
    }

    #[test]
    fn r4_an_entry_without_a_past_response_start_is_not_believed() {
        assert!(timing().is_credible(500.0));
        assert!(!timing().is_credible(100.0));
        for response_start in [0.0, -3.0, f64::NAN] {
            assert!(!NavigationTiming { response_start, ..timing() }.is_credible(500.0));
        }
    }

    #[test]
    fn r9_the_navigation_is_named() {
        let named = |kind: &str| navigation_type(Some(&NavigationTiming { kind: kind.into(), ..timing() }), false);
        assert_eq!(named("navigate"), "navigate");
        assert_eq!(named("reload"), "reload");
        assert_eq!(named("back_forward"), "back-forward");
        assert_eq!(navigation_type(None, true), "navigate");
        assert_eq!(navigation_type(Some(&timing()), true), "restore");
        assert_eq!(navigation_type(Some(&NavigationTiming { activation_start: 3.0, ..timing() }), true), "prerender");
    }

    #[test]
    fn a_page_view_gets_the_timings_that_are_known() {
        let mut view = PageView::default();
        NavigationTiming { load: 0.0, domain_lookup_start: 0.0, ..timing() }.describe(&mut view);
        assert_eq!(view.ttfb_ms, Some(100.0));
        assert_eq!(view.load_ms, None);
        assert_eq!(view.dns_ms, None);
        assert_eq!(view.connect_ms, Some(10.0));
        assert_eq!(view.request_ms, Some(84.0));
        assert_eq!(view.response_ms, Some(20.0));
        assert_eq!(view.dom_content_loaded_ms, Some(250.0));
    }

    #[test]
    fn times_of_a_prerendered_page_count_from_its_activation() {
        let mut view = PageView::default();
        NavigationTiming { activation_start: 220.0, ..timing() }.describe(&mut view);
        assert_eq!(view.ttfb_ms, Some(0.0));
        assert_eq!(view.load_ms, Some(180.0));
        assert_eq!(view.request_ms, Some(84.0));
    }
}
