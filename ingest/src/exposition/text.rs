//! The two text formats. They differ in the names of counters' families, in exemplars and in the last line.

use std::fmt::Write as _;

use super::{Exemplar, Family, Kind, Labels, Value};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Prometheus,
    OpenMetrics,
}

pub(super) fn encode(families: &[Family], dialect: Dialect) -> String {
    let mut page = String::new();
    for family in families {
        encode_family(&mut page, family, dialect);
    }
    if dialect == Dialect::OpenMetrics {
        page.push_str("# EOF\n");
    }
    page
}

fn encode_family(page: &mut String, family: &Family, dialect: Dialect) {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Summary => "summary",
        Kind::Histogram => "histogram",
    };
    let name = match (dialect, family.kind) {
        (Dialect::OpenMetrics, Kind::Counter) => family.name.strip_suffix("_total").unwrap_or(&family.name),
        _ => &family.name,
    };
    let help = escape(&family.help, dialect == Dialect::OpenMetrics);
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for series in &family.series {
        let (name, labels) = (family.name.as_ref(), &series.labels);
        match &series.value {
            Value::Number(value) => sample(page, name, "", labels, None, *value),
            Value::Summary { quantiles, sum, count } => {
                for (rank, value) in quantiles {
                    sample(page, name, "", labels, Some(("quantile", *rank)), *value);
                }
                sample(page, name, "_sum", labels, None, *sum);
                sample(page, name, "_count", labels, None, *count);
            }
            Value::Histogram { buckets, sum, native: _ } => {
                for bucket in buckets {
                    sample(page, name, "_bucket", labels, Some(("le", bucket.le)), bucket.cumulative);
                    if let (Dialect::OpenMetrics, Some(exemplar)) = (dialect, &bucket.exemplar) {
                        page.pop();
                        attach(page, exemplar);
                    }
                }
                sample(page, name, "_sum", labels, None, *sum);
                sample(page, name, "_count", labels, None, buckets.last().map_or(0.0, |all| all.cumulative));
            }
        }
    }
}

fn sample(page: &mut String, name: &str, suffix: &str, labels: &Labels, bound: Option<(&str, f64)>, value: f64) {
    page.push_str(name);
    page.push_str(suffix);
    let bound = bound.map(|(name, value)| (name, number(value)));
    encode_labels(page, labels, bound.as_ref().map(|(name, value)| (*name, value.as_str())));
    let _ = writeln!(page, " {}", number(value));
}

fn encode_labels(page: &mut String, labels: &Labels, bound: Option<(&str, &str)>) {
    let all = labels.iter().map(|(name, value)| (name.as_ref(), value.as_str())).chain(bound);
    let mut separator = '{';
    for (name, value) in all {
        let _ = write!(page, "{separator}{name}=\"{}\"", escape(value, true));
        separator = ',';
    }
    if separator == ',' {
        page.push('}');
    }
}

fn attach(page: &mut String, exemplar: &Exemplar) {
    page.push_str(" # ");
    encode_labels(page, &exemplar.labels, None);
    let _ = writeln!(page, " {} {:.3}", number(exemplar.value), exemplar.at_seconds);
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else {
        value.to_string()
    }
}

/// A text may hold anything: what would end its line or its quotes is written as `\n`, `\\` and, where it is quoted, `\"`.
fn escape(text: &str, with_quotes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if with_quotes => escaped.push_str("\\\""),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Bucket, Series};

    fn family(name: &'static str, kind: Kind, labels: Labels, value: Value) -> Family {
        Family { name: name.into(), help: "A \"text\"\nof \\ two lines.".into(), kind, series: vec![Series { labels, value }] }
    }

    #[test]
    fn hostile_label_values_stay_in_their_quotes() {
        let labels = vec![("page".into(), "a\"} 1\n# TYPE x\\".to_owned())];
        let page = encode(&[family("rum_x_total", Kind::Counter, labels, Value::Number(2.0))], Dialect::Prometheus);
        assert_eq!(
            page,
            "# HELP rum_x_total A \"text\"\\nof \\\\ two lines.\n# TYPE rum_x_total counter\nrum_x_total{page=\"a\\\"} 1\\n# TYPE x\\\\\"} 2\n"
        );
    }

    #[test]
    fn openmetrics_has_exemplars_and_an_end() {
        let bucket = |le, cumulative, exemplar| Bucket { le, cumulative, exemplar };
        let exemplar = Exemplar { labels: vec![("view_id".into(), "0a".into())], value: 3.5, at_seconds: 1.25 };
        let buckets = vec![bucket(2.5, 1.0, None), bucket(f64::INFINITY, 2.0, Some(exemplar))];
        let families = [
            family("rum_x_total", Kind::Counter, Vec::new(), Value::Number(0.5)),
            family("rum_y", Kind::Histogram, Vec::new(), Value::Histogram { buckets, sum: 4.5, native: None }),
        ];
        let page = encode(&families, Dialect::OpenMetrics);
        assert!(
            page.starts_with("# HELP rum_x A \\\"text\\\"\\nof \\\\ two lines.\n# TYPE rum_x counter\nrum_x_total 0.5\n"),
            "{page}"
        );
        let histogram = "rum_y_bucket{le=\"2.5\"} 1\nrum_y_bucket{le=\"+Inf\"} 2 # {view_id=\"0a\"} 3.5 1.250\nrum_y_sum 4.5\nrum_y_count 2\n# EOF\n";
        assert!(page.ends_with(histogram), "{page}");
        assert!(!encode(&families, Dialect::Prometheus).contains(" # {"));
    }

    #[test]
    fn a_summary_without_values_says_so() {
        let value = Value::Summary { quantiles: vec![(0.75, f64::NAN)], sum: 0.0, count: 0.0 };
        let page = encode(&[family("rum_cls", Kind::Summary, Vec::new(), value)], Dialect::Prometheus);
        assert!(page.ends_with("rum_cls{quantile=\"0.75\"} NaN\nrum_cls_sum 0\nrum_cls_count 0\n"), "{page}");
    }
}
