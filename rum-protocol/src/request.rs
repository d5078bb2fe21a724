//! What a page asked of servers, and frames that took long.

use serde::{Deserialize, Serialize};

use crate::Id;

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No connection, a refused one, or an answer that the browser may not show.
    Network,
    /// The page gave it up.
    Abort,
    /// It took longer than the page allowed.
    Timeout,
}

/// A fetch, an `XMLHttpRequest` or another resource (W3C Resource Timing).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// When it began.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// Who asked, as `PerformanceResourceTiming.initiatorType`: `fetch`, `xmlhttprequest`, `img`, `script`, `css`, `link`, …
    pub initiator: String,
    /// The method, such as `GET`; absent where the browser does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The address, without query and fragment.
    pub url: String,
    /// Status of the answer; absent, or 0, where there is none or the browser does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there is no answer; absent when it was answered, with whatever status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// From its begin to its end.
    pub duration_ms: f64,
    /// From its begin to the first byte of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttfb_ms: Option<f64>,
    /// Bytes of the answer on the wire, head included; 0 from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_bytes: Option<u64>,
    /// Bytes of the answer's body, decompressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoded_bytes: Option<u64>,
    /// The trace that the request continues: the 32 lower-case hexadecimal digits of its `traceparent` header (W3C Trace Context).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// [`crate::Action::id`] of the action that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Id>,
}

/// An animation frame that took long (W3C Long Animation Frames).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LongFrame {
    /// When it began.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// How long it took.
    pub duration_ms: f64,
    /// How long it kept input waiting: `blockingDuration`.
    pub blocking_ms: f64,
    /// Address of the script that ran longest in it; absent when no script is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_url: Option<String>,
    /// What called that script, such as `BUTTON#buy.onclick`, or an address where a whole script is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_invoker: Option<String>,
    /// How long that script ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_ms: Option<f64>,
}
