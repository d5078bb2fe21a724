//! The service's own families, which the `prometheus` crate keeps.

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::{Bucket, Family, Kind, Series, Value};

/// A family of a registry. One of a type this service does not use becomes a gauge of zeros.
pub fn from_registry(family: &MetricFamily) -> Family {
    let kind = match family.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::HISTOGRAM => Kind::Histogram,
        _ => Kind::Gauge,
    };
    let series = family.get_metric().iter().map(|metric| Series {
        labels: metric.get_label().iter().map(|label| (label.name().to_owned().into(), label.value().to_owned())).collect(),
        value: value(metric, kind),
    });
    Family { name: family.name().to_owned().into(), help: family.help().to_owned().into(), kind, series: series.collect() }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn value(metric: &Metric, kind: Kind) -> Value {
    match kind {
        Kind::Counter => Value::Number(metric.get_counter().get_value()),
        Kind::Histogram => {
            let histogram = metric.get_histogram();
            let bucket = |le, count: u64| Bucket { le, cumulative: count as f64, exemplar: None };
            let finite = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
            let buckets = finite.map(|found| bucket(found.upper_bound(), found.cumulative_count()));
            let all = bucket(f64::INFINITY, histogram.get_sample_count());
            Value::Histogram { buckets: buckets.chain([all]).collect(), sum: histogram.get_sample_sum(), native: None }
        }
        Kind::Gauge | Kind::Summary => Value::Number(metric.get_gauge().get_value()),
    }
}
