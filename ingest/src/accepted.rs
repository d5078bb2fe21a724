//! What the service has accepted: the form beacons have in the spool, after enrichment and without the client's address.
//!
//! Stored as JSON, because a newer service must read what an older one spooled and an operator must be able to look at it.

use std::time::Duration;

use rum_protocol::{Attributes, Event, Id, RejectReason};
use serde::{Deserialize, Serialize};

use crate::traces::TraceContext;

/// One spool record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A beacon whose events are to be stored.
    Beacon(Box<AcceptedBeacon>),
    /// Refused requests, summed up.
    Refusals(Vec<Refusal>),
    /// Events of a beacon that the ledger has counted already: put back from quarantine.
    Replayed(Box<AcceptedBeacon>),
    /// Lines of the ledger: put back from quarantine.
    Ledger(Vec<LedgerLine>),
}

impl Record {
    /// The bytes of the record in the spool.
    ///
    /// # Errors
    /// If a value has no form in JSON; none that was accepted is like that.
    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

/// A beacon with at least one accepted event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptedBeacon {
    /// The project whose key it came with.
    pub project_id: String,
    /// How long the project's raw events are kept.
    pub retention_days: u16,
    /// The service's clock when the beacon came, Unix milliseconds.
    pub received_at_ms: u64,
    /// Sender's clock minus the service's, as taken off the events' times; 0 if within [`crate::pipeline::SKEW_TOLERANCE_MS`].
    pub skew_ms: i64,
    /// The sender's id of the beacon.
    pub beacon_id: String,
    /// The sender's session; `Id(0)` if none was given.
    pub session_id: Id,
    /// Share of sessions that is sent.
    pub sample_rate: f64,
    /// The application's release, or empty.
    pub release: String,
    /// The deployment environment, or empty.
    pub env: String,
    /// The effective connection type, or empty.
    pub connection: String,
    /// The sender's country, ISO 3166-1 alpha-2, or empty.
    #[serde(default)]
    pub country: String,
    /// What the user agent tells.
    pub agent: Agent,
    /// The accepted events with their index in the beacon.
    pub events: Vec<AcceptedEvent>,
    /// Reasons of the events that were refused.
    pub rejected: Vec<String>,
    /// The trace it came in, if it told or is traced here. A sampled context is that of the span that put the beacon into the spool.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "traceparent")]
    pub trace: Option<TraceContext>,
}

/// Device and browser, from a closed set of names so that they can be labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// `desktop`, `mobile`, `tablet` or `unknown`.
    pub device: String,
    /// The browser's name, or `unknown`.
    pub browser: String,
    /// Its major version, 0 if unknown.
    pub browser_major: u16,
    /// The operating system, or `unknown`.
    pub os: String,
}

/// One accepted event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptedEvent {
    /// Position in the beacon as sent.
    pub index: u32,
    /// Its time by the service's clock, Unix milliseconds.
    pub at_ms: i64,
    /// The page view, `Id(0)` if none was given.
    pub view_id: Id,
    /// When the page view began by the service's clock, Unix milliseconds; absent if the sender did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_started_at_ms: Option<i64>,
    /// Name or route of the page.
    pub page: String,
    /// The page's address without query and fragment, or empty.
    pub url: String,
    /// A request's host and route, so that requests of one kind have one name; empty for other events.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The beacon's attributes that the event has no own for.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// What happened. Times in it are the sender's, except those of breadcrumbs, which are the service's.
    pub event: Event,
}

impl AcceptedEvent {
    /// The beacon's attributes and its own, none twice.
    pub fn all_attributes(&self) -> impl Iterator<Item = (&String, &String)> {
        self.attributes.iter().chain(self.event.attributes().into_iter().flatten())
    }
}

/// Requests refused in one minute for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The project, or empty if the request named no known one.
    pub project_id: String,
    /// Unix time of the minute's start, in seconds.
    pub minute: u32,
    /// [`RejectReason::name`].
    pub reason: String,
    /// How many.
    pub requests: u64,
}

/// A line of the table `ingest_outcomes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// The project, or empty if the request named no known one.
    pub project_id: String,
    /// Unix time of the minute's start, in seconds.
    pub minute: u32,
    /// [`LedgerLine::ACCEPTED`], [`LedgerLine::REJECTED`] or [`LedgerLine::DUPLICATE`], as in the table.
    pub outcome: i8,
    /// [`RejectReason::name`], or empty.
    pub reason: String,
    /// [`LedgerLine::REQUESTS`] or [`LedgerLine::EVENTS`], as in the table.
    pub scope: i8,
    /// How many.
    pub count: u64,
}

impl LedgerLine {
    /// Outcome: stored.
    pub const ACCEPTED: i8 = 1;
    /// Outcome: refused, for the line's reason.
    pub const REJECTED: i8 = 2;
    /// Outcome: sent again, and stored the first time.
    pub const DUPLICATE: i8 = 3;
    /// Scope: the line counts requests.
    pub const REQUESTS: i8 = 1;
    /// Scope: the line counts the events of accepted or repeated requests.
    pub const EVENTS: i8 = 2;
}

/// Why a request or an event was refused, with the detail for its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The rule.
    pub reason: RejectReason,
    /// What exactly, without repeating the sender's data.
    pub detail: String,
    /// How long the sender is to wait, where that is known.
    pub retry_after: Option<Duration>,
}

impl Rejection {
    /// A refusal with its detail.
    pub fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry_after: None }
    }
}

/// An event that was refused while others of its beacon were not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedEvent {
    /// Position in the beacon.
    pub index: u32,
    /// Why.
    pub rejection: Rejection,
}

/// A place in a trace as a `traceparent`; one that cannot be read is none, and costs nobody the beacon.
mod traceparent {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::TraceContext;

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(context: &Option<TraceContext>, out: S) -> Result<S::Ok, S::Error> {
        context.map(|context| context.to_string()).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<TraceContext>, D::Error> {
        Ok(Option::<String>::deserialize(input)?.and_then(|text| TraceContext::parse(&text)))
    }
}
