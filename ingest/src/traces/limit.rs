//! So many a second, without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Counts up to a limit, from zero in each second.
#[derive(Debug)]
pub(super) struct PerSecond {
    limit: u32,
    since: Instant,
    /// The second in the upper half, how many in it in the lower.
    state: AtomicU64,
}

impl PerSecond {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, since: Instant::now(), state: AtomicU64::new(0) }
    }

    /// Whether there is room for one more in this second; if so it is taken.
    pub(super) fn one_more(&self, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.since).as_secs() & u64::from(u32::MAX);
        let take = |state: u64| {
            let taken = if state >> 32 == second { state & u64::from(u32::MAX) } else { 0 };
            (taken < u64::from(self.limit)).then_some(second << 32 | (taken + 1))
        };
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_second_has_its_own() {
        let limit = PerSecond::new(2);
        let at = |ms| limit.since + Duration::from_millis(ms);
        let taken = [0, 500, 999, 1000, 1001, 1999, 2000].map(|ms| limit.one_more(at(ms)));
        assert_eq!(taken, [true, true, false, true, true, false, true]);
    }
}
