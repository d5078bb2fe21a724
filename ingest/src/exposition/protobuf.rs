//! Protobuf, the one format that has native histograms: messages of `io.prometheus.client`, each with its length before it.
//!
//! After [`metrics.proto`](https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto); only the fields that
//! this service uses.

use prost::Message;

use super::{Exemplar, Family, Kind, Labels, Native, Value};

/// The families as a page.
pub(super) fn encode(families: &[Family]) -> Vec<u8> {
    let mut page = Vec::new();
    for family in families {
        let message = MetricFamily {
            name: family.name.to_string(),
            help: family.help.to_string(),
            kind: match family.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Summary => MetricType::Summary,
                Kind::Histogram => MetricType::Histogram,
            }
            .into(),
            metric: family.series.iter().map(|series| metric(&series.labels, &series.value, family.kind)).collect(),
        };
        // It fails only for want of room, and a vector grows.
        let _ = message.encode_length_delimited(&mut page);
    }
    page
}

fn metric(labels: &Labels, value: &Value, kind: Kind) -> Metric {
    let mut metric = Metric { label: pairs(labels), ..Metric::default() };
    match value {
        Value::Number(value) if kind == Kind::Counter => metric.counter = Some(Number { value: *value }),
        Value::Number(value) => metric.gauge = Some(Number { value: *value }),
        Value::Summary { quantiles, sum, count } => {
            let quantile = quantiles.iter().map(|(quantile, value)| Quantile { quantile: *quantile, value: *value });
            metric.summary = Some(Summary { sample_count: whole(*count), sample_sum: *sum, quantile: quantile.collect() });
        }
        Value::Histogram { buckets, sum, native } => {
            let bucket = buckets.iter().map(|bucket| Bucket {
                cumulative_count: whole(bucket.cumulative),
                upper_bound: bucket.le,
                exemplar: bucket.exemplar.as_ref().map(exemplar),
            });
            let all = buckets.last().map_or(0, |all| whole(all.cumulative));
            let classic = Histogram { sample_count: all, sample_sum: *sum, bucket: bucket.collect(), ..Histogram::default() };
            metric.histogram = Some(native.as_ref().map_or(classic.clone(), |native| with_native(classic, native)));
        }
    }
    metric
}

/// Spans are runs of buckets: how many are left out before one, and how many it has. Counts are differences to the bucket before.
fn with_native(classic: Histogram, native: &Native) -> Histogram {
    let (mut spans, mut deltas): (Vec<BucketSpan>, Vec<i64>) = (Vec::new(), Vec::new());
    let (mut next, mut before) = (0, 0);
    for (index, count) in &native.buckets {
        match spans.last_mut() {
            Some(span) if *index == next => span.length += 1,
            _ => spans.push(BucketSpan { offset: index - next, length: 1 }),
        }
        next = index + 1;
        let count = i64::try_from(whole(*count)).unwrap_or(i64::MAX);
        deltas.push(count - before);
        before = count;
    }
    // A histogram without any bucket is told from a classic one by an empty span.
    if spans.is_empty() {
        spans.push(BucketSpan { offset: 0, length: 0 });
    }
    Histogram {
        schema: Some(native.schema),
        zero_threshold: Some(native.zero_threshold),
        zero_count: Some(whole(native.zero_count)),
        positive_span: spans,
        positive_delta: deltas,
        ..classic
    }
}

fn exemplar(exemplar: &Exemplar) -> ExemplarMessage {
    #[expect(clippy::cast_possible_truncation, reason = "Unix milliseconds")]
    let at_ms = (exemplar.at_seconds * 1000.0) as i64;
    let timestamp =
        Timestamp { seconds: at_ms.div_euclid(1000), nanos: i32::try_from(at_ms.rem_euclid(1000)).unwrap_or(0) * 1_000_000 };
    ExemplarMessage { label: pairs(&exemplar.labels), value: exemplar.value, timestamp: Some(timestamp) }
}

