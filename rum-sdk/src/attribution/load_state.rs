use crate::navigation::NavigationTiming;

/// How far the page's load was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoadState {
    /// The document was being parsed.
    Loading,
    /// The document was parsed; deferred scripts ran.
    DomInteractive,
    /// Those had run; images and the like were on their way.
    DomContentLoaded,
    /// All was there.
    Complete,
}

/// `document.readyState`, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ReadyState {
    /// `loading`.
    Loading,
    /// `interactive` or `complete`.
    #[default]
    Parsed,
}

impl LoadState {
    /// Its name in reports, which is that of `web-vitals`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::DomInteractive => "dom-interactive",
            Self::DomContentLoaded => "dom-content-loaded",
            Self::Complete => "complete",
        }
    }
}

/// The state at the time `at`, as the page is `now` (R12). `navigation` is the credible entry of the load (R4).
#[must_use]
pub const fn load_state(at: f64, now: ReadyState, navigation: Option<&NavigationTiming>) -> LoadState {
    match (now, navigation) {
        // The time is not later than now.
        (ReadyState::Loading, _) => LoadState::Loading,
        (ReadyState::Parsed, None) => LoadState::Complete,
        (ReadyState::Parsed, Some(navigation)) => {
            if at < navigation.dom_interactive {
                LoadState::Loading
            } else if navigation.dom_content_loaded_start == 0.0 || at < navigation.dom_content_loaded_start {
                LoadState::DomInteractive
            } else if navigation.dom_complete == 0.0 || at < navigation.dom_complete {
                LoadState::DomContentLoaded
            } else {
                LoadState::Complete
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: f64, navigation: &NavigationTiming) -> &'static str {
        load_state(time, ReadyState::Parsed, Some(navigation)).name()
    }

    #[test]
    fn r12_each_state_begins_with_its_event() {
        let navigation = NavigationTiming {
            dom_interactive: 100.0,
            dom_content_loaded_start: 200.0,
            dom_complete: 300.0,
            ..NavigationTiming::default()
        };
        let states = [99.9, 100.0, 199.9, 200.0, 299.9, 300.0].map(|time| at(time, &navigation));
        let expected = ["loading", "dom-interactive", "dom-interactive", "dom-content-loaded", "dom-content-loaded", "complete"];
        assert_eq!(states, expected);
    }

    #[test]
    fn r12_what_has_not_happened_yet_is_to_come() {
        let parsed = NavigationTiming { dom_interactive: 100.0, ..NavigationTiming::default() };
        assert_eq!(at(5000.0, &parsed), "dom-interactive");
        assert_eq!(at(5000.0, &NavigationTiming { dom_content_loaded_start: 200.0, ..parsed }), "dom-content-loaded");
    }

    #[test]
    fn r12_a_document_that_is_being_parsed_is_loading_and_without_a_navigation_entry_all_else_is_complete() {
        assert_eq!(load_state(900.0, ReadyState::Loading, Some(&NavigationTiming::default())), LoadState::Loading);
        assert_eq!(load_state(900.0, ReadyState::Loading, None), LoadState::Loading);
        assert_eq!(load_state(0.0, ReadyState::Parsed, None), LoadState::Complete);
    }
}
