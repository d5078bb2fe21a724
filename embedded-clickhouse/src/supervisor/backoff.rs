//! How long to wait before the process is started again.

use std::time::Duration;

/// How long to wait before the next start.
pub(super) struct Backoff {
    longest: Duration,
    last: Option<Duration>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const STABLE: Duration = Duration::from_mins(1);

    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, last: None }
    }

    /// `lasted` is how long the process served that has just ended.
    pub(super) fn next(&mut self, lasted: Duration) -> Duration {
        let wait = match self.last {
            Some(last) if lasted < Self::STABLE => (last * 2).min(self.longest),
            _ => Self::FIRST,
        };
        self.last = Some(wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_limit_and_begin_anew_after_a_stable_minute() {
        let mut backoff = Backoff::new(Duration::from_secs(5));
        let waits: Vec<_> = (0..8).map(|_| backoff.next(Duration::from_secs(1)).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.next(Duration::from_mins(1)), Backoff::FIRST);
    }
}
