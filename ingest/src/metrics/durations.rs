//! Histograms of durations, classic and native at once, with an example from a trace for each classic bucket.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    clock,
    exposition::{self, Exemplar, Family, Grid, Kind},
};

/// A family of histograms.
#[derive(Debug)]
pub(crate) struct Durations {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    grid: Arc<Grid>,
    series: RwLock<BTreeMap<Vec<String>, Arc<Series>>>,
}

/// One histogram.
#[derive(Debug)]
pub(crate) struct Series {
    grid: Arc<Grid>,
    cells: Box<[AtomicU64]>,
    sum_ns: AtomicU64,
    /// By classic bucket.
    examples: Mutex<BTreeMap<usize, Exemplar>>,
}

impl Durations {
    /// A family without histograms yet; `bounds` are the classic ones, in seconds.
    pub(crate) fn new(name: &'static str, help: &'static str, labels: &'static [&'static str], bounds: &[f64]) -> Self {
        Self { name, help, labels, grid: Arc::new(Grid::of_durations(bounds)), series: RwLock::default() }
    }

    /// The histogram with these values of the labels.
    pub(crate) fn with(&self, values: &[&str]) -> Arc<Series> {
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let is_it = |key: &&Vec<String>| key.iter().map(String::as_str).eq(values.iter().copied());
        if let Some((_, series)) = known.iter().find(|(key, _)| is_it(key)) {
            return series.clone();
        }
        drop(known);
        let key = values.iter().map(|value| (*value).to_owned()).collect();
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_insert_with(|| Arc::new(Series::new(self.grid.clone()))).clone()
    }

    /// As it is shown.
    pub(crate) fn family(&self) -> Family {
        let all = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let series = all.iter().map(|(values, series)| exposition::Series {
            labels: self.labels.iter().map(|name| Cow::Borrowed(*name)).zip(values.iter().cloned()).collect(),
            value: series.value(),
        });
        Family { name: self.name.into(), help: self.help.into(), kind: Kind::Histogram, series: series.collect() }
    }
}

impl Series {
    fn new(grid: Arc<Grid>) -> Self {
        let cells = (0..grid.len()).map(|_| AtomicU64::new(0)).collect();
        Self { grid, cells, sum_ns: AtomicU64::new(0), examples: Mutex::default() }
    }

    /// Counts one. `trace_id` is that of a trace that somebody keeps.
    pub(crate) fn observe(&self, time: Duration, trace_id: Option<u128>) {
        let seconds = time.as_secs_f64();
        let cell = self.grid.cell_of(seconds);
        self.cells[cell].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Some(trace_id) = trace_id {
            let labels = vec![("trace_id".into(), format!("{trace_id:032x}"))];
            #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
            let example = Exemplar { labels, value: seconds, at_seconds: clock::now_ms() as f64 / 1000.0 };
            self.examples.lock().unwrap_or_else(PoisonError::into_inner).insert(self.grid.classic_of(cell), example);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    fn value(&self) -> exposition::Value {
        let counts = self.cells.iter().map(|cell| cell.load(Ordering::Relaxed) as f64);
        let examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sum = self.sum_ns.load(Ordering::Relaxed) as f64 / 1e9;
        self.grid.histogram(counts, sum, |bucket| examples.get(&bucket).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Value;

    #[test]
    fn a_duration_is_counted_once_in_each_kind_and_keeps_its_trace() {
        let durations = Durations::new("x_seconds", "Time.", &["route"], &[0.1, 1.0]);
        durations.with(&["/"]).observe(Duration::from_millis(50), None);
        durations.with(&["/"]).observe(Duration::from_millis(500), Some(0xab));
        durations.with(&["/"]).observe(Duration::from_secs(100), None);
        let family = durations.family();
        assert_eq!(family.series[0].labels, [(Cow::Borrowed("route"), "/".to_owned())]);
        let Value::Histogram { buckets, sum, native: Some(native) } = &family.series[0].value else { panic!() };
        assert!((sum - 100.55).abs() < 1e-9);
        assert_eq!(buckets.iter().map(|bucket| bucket.cumulative).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        let exemplar = buckets[1].exemplar.as_ref().unwrap();
        assert_eq!(exemplar.labels[0].1, format!("{:032x}", 0xab));
        assert!(buckets[0].exemplar.is_none());
        // 2^(-35/8) < 0.05 <= 2^(-34/8); 0.5 is the bound of -8; what is above 64 s is in the next one.
        assert_eq!(native.buckets, [(-34, 1.0), (-8, 1.0), (49, 1.0)]);
    }
}
