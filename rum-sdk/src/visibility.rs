//! When the page was first hidden. Paints and inputs after that say nothing about what the user felt (R6).

/// The first hidden time, shared by all metrics, on the page's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstHidden(f64);

impl FirstHidden {
    /// From what is known when the SDK starts: the first `visibility-state` entry named `hidden` at or after activation if the
    /// browser keeps such entries, else what the stub saw (0 if the page was hidden at its start, infinite if it never was).
    #[must_use]
    pub fn at_start(from_entries: Option<f64>, seen: f64) -> Self {
        Self(from_entries.unwrap_or(seen))
    }

    /// The page was hidden. Only the first time counts.
    pub const fn hidden_at(&mut self, at: f64) {
        if self.0 == f64::INFINITY {
            self.0 = at;
        }
    }

    /// Whether a raw entry time lies before it.
    #[must_use]
    pub const fn is_after(self, start: f64) -> bool {
        start < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r6_the_browsers_entries_win_over_what_the_stub_saw() {
        assert_eq!(FirstHidden::at_start(Some(30.0), 0.0), FirstHidden(30.0));
        assert_eq!(FirstHidden::at_start(None, 0.0), FirstHidden(0.0));
    }

    #[test]
    fn r6_only_the_first_hidden_moment_counts() {
        let mut first = FirstHidden::at_start(None, f64::INFINITY);
        assert!(first.is_after(1e9));
        first.hidden_at(500.0);
        first.hidden_at(900.0);
        assert!(first.is_after(499.9));
        assert!(!first.is_after(500.0));
    }
}
