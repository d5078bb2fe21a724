//! What the browser says about the page's own load (W3C Navigation Timing 2).

use crate::attribution::ReadyState;
use crate::json::Object;

/// The `navigation` entry. Times are on the page's clock; 0 means that it did not happen yet, or is withheld.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NavigationTiming {
    /// `type`.
    pub kind: NavigationKind,
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

/// What a page's load was. Their names in reports are in `npm/src/vitals/page.ts`, in the same order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NavigationKind {
    /// A link, an address, a form; all that is nothing else.
    #[default]
    Navigate,
    /// The same page again.
    Reload,
    /// Through the history.
    BackForward,
    /// Rendered ahead.
    Prerender,
    /// The browser had thrown the page out of memory.
    Restore,
}

impl NavigationTiming {
    fn from_numbers(numbers: &[f64]) -> Option<Box<Self>> {
        let &[
            kind,
            activation_start,
            worker_start,
            fetch_start,
            domain_lookup_start,
            domain_lookup_end,
            connect_start,
            connect_end,
            request_start,
            response_start,
            response_end,
            dom_interactive,
            dom_content_loaded_start,
            dom_content_loaded,
            dom_complete,
            load,
        ] = numbers
        else {
            return None;
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the loader's own small numbers")]
        let kind = match kind as u32 {
            1 => NavigationKind::Reload,
            2 => NavigationKind::BackForward,
            3 => NavigationKind::Prerender,
            _ => NavigationKind::Navigate,
        };
        Some(Box::new(Self {
            kind,
            // Not a number where the browser renders nothing ahead.
            activation_start: if activation_start > 0.0 { activation_start } else { 0.0 },
            worker_start,
            fetch_start,
            domain_lookup_start,
            domain_lookup_end,
            connect_start,
            connect_end,
            request_start,
            response_start,
            response_end,
            dom_interactive,
            dom_content_loaded_start,
            dom_content_loaded,
            dom_complete,
            load,
        }))
    }

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
    pub fn describe(&self, view: &mut Object) {
        let mut moment = |name, time: f64| {
            if time > 0.0 {
                view.number(name, self.since_activation(time));
            }
        };
        moment("ttfb_ms", self.response_start);
        moment("dom_interactive_ms", self.dom_interactive);
        moment("dom_content_loaded_ms", self.dom_content_loaded);
        moment("load_ms", self.load);
        let mut span = |name, from: f64, to: f64| {
            if from > 0.0 && to >= from {
                view.number(name, to - from);
            }
        };
        span("dns_ms", self.domain_lookup_start, self.domain_lookup_end);
        span("connect_ms", self.connect_start, self.connect_end);
        span("request_ms", self.request_start, self.response_start);
        span("response_ms", self.response_start, self.response_end);
    }
}

/// The document and how it was reached, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageState {
    /// `document.readyState`, as far as it matters.
    pub ready: ReadyState,
    /// `document.prerendering`: rendered ahead, and not shown yet.
    pub is_prerendering: bool,
    /// `document.wasDiscarded`: the browser had thrown the page out of memory.
    pub was_discarded: bool,
    /// The `navigation` entry, if it is credible.
    pub navigation: Option<Box<NavigationTiming>>,
}

impl PageState {
    /// When a page that was rendered ahead was shown; 0 for others.
    #[must_use]
    pub fn activation_start(&self) -> f64 {
        self.navigation.as_ref().map_or(0.0, |navigation| navigation.activation_start)
    }

    /// Reads the numbers that cross from the loader: now, 1 while the document loads, `prerendering`, `wasDiscarded`, and then the
    /// `navigation` entry, if there is one. An entry that cannot be believed is none (R4).
    #[must_use]
    pub fn from_numbers(numbers: &[f64]) -> Self {
        let &[now, is_loading, is_prerendering, was_discarded, ref timing @ ..] = numbers else { return Self::default() };
        Self {
            ready: if is_loading > 0.0 { ReadyState::Loading } else { ReadyState::Parsed },
            is_prerendering: is_prerendering > 0.0,
            was_discarded: was_discarded > 0.0,
            navigation: NavigationTiming::from_numbers(timing).filter(|navigation| navigation.is_credible(now)),
        }
    }
}

/// What the load was (R9).
#[must_use]
pub fn navigation_kind(state: &PageState) -> NavigationKind {
    match &state.navigation {
        None => NavigationKind::Navigate,
        Some(navigation) if state.is_prerendering || navigation.activation_start > 0.0 => NavigationKind::Prerender,
        Some(_) if state.was_discarded => NavigationKind::Restore,
        Some(navigation) => navigation.kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::event;
    use rum_protocol::PageView;

    fn timing() -> NavigationTiming {
        NavigationTiming {
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
    fn r9_the_load_has_a_kind() {
        let state = |timing| PageState { navigation: Some(Box::new(timing)), ..PageState::default() };
        for kind in [NavigationKind::Navigate, NavigationKind::Reload, NavigationKind::BackForward] {
            assert_eq!(navigation_kind(&state(NavigationTiming { kind, ..timing() })), kind);
        }
        assert_eq!(navigation_kind(&PageState { was_discarded: true, ..PageState::default() }), NavigationKind::Navigate);
        let discarded = PageState { was_discarded: true, ..state(timing()) };
        assert_eq!(navigation_kind(&discarded), NavigationKind::Restore);
        let activated = NavigationTiming { activation_start: 3.0, ..timing() };
        assert_eq!(navigation_kind(&PageState { was_discarded: true, ..state(activated) }), NavigationKind::Prerender);
        assert_eq!(navigation_kind(&PageState { is_prerendering: true, ..state(timing()) }), NavigationKind::Prerender);
    }

    fn described(timing: &NavigationTiming) -> PageView {
        let mut view = event("page_view", 1);
        timing.describe(&mut view);
        serde_json::from_str(&view.to_text()).unwrap()
    }

    #[test]
    fn a_page_view_gets_the_timings_that_are_known() {
        let view = described(&NavigationTiming { load: 0.0, domain_lookup_start: 0.0, ..timing() });
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
        let view = described(&NavigationTiming { activation_start: 220.0, ..timing() });
        assert_eq!(view.ttfb_ms, Some(0.0));
        assert_eq!(view.load_ms, Some(180.0));
        assert_eq!(view.request_ms, Some(84.0));
    }
}
