//! The envelope around events.

use serde::{Deserialize, Serialize};

use crate::{Attributes, Event, Id};

/// One POST body. `E` is the event type: [`Event`] for a sender; a receiver reads raw JSON here first, so that one bad event
/// costs only itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beacon<E = Event> {
    /// [`crate::VERSION`].
    pub v: u32,
    /// UUID version 7 in its usual text form. The same beacon sent again carries the same id.
    pub beacon_id: String,
    /// When the beacon was sent, by the sender's clock. The receiver corrects the other times by it.
    pub sent_at_ms: u64,
    /// Version of the sending SDK; absent in hand-written beacons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// The application's release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The deployment environment, such as `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Who sent it; absent in hand-written beacons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// What the page ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// What never reached the service since the last beacon, and what took more than one attempt; absent when there is neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Losses>,
    /// Facts about every event of the beacon: the user as `user.id` and `user.tenant`, feature flags as `flag.<name>`, and the page's own.
    /// An event's own attribute of the same name wins.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// The page views the events point to by index.
    #[serde(default = "Vec::new")]
    pub views: Vec<View>,
    /// At least one event.
    pub events: Vec<E>,
}

/// A visit: page views of one browser without a longer pause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Random, new for every session.
    pub id: Id,
    /// When the session began.
    pub started_at_ms: u64,
    /// Share of sessions that are sent, in (0, 1]; counts are divided by it. 0: this one is not in the sample, and sent because something
    /// went wrong in it. It counts nothing.
    #[serde(default = "whole")]
    pub sample_rate: f64,
}

/// The device and connection, as far as the browser tells without asking the user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// `innerWidth`, CSS pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewport_width_px: Option<u32>,
    /// `innerHeight`, CSS pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewport_height_px: Option<u32>,
    /// `navigator.connection.effectiveType`: `slow-2g`, `2g`, `3g` or `4g`. Chromium only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// `navigator.language`, a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// What was lost or late on the sender's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Events dropped because a queue was full.
    #[serde(default)]
    pub dropped: u32,
    /// Events refused by the browser or the service.
    #[serde(default)]
    pub refused: u32,
    /// Beacons that were sent again. Their events are not lost.
    #[serde(default)]
    pub retried: u32,
}

/// A page view the events belong to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Random, new for every view.
    pub id: Id,
    /// When the view began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<u64>,
    /// The page's address without query and fragment.
    pub url: String,
    /// The page's name, as given to `trackPageView`; the receiver derives one from `url` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Where the user came from, without query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
}

const fn whole() -> f64 {
    1.0
}
