//! Holds every field to the limits of the protocol.

use std::collections::BTreeMap;

use rum_protocol::{
    Action, Attribution, AttributionKind, AttributionName, Beacon, ErrorEvent, Event, Metric, PageView, RejectReason, Vital, limits,
};

use super::{decode::Decoded, reject};
use crate::accepted::{RejectedEvent, Rejection};

/// How long after its beacon was sent an event may claim to have happened.
const MAX_AHEAD_MS: u64 = 86_400_000;
/// How old an event may be. Beacons kept by a browser that was offline are sent days later.
const MAX_AGE_MS: u64 = 14 * 86_400_000;
/// Session and metric ids are made by the SDK and short.
const MAX_ID_BYTES: usize = 64;

/// Like [`Decoded`], with every field within its limit.
#[derive(Debug)]
pub(super) struct Validated(pub(super) Decoded);

pub(super) fn validate(mut decoded: Decoded) -> Result<Validated, Rejection> {
    let count = decoded.events.len() + decoded.rejected.len();
    if count == 0 {
        return reject(RejectReason::NoEvents, "events is empty");
    }
    if count > limits::MAX_EVENTS || decoded.envelope.views.len() > limits::MAX_VIEWS {
        let detail = format!("the limits are {} events and {} views", limits::MAX_EVENTS, limits::MAX_VIEWS);
        return reject(RejectReason::TooManyEvents, detail);
    }
    envelope(&decoded.envelope)?;
    let (envelope, mut rejected) = (&decoded.envelope, decoded.rejected);
    decoded.events.retain(|(index, event)| match check(event, envelope) {
        Ok(()) => true,
        Err(rejection) => {
            rejected.push(RejectedEvent { index: *index, rejection });
            false
        }
    });
    rejected.sort_by_key(|rejected| rejected.index);
    decoded.rejected = rejected;
    Ok(Validated(decoded))
}

/// A wrong envelope would be wrong for every event, so it costs the request.
fn envelope(beacon: &Beacon) -> Result<(), Rejection> {
    let wrong = |rejection: Rejection| Rejection { reason: RejectReason::WrongShape, ..rejection };
    length("beacon_id", &beacon.beacon_id, MAX_ID_BYTES).map_err(wrong)?;
    for (name, text) in [("sdk", &beacon.sdk), ("release", &beacon.release), ("env", &beacon.env)] {
        optional(name, text.as_deref(), limits::MAX_NAME_BYTES).map_err(wrong)?;
    }
    if let Some(context) = &beacon.context {
        optional("context.connection", context.connection.as_deref(), limits::MAX_NAME_BYTES).map_err(wrong)?;
        optional("context.language", context.language.as_deref(), limits::MAX_NAME_BYTES).map_err(wrong)?;
    }
    if let Some(session) = &beacon.session
        && !(session.sample_rate > 0.0 && session.sample_rate <= 1.0)
    {
        return reject(RejectReason::WrongShape, "session.sample_rate must be above 0 and at most 1");
    }
    for view in &beacon.views {
        length("views.url", &view.url, limits::MAX_URL_BYTES).map_err(wrong)?;
        optional("views.page", view.page.as_deref(), limits::MAX_NAME_BYTES).map_err(wrong)?;
        optional("views.referrer", view.referrer.as_deref(), limits::MAX_URL_BYTES).map_err(wrong)?;
    }
    Ok(())
}

fn check(event: &Event, beacon: &Beacon) -> Result<(), Rejection> {
    // Hand-written beacons may leave `views` out and then all point to 0.
    if event.view() as usize >= beacon.views.len().max(1) {
        return reject(RejectReason::UnknownView, format!("view is {}, views has {}", event.view(), beacon.views.len()));
    }
    // Both times are of the sender's clock, so that a wrong clock does not matter here.
    let age_ms = i128::from(beacon.sent_at_ms) - i128::from(event.at_ms());
    if age_ms < -i128::from(MAX_AHEAD_MS) || age_ms > i128::from(MAX_AGE_MS) {
        return reject(RejectReason::TimeOutOfRange, "at_ms must be within 14 days before and 1 day after sent_at_ms");
    }
    match event {
        Event::PageView(event) => page_view(event),
        Event::Vital(event) => vital(event),
        Event::Error(event) => error(event),
        Event::Action(event) => action(event),
    }
}

