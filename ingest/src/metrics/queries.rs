//! The times of ClickHouse.

use crate::{
    clickhouse::{BOUNDS, QueryTimes, Times},
    exposition::{Bucket, Family, Kind, Series, Value},
};

/// The families of all queries so far.
pub(super) fn families(times: &QueryTimes) -> [Family; 3] {
    let all = times.all();
    let family = |name: &'static str, help: &'static str, kind, value: fn(&Times) -> Value| Family {
        name: name.into(),
        help: help.into(),
        kind,
        series: all
            .iter()
            .map(|(query, times)| Series { labels: vec![("query".into(), (*query).to_owned())], value: value(times) })
            .collect(),
    };
    [
        family(
            "beamline_clickhouse_query_duration_seconds",
            "Time of queries and inserts by name. Adds up over instances.",
            Kind::Histogram,
            histogram,
        ),
        family(
            "beamline_clickhouse_query_failures_total",
            "Queries and inserts without a good answer. Adds up over instances.",
            Kind::Counter,
            |times| number(times.failures),
        ),
        family(
            "beamline_clickhouse_slow_queries_total",
            "Queries and inserts above clickhouse.slow_query_ms. Adds up over instances.",
            Kind::Counter,
            |times| number(times.slow),
        ),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn number(count: u64) -> Value {
    Value::Number(count as f64)
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn histogram(times: &Times) -> Value {
    let mut cumulative = 0;
    let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
    let buckets = bounds.zip(times.counts).map(|(le, count)| {
        cumulative += count;
        Bucket { le, cumulative: cumulative as f64, exemplar: None }
    });
    Value::Histogram { buckets: buckets.collect(), sum: times.seconds }
}
