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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReadyState {
    /// `loading`.
    Loading,
    /// `interactive` or `complete`.
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
