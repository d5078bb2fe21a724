//! What `/metrics` says, and the formats it can be said in. Pure: no clock, no registry of its own.

mod format;
mod grid;
mod protobuf;
mod registry;
mod text;

use std::borrow::Cow;

pub use format::Format;
pub use grid::{Grid, SCHEMA};
pub use registry::from_registry;

/// The families as a page. Families and series come in the order they are given in.
pub fn encode(families: &[Family], format: Format) -> Vec<u8> {
    match format {
        Format::Protobuf => protobuf::encode(families),
        Format::Text => text::encode(families, text::Dialect::Prometheus).into_bytes(),
        Format::OpenMetrics => text::encode(families, text::Dialect::OpenMetrics).into_bytes(),
    }
}

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
        /// The same values by finer bounds. Shown in protobuf only.
        native: Option<Native>,
    },
}

/// Buckets whose bounds follow from a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Native {
    /// Bucket `i` holds what is above `2^((i-1) * 2^-schema)` and at most `2^(i * 2^-schema)`.
    pub schema: i32,
    /// Largest value in the zero bucket.
    pub zero_threshold: f64,
    /// Values in the zero bucket.
    pub zero_count: f64,
    /// Index and count of each bucket that is not empty, ascending.
    pub buckets: Vec<(i32, f64)>,
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

/// One value that was counted. Not shown in Prometheus text.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Where to find more about it; names and values together at most 128 characters.
    pub labels: Labels,
    /// The value, in the family's unit.
    pub value: f64,
    /// When it was measured, Unix seconds.
    pub at_seconds: f64,
}
