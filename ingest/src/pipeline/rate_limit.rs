//! How much a site key may send: one token bucket a key. Keys come from the configuration, so the memory is fixed.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use rum_protocol::RejectReason;

use super::{Admitted, reject};
use crate::{accepted::Rejection, config::Project};

/// A bucket holds this many seconds' worth of beacons.
const BURST_SECONDS: f64 = 10.0;

#[derive(Debug)]
pub(super) struct Limits(Vec<Bucket>);

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    tokens: f64,
    filled: Option<Instant>,
}

impl Limits {
    pub(super) fn new(projects: &[Project]) -> Self {
        let bucket = |project: &Project| {
            let per_second = f64::from(project.rate_limit_per_second);
            Bucket { per_second, state: Mutex::new(State { tokens: per_second * BURST_SECONDS, filled: None }) }
        };
        Self(projects.iter().map(bucket).collect())
    }

    pub(super) fn take(&self, admitted: &Admitted, now: Instant) -> Result<(), Rejection> {
        let bucket = &self.0[admitted.key_index];
        let mut state = bucket.state.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = state.filled.map_or(0.0, |filled| now.saturating_duration_since(filled).as_secs_f64());
        state.tokens = (state.tokens + idle * bucket.per_second).min(bucket.per_second * BURST_SECONDS);
        state.filled = Some(now);
        if state.tokens < 1.0 {
            return reject(
                RejectReason::RateLimited,
                format!("the limit is {} beacons a second; raise rate_limit_per_second or send larger batches", bucket.per_second),
            );
        }
        state.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_steady_caller_passes_and_a_flood_is_cut_to_the_rate() {
        let project = Project { rate_limit_per_second: 10, ..Project::open_default() };
        let limits = Limits::new(&[project]);
        let admitted = Admitted { project_id: "default".into(), retention_days: 1, key_index: 0 };
        let start = Instant::now();
        let passed = |from_ms: u64, step_ms: u64, tries: u64| {
            (0..tries).filter(|n| limits.take(&admitted, start + Duration::from_millis(from_ms + n * step_ms)).is_ok()).count()
        };
        assert_eq!(passed(0, 0, 500), 100, "the burst");
        assert_eq!(passed(0, 100, 50), 49, "the steady rate after it");
        assert_eq!(passed(65_000, 0, 500), 100, "a full bucket after a pause");
    }
}
