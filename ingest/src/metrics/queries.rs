//! The times of ClickHouse.

use crate::{
    clickhouse::{QueryTimes, Times},
    exposition::{Family, Grid, Kind, Series, Value},
};

/// The families of all queries so far.
pub(super) fn families(times: &QueryTimes) -> [Family; 3] {
    let (all, grid) = (times.all(), times.grid());
    let family = |name: &'static str, help: &'static str, kind, value: &dyn Fn(&Times) -> Value| Family {
        name: name.into(),
        help: help.into(),
        kind,
        series: all
            .iter()
            .map(|(query, times)| Series { labels: vec![("query".into(), (*query).to_owned())], value: value(times) })
            .collect(),
    };
    [
        family("beamline_clickhouse_query_duration_seconds", "Time of queries and inserts by name.", Kind::Histogram, &|times| {
            histogram(times, grid)
        }),
        family("beamline_clickhouse_query_failures_total", "Queries and inserts without a good answer.", Kind::Counter, &|times| {
            number(times.failures)
        }),
        family(
            "beamline_clickhouse_slow_queries_total",
            "Queries and inserts above clickhouse.slow_query_ms.",
            Kind::Counter,
            &|times| number(times.slow),
        ),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn number(count: u64) -> Value {
    Value::Number(count as f64)
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn histogram(times: &Times, grid: &Grid) -> Value {
    grid.histogram(times.counts.iter().map(|count| *count as f64), times.seconds, |_| None)
}