fn pairs(labels: &Labels) -> Vec<LabelPair> {
    labels.iter().map(|(name, value)| LabelPair { name: name.to_string(), value: value.clone() }).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, exact below 2^53")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, required, tag = "1")]
    name: String,
    #[prost(string, required, tag = "2")]
    help: String,
    #[prost(enumeration = "MetricType", required, tag = "3")]
    kind: i32,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
enum MetricType {
    Counter = 0,
    Gauge = 1,
    Summary = 2,
    Histogram = 4,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, required, tag = "1")]
    name: String,
    #[prost(string, required, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "4")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

/// `Gauge` and `Counter`.
#[derive(Clone, Copy, PartialEq, Message)]
struct Number {
    #[prost(double, required, tag = "1")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(uint64, required, tag = "1")]
    sample_count: u64,
    #[prost(double, required, tag = "2")]
    sample_sum: f64,
    #[prost(message, repeated, tag = "3")]
    quantile: Vec<Quantile>,
}

#[derive(Clone, PartialEq, Message)]
struct Quantile {
    #[prost(double, required, tag = "1")]
    quantile: f64,
    #[prost(double, required, tag = "2")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, required, tag = "1")]
    sample_count: u64,
    #[prost(double, required, tag = "2")]
    sample_sum: f64,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, required, tag = "1")]
    cumulative_count: u64,
    #[prost(double, required, tag = "2")]
    upper_bound: f64,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<ExemplarMessage>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
struct BucketSpan {
    #[prost(sint32, required, tag = "1")]
    offset: i32,
    #[prost(uint32, required, tag = "2")]
    length: u32,
}

#[derive(Clone, PartialEq, Message)]
struct ExemplarMessage {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(double, required, tag = "2")]
    value: f64,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
struct Timestamp {
    #[prost(int64, required, tag = "1")]
    seconds: i64,
    #[prost(int32, required, tag = "2")]
    nanos: i32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Bucket as Shown, Series};

    #[test]
    fn native_buckets_are_runs_of_differences() {
        let native = Native { schema: 3, zero_threshold: 0.5, zero_count: 2.0, buckets: vec![(-3, 4.0), (-2, 1.0), (5, 7.0)] };
        let at = Exemplar { labels: vec![("view_id".into(), "0a".into())], value: 3.5, at_seconds: 1.25 };
        let buckets = vec![
            Shown { le: 1.0, cumulative: 7.0, exemplar: None },
            Shown { le: f64::INFINITY, cumulative: 14.0, exemplar: Some(at) },
        ];
        let value = Value::Histogram { buckets, sum: 9.5, native: Some(native) };
        let series = Series { labels: vec![("page".into(), "/\"\n".into())], value };
        let family = |name: &'static str, kind, series| Family { name: name.into(), help: "What it is.".into(), kind, series };
        let number = Series { labels: Vec::new(), value: Value::Number(0.5) };
        let page = encode(&[family("rum_y", Kind::Histogram, vec![series]), family("rum_x_total", Kind::Counter, vec![number])]);

        let mut rest = page.as_slice();
        let histogram = MetricFamily::decode_length_delimited(&mut rest).unwrap();
        let counter = MetricFamily::decode_length_delimited(&mut rest).unwrap();
        assert!(rest.is_empty());
        assert_eq!(
            (counter.name.as_str(), counter.kind(), counter.metric[0].counter),
            ("rum_x_total", MetricType::Counter, Some(Number { value: 0.5 }))
        );
        assert_eq!(histogram.metric[0].label[0].value, "/\"\n");
        let found = histogram.metric[0].histogram.as_ref().unwrap();
        assert_eq!((found.sample_count, found.zero_count, found.schema), (14, Some(2), Some(3)));
        assert_eq!(found.positive_span, [BucketSpan { offset: -3, length: 2 }, BucketSpan { offset: 6, length: 1 }]);
        assert_eq!(found.positive_delta, [4, -3, 6]);
        let exemplar = found.bucket[1].exemplar.as_ref().unwrap();
        assert_eq!(exemplar.timestamp, Some(Timestamp { seconds: 1, nanos: 250_000_000 }));
    }
}
