//! What `/metrics` says, and the formats it can be said in. Pure: no clock, no registry of its own.

mod registry;
mod text;

use std::borrow::Cow;

pub use registry::from_registry;
pub use text::encode;

/// Samples of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Name; a counter's ends with `_total`.
    pub name: Cow<'static, str>,
    /// What it means.
    pub help: Cow<'static, str>,
    /// Its type.
    pub kind: Kind,
    /// One for each set of labels.
    pub series: Vec<Series>,
}

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process starts anew.
    Counter,
    /// A state.
    Gauge,
    /// Quantiles, sum and count.
    Summary,
    /// Counts by bounds, sum and count.
    Histogram,
}

/// Names and values, in the order they are shown.
pub type Labels = Vec<(Cow<'static, str>, String)>;

/// One sample, or those that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What tells it from the others of its family.
    pub labels: Labels,
    /// What is shown.
    pub value: Value,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a counter or gauge.
    Number(f64),
    /// Of a summary.
    Summary {
        /// Rank (0 to 1) and value; NaN where nothing is known.
        quantiles: Vec<(f64, f64)>,
        /// Sum of all values.
        sum: f64,
        /// Number of all values.
        count: f64,
    },
    /// Of a histogram.
    Histogram {
        /// By upper bound, ascending; the last bound is infinite and its count is that of all values.
        buckets: Vec<Bucket>,
        /// Sum of all values.
        sum: f64,
    },
}

/// One bucket of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Largest value it counts.
    pub le: f64,
    /// Values up to the bound, those of lower buckets included.
    pub cumulative: f64,
    /// An example of what this bucket counts and lower ones do not.
    pub exemplar: Option<Exemplar>,
}

/// One value that was counted. Shown in OpenMetrics only.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Where to find more about it; names and values together at most 128 characters.
    pub labels: Labels,
    /// The value, in the family's unit.
    pub value: f64,
    /// When it was measured, Unix seconds.
    pub at_seconds: f64,
}

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, version 0.0.4.
    Text,
    /// OpenMetrics text, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The one that an `Accept` header prefers; [`Format::Text`] if it names none of them (RFC 9110 section 12.5.1).
    pub fn accepted(accept: Option<&str>) -> Self {
        let mut best = (0.0, Self::Text);
        for range in accept.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next() {
                Some("application/openmetrics-text") => Self::OpenMetrics,
                Some("text/plain" | "text/*" | "*/*") => Self::Text,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok()).unwrap_or(1.0);
            if quality > best.0 {
                best = (quality, format);
            }
        }
        best.1
    }

    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_format_is_taken() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Format::accepted(Some(prometheus)), Format::OpenMetrics);
        assert_eq!(Format::accepted(Some("text/plain, application/openmetrics-text; q=0.5")), Format::Text);
        assert_eq!(Format::accepted(Some("application/openmetrics-text; q=0")), Format::Text);
        assert_eq!(Format::accepted(Some("image/png;;q=x,,")), Format::Text);
        assert_eq!(Format::accepted(None), Format::Text);
    }
}
