//! From text to a beacon whose events are still raw, so that one bad event costs only itself.

use rum_protocol::{Beacon, Event, Metric, RejectReason, VERSION};
use serde_json::value::RawValue;

use super::{reject, simple};
use crate::accepted::{RejectedEvent, Rejection};

/// A decoded beacon.
#[derive(Debug)]
pub(super) struct Decoded {
    /// The envelope; its `events` are empty.
    pub(super) envelope: Beacon,
    /// The events that could be read, with their index.
    pub(super) events: Vec<(u32, Event)>,
    /// The others.
    pub(super) rejected: Vec<RejectedEvent>,
    /// The user agent a simple form names.
    pub(super) user_agent: Option<String>,
}

/// The members that tell the forms apart.
#[derive(serde::Deserialize)]
struct Form<'a> {
    #[serde(borrow)]
    v: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(borrow)]
    metric: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

pub(super) fn decode(bytes: &[u8], now_ms: u64) -> Result<Decoded, Rejection> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return reject(RejectReason::NotJson, "the body is not UTF-8");
    };
    if text.trim().is_empty() {
        return reject(RejectReason::EmptyBody, "send a beacon as JSON");
    }
    let root: &RawValue = match serde_json::from_str(text) {
        Ok(root) => root,
        Err(error) => return reject(RejectReason::NotJson, format!("line {}, column {}", error.line(), error.column())),
    };
    if root.get().starts_with('[') {
        return simple::decode(root.get(), now_ms);
    }
    match serde_json::from_str::<Form<'_>>(root.get()) {
        Ok(form) if form.v.is_some() || form.events.is_some() => beacon(root.get(), form.v),
        Ok(form) if form.metric.is_some() || form.event.is_some() => simple::decode(root.get(), now_ms),
        _ => reject(RejectReason::WrongShape, "send {\"v\":1,…,\"events\":[…]}, {\"metric\",\"value\"} or {\"event\"}"),
    }
}

fn beacon(text: &str, version: Option<&RawValue>) -> Result<Decoded, Rejection> {
    match version.map(|version| serde_json::from_str::<u32>(version.get())) {
        Some(Ok(VERSION)) => {}
        Some(Ok(other)) => {
            return reject(RejectReason::UnsupportedVersion, format!("v is {other}, this service speaks {VERSION}"));
        }
        Some(Err(_)) | None => return reject(RejectReason::WrongShape, "v must be a number"),
    }
    let beacon: Beacon<&RawValue> = match serde_json::from_str(text) {
        Ok(beacon) => beacon,
        Err(error) => return reject(RejectReason::WrongShape, shape_of(&error)),
    };
    let mut events = Vec::with_capacity(beacon.events.len().min(rum_protocol::limits::MAX_EVENTS));
    let mut rejected = Vec::new();
    for (index, raw) in (0..).zip(&beacon.events) {
        match event(raw.get()) {
            Ok(event) => events.push((index, event)),
            Err(rejection) => rejected.push(RejectedEvent { index, rejection }),
        }
    }
    let Beacon { v, beacon_id, sent_at_ms, sdk, release, env, session, context, lost, attributes, views, events: _ } = beacon;
    let events_apart = Vec::new();
    let envelope =
        Beacon { v, beacon_id, sent_at_ms, sdk, release, env, session, context, lost, attributes, views, events: events_apart };
    Ok(Decoded { envelope, events, rejected, user_agent: None })
}

/// What is left of an event that does not parse.
#[derive(serde::Deserialize)]
struct Kind {
    r#type: String,
    metric: Option<serde_json::Value>,
}

fn event(text: &str) -> Result<Event, Rejection> {
    serde_json::from_str(text).or_else(|error| match serde_json::from_str::<Kind>(text) {
        Ok(Kind { r#type, .. }) if !Event::TYPES.contains(&r#type.as_str()) => {
            reject(RejectReason::UnknownEventType, format!("type must be one of {}", Event::TYPES.join(", ")))
        }
        Ok(Kind { r#type, metric: Some(metric) })
            if r#type == "vital" && metric.as_str().is_none_or(|name| Metric::from_name(name).is_none()) =>
        {
            reject(RejectReason::MalformedEvent, "metric must be FCP, LCP, FID, CLS, INP or TTFB")
        }
        _ => reject(RejectReason::MalformedEvent, shape_of(&error)),
    })
}

/// What is wrong, without the sender's data: serde names fields and types, and quotes values only after "invalid".
fn shape_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text.split(" at line").next().unwrap_or_default().into();
    }
    let expected = text.rsplit_once("expected ").map(|(_, rest)| rest.split(" at line").next().unwrap_or_default());
    match expected {
        Some(expected) => format!("wrong type or value at column {}: expected {expected}", error.column()),
        None => format!("wrong type or value at column {}", error.column()),
    }
}