fn page_view(event: &PageView) -> Result<(), Rejection> {
    optional("navigation_type", event.navigation_type.as_deref(), limits::MAX_NAME_BYTES)?;
    let timings = [
        ("ttfb_ms", event.ttfb_ms),
        ("dom_interactive_ms", event.dom_interactive_ms),
        ("dom_content_loaded_ms", event.dom_content_loaded_ms),
        ("load_ms", event.load_ms),
        ("dns_ms", event.dns_ms),
        ("connect_ms", event.connect_ms),
        ("request_ms", event.request_ms),
        ("response_ms", event.response_ms),
    ];
    timings.iter().try_for_each(|(name, value)| value.map_or(Ok(()), |value| range(name, value, 0.0, limits::MAX_DURATION_MS)))
}

fn vital(event: &Vital) -> Result<(), Rejection> {
    optional("metric_id", event.metric_id.as_deref(), MAX_ID_BYTES)?;
    optional("navigation_type", event.navigation_type.as_deref(), limits::MAX_NAME_BYTES)?;
    let max = if event.metric == Metric::Cls { limits::MAX_CLS } else { limits::MAX_DURATION_MS };
    range("value", event.value, 0.0, max)?;
    event.prev_value.map_or(Ok(()), |value| range("prev_value", value, 0.0, max))?;
    attribution(&event.attribution)
}

/// There are no more entries than names in the protocol's list: others were not read.
fn attribution(attribution: &Attribution) -> Result<(), Rejection> {
    let max = limits::MAX_ATTRIBUTION_NUMBER;
    attribution.numbers.iter().try_for_each(|(name, value)| range(name, *value, -max, max))?;
    attribution.texts.iter().try_for_each(|(name, text)| {
        let is_name = AttributionName::of(name).is_some_and(|known| known.kind == AttributionKind::Text);
        length(name, text, if is_name { limits::MAX_NAME_BYTES } else { limits::MAX_URL_BYTES })
    })
}

fn error(event: &ErrorEvent) -> Result<(), Rejection> {
    optional("name", event.name.as_deref(), limits::MAX_NAME_BYTES)?;
    length("message", &event.message, limits::MAX_MESSAGE_BYTES)?;
    optional("stack", event.stack.as_deref(), limits::MAX_STACK_BYTES)?;
    optional("file", event.file.as_deref(), limits::MAX_URL_BYTES)?;
    attributes(&event.attributes)
}

fn action(event: &Action) -> Result<(), Rejection> {
    length("action", &event.action, limits::MAX_NAME_BYTES)?;
    if event.action.is_empty() {
        return reject(RejectReason::MalformedEvent, "action must not be empty");
    }
    for (name, text) in [("category", &event.category), ("target", &event.target), ("label", &event.label)] {
        optional(name, text.as_deref(), limits::MAX_NAME_BYTES)?;
    }
    event.value.map_or(Ok(()), |value| range("value", value, f64::MIN, f64::MAX))?;
    attributes(&event.attributes)
}

fn attributes(map: &BTreeMap<String, String>) -> Result<(), Rejection> {
    if map.len() > limits::MAX_ATTRIBUTES {
        return reject(
            RejectReason::FieldTooLong,
            format!("attributes has {} entries, the limit is {}", map.len(), limits::MAX_ATTRIBUTES),
        );
    }
    map.iter().try_for_each(|(key, value)| {
        length("attribute key", key, limits::MAX_ATTRIBUTE_KEY_BYTES)?;
        length("attribute value", value, limits::MAX_ATTRIBUTE_VALUE_BYTES)
    })
}

fn optional(name: &str, text: Option<&str>, limit: usize) -> Result<(), Rejection> {
    text.map_or(Ok(()), |text| length(name, text, limit))
}

fn length(name: &str, text: &str, limit: usize) -> Result<(), Rejection> {
    if text.len() > limit {
        return reject(RejectReason::FieldTooLong, format!("{name} is {} bytes, the limit is {limit}", text.len()));
    }
    Ok(())
}

fn range(name: &str, value: f64, min: f64, max: f64) -> Result<(), Rejection> {
    if value.is_finite() && (min..=max).contains(&value) {
        return Ok(());
    }
    reject(RejectReason::ValueOutOfRange, format!("{name} must be a number from {min} to {max}"))
}
