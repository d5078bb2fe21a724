//! What a vital's value is made of and where the page was in its life then: plain arithmetic over entries, like
//! [`crate::metrics`]. All is in milliseconds, times on the page's clock.

mod cls;
mod fcp;
mod frames;
mod inp;
mod lcp;
mod load_state;
mod long_frames;
mod ttfb;

pub use cls::largest_shift;
pub use fcp::{FcpParts, fcp_parts};
pub use frames::{Frame, Frames, Processed};
pub use inp::{InpParts, LongFrameSummary, LongestScript, Subpart, inp_parts, long_frame_summary};
pub use lcp::{LcpParts, lcp_parts, resource_of};
pub use load_state::{LoadState, ReadyState, load_state};
pub use long_frames::LongFrames;
pub use ttfb::{TtfbParts, ttfb_parts};
