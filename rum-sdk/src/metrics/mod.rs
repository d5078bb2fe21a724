//! The web vitals, one file each: plain arithmetic over entries, with no clock, no browser and no reporting.

mod cls;
pub mod fcp;
pub mod fid;
mod inp;
pub mod lcp;
mod reporter;
pub mod ttfb;

pub use cls::Cls;
pub use inp::{Inp, Interaction, InteractionCount};
pub use reporter::report;
