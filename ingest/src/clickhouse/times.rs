//! How long ClickHouse takes, by the name of what it was asked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::exposition::Grid;

/// Upper bounds in seconds; above them are the queries that timed out.
const BOUNDS: [f64; 9] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0];

/// What is known of one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    /// By cell of the grid with [`BOUNDS`].
    pub counts: Vec<u64>,
    /// All together, in seconds.
    pub seconds: f64,
    /// Without an answer, or refused.
    pub failures: u64,
    /// Slower than the configured threshold.
    pub slow: u64,
}

/// Times of all queries of this process.
#[derive(Debug)]
pub struct QueryTimes {
    slow: Duration,
    grid: Grid,
    by_name: Mutex<BTreeMap<&'static str, Times>>,
}

impl QueryTimes {
    /// None yet. Queries that take longer than `slow` are logged.
    pub fn new(slow: Duration) -> Self {
        Self { slow, grid: Grid::of_durations(&BOUNDS), by_name: Mutex::new(BTreeMap::new()) }
    }

    /// Where their buckets end.
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }

    /// By the name of the query.
    pub fn all(&self) -> Vec<(&'static str, Times)> {
        self.lock().iter().map(|(name, times)| (*name, times.clone())).collect()
    }

    /// Waits for the answer and takes the time.
    pub(super) async fn observe<T, E>(&self, query: &'static str, answer: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let begin = Instant::now();
        let answer = answer.await;
        self.took(query, begin.elapsed(), answer.is_ok());
        answer
    }

    fn took(&self, query: &'static str, time: Duration, answered: bool) {
        let is_slow = time > self.slow;
        {
            let mut all = self.lock();
            let times = all.entry(query).or_default();
            times.counts.resize(self.grid.len(), 0);
            times.counts[self.grid.cell_of(time.as_secs_f64())] += 1;
            times.seconds += time.as_secs_f64();
            times.failures += u64::from(!answered);
            times.slow += u64::from(is_slow);
        }
        if is_slow {
            let duration_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(query, duration_ms, answered, "slow query");
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Times>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_query_is_counted_once() {
        let times = QueryTimes::new(Duration::from_secs(1));
        assert_eq!(times.observe("ok", async { Ok::<_, ()>(7) }).await, Ok(7));
        assert_eq!(times.observe("refused", async { Err::<(), _>("no") }).await, Err("no"));
        times.took("ok", Duration::from_secs(2), true);
        times.took("ok", Duration::from_mins(1), false);
        let all: BTreeMap<_, _> = times.all().into_iter().collect();
        assert_eq!((all["ok"].counts.iter().sum::<u64>(), all["ok"].failures, all["ok"].slow), (3, 1, 2));
        let in_bucket = |bucket| {
            let counts = all["ok"].counts.iter().enumerate();
            counts.filter(|(cell, _)| times.grid().classic_of(*cell) == bucket).map(|(_, count)| count).sum::<u64>()
        };
        assert_eq!((in_bucket(6), in_bucket(9)), (1, 1));
        assert_eq!((all["refused"].failures, all["refused"].slow), (1, 0));
    }
}
