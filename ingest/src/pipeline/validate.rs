//! Holds every field to the limits of the protocol.

use std::collections::BTreeMap;

use rum_protocol::{
    Action, Attribution, AttributionKind, AttributionName, Beacon, ErrorEvent, Event, LongFrame, Measure, Metric, PageLeave,
    PageView, RejectReason, Request, Vital, limits,
};

use super::{decode::Decoded, reject};
use crate::accepted::{RejectedEvent, Rejection};

/// How long after its beacon was sent an event may claim to have happened.
const MAX_AHEAD_MS: u64 = 86_400_000;
/// How old an event may be. Beacons kept by a browser that was offline are sent days later.
pub(super) const MAX_AGE_MS: u64 = 14 * 86_400_000;
/// Greatest status of an answer, RFC 9110.
const MAX_STATUS: u64 = 999;
/// Digits of a trace's id, W3C Trace Context.
const TRACE_ID_DIGITS: usize = 32;
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
    envelope(&decoded.envelope, count)?;
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
fn envelope(beacon: &Beacon, events: usize) -> Result<(), Rejection> {
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
        && !(0.0..=1.0).contains(&session.sample_rate)
    {
        return reject(RejectReason::WrongShape, "session.sample_rate must be from 0 to 1");
    }
    attributes(&beacon.attributes).map_err(wrong)?;
    let bytes: usize = beacon.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes * events > limits::MAX_LAID_UNDER_BYTES {
        let limit = limits::MAX_LAID_UNDER_BYTES;
        return reject(
            RejectReason::WrongShape,
            format!("attributes has {bytes} bytes for each of {events} events, the limit is {limit} in all"),
        );
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
        Event::Measure(event) => measure(event),
        Event::Request(event) => request(event),
        Event::LongFrame(event) => long_frame(event),
        Event::PageLeave(event) => page_leave(event),
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
    timings.iter().try_for_each(|(name, value)| value.map_or(Ok(()), |value| duration(name, value)))?;
    attributes(&event.attributes)
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
    whole("count", event.count.into(), 1, limits::MAX_ERROR_COUNT.into())?;
    if event.breadcrumbs.len() > limits::MAX_BREADCRUMBS {
        let detail = format!("breadcrumbs has {} entries, the limit is {}", event.breadcrumbs.len(), limits::MAX_BREADCRUMBS);
        return reject(RejectReason::FieldTooLong, detail);
    }
    event.breadcrumbs.iter().try_for_each(|crumb| length("breadcrumbs.text", &crumb.text, limits::MAX_NAME_BYTES))?;
    attributes(&event.attributes)
}

fn action(event: &Action) -> Result<(), Rejection> {
    filled("action", &event.action, limits::MAX_NAME_BYTES)?;
    for (name, text) in [("category", &event.category), ("target", &event.target), ("label", &event.label)] {
        optional(name, text.as_deref(), limits::MAX_NAME_BYTES)?;
    }
    event.value.map_or(Ok(()), |value| range("value", value, f64::MIN, f64::MAX))?;
    attributes(&event.attributes)
}

fn measure(event: &Measure) -> Result<(), Rejection> {
    filled("name", &event.name, limits::MAX_NAME_BYTES)?;
    range("value", event.value, f64::MIN, f64::MAX)?;
    optional("unit", event.unit.as_deref(), limits::MAX_UNIT_BYTES)?;
    attributes(&event.attributes)
}

fn request(event: &Request) -> Result<(), Rejection> {
    filled("url", &event.url, limits::MAX_URL_BYTES)?;
    length("initiator", &event.initiator, limits::MAX_NAME_BYTES)?;
    optional("method", event.method.as_deref(), limits::MAX_UNIT_BYTES)?;
    event.status.map_or(Ok(()), |status| whole("status", status.into(), 0, MAX_STATUS))?;
    duration("duration_ms", event.duration_ms)?;
    event.ttfb_ms.map_or(Ok(()), |value| duration("ttfb_ms", value))?;
    for (name, bytes) in [("transfer_bytes", event.transfer_bytes), ("decoded_bytes", event.decoded_bytes)] {
        bytes.map_or(Ok(()), |bytes| whole(name, bytes, 0, limits::MAX_ANSWER_BYTES))?;
    }
    let is_trace = |id: &str| {
        id.len() == TRACE_ID_DIGITS
            && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
            && id.bytes().any(|digit| digit != b'0')
    };
    if event.trace_id.as_deref().is_some_and(|id| !is_trace(id)) {
        return reject(RejectReason::MalformedEvent, "trace_id must be 32 lower-case hexadecimal digits, not all of them 0");
    }
    Ok(())
}

fn long_frame(event: &LongFrame) -> Result<(), Rejection> {
    duration("duration_ms", event.duration_ms)?;
    duration("blocking_ms", event.blocking_ms)?;
    event.script_ms.map_or(Ok(()), |value| duration("script_ms", value))?;
    optional("script_url", event.script_url.as_deref(), limits::MAX_URL_BYTES)?;
    optional("script_invoker", event.script_invoker.as_deref(), limits::MAX_URL_BYTES)
}

fn page_leave(event: &PageLeave) -> Result<(), Rejection> {
    range("visible_ms", event.visible_ms, 0.0, limits::MAX_STAY_MS)?;
    range("total_ms", event.total_ms, 0.0, limits::MAX_STAY_MS)?;
    range("scroll_ratio", event.scroll_ratio, 0.0, 1.0)
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

fn filled(name: &str, text: &str, limit: usize) -> Result<(), Rejection> {
    if text.is_empty() {
        return reject(RejectReason::MalformedEvent, format!("{name} must not be empty"));
    }
    length(name, text, limit)
}

fn duration(name: &str, value: f64) -> Result<(), Rejection> {
    range(name, value, 0.0, limits::MAX_DURATION_MS)
}

fn whole(name: &str, value: u64, min: u64, max: u64) -> Result<(), Rejection> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    reject(RejectReason::ValueOutOfRange, format!("{name} must be a number from {min} to {max}"))
}

fn range(name: &str, value: f64, min: f64, max: f64) -> Result<(), Rejection> {
    if value.is_finite() && (min..=max).contains(&value) {
        return Ok(());
    }
    reject(RejectReason::ValueOutOfRange, format!("{name} must be a number from {min} to {max}"))
}
