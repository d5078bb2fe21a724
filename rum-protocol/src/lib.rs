//! What travels between a browser and the ingest service: one POST body is one [`Beacon`].
//!
//! The crate holds wire types, the rating thresholds, the limits and the closed list of reject reasons, so that the SDK, the
//! service and the documentation cannot drift apart. It depends on serde alone and does no input or output.
//!
//! Names are `snake_case` with a unit suffix. Times called `*_at_ms` are milliseconds since the Unix epoch by the sender's clock;
//! other `*_ms` values are durations. An absent value is an absent key, never `null` and never zero.

mod attributes;
mod attribution;
mod beacon;
mod error;
mod event;
mod id;
pub mod limits;
mod reject;
mod request;
mod vital;

pub use attributes::Attributes;
pub use attribution::{ATTRIBUTION_NAMES, Attribution, AttributionKind, AttributionName};
pub use beacon::{Beacon, Context, Losses, Session, View};
pub use error::{Breadcrumb, BreadcrumbKind, ErrorEvent, ErrorSource};
pub use event::{Action, Event, Measure, PageLeave, PageView, Vital};
pub use id::{Id, InvalidId};
pub use reject::{RejectReason, Scope};
pub use request::{Failure, LongFrame, Request};
pub use vital::{Metric, Rating, Thresholds};

/// The protocol version this crate speaks, sent as `v` in every beacon.
pub const VERSION: u32 = 1;

/// The path beacons are posted to unless the operator configures another.
pub const DEFAULT_PATH: &str = "/api/v1/metrics/rum";
