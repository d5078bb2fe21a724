//! The web vitals, one file each: plain arithmetic over entries, with no clock, no browser and no reporting.

mod cls;
pub mod fcp;
pub mod fid;
mod inp;
pub mod lcp;
mod reporter;
pub mod ttfb;

pub use cls::Cls;
pub use fcp::Fcp;
pub use fid::Fid;
pub use inp::{Inp, Interaction, InteractionCount};
pub use lcp::Lcp;
pub use reporter::{Report, Reporter};
pub use ttfb::Ttfb;

/// A metric's value and the entries it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<E> {
    /// The value, in the metric's unit.
    pub value: f64,
    /// The browser's entries behind it.
    pub entries: Vec<E>,
}
