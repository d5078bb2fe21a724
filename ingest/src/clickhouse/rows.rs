//! From an accepted event to its row.

use std::hash::Hasher;

use rum_protocol::{Action, Event, Failure, Id, LongFrame, PageView, Request, Vital};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::{
    codes::{metric_value, rating_value},
    counting::{counted_at, seconds},
    decimals::{LongTenths, Millionths, Tenths},
    erasure::{Personal, Traits},
    error_rows::error_row,
    ledger::OutcomeRow,
    told::Told,
};
use crate::accepted::{AcceptedBeacon, AcceptedEvent};

pub(super) type Pairs<V> = Vec<(String, V)>;

/// A row of `events`; see the table's comments.
#[derive(Clone, Debug, Default, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub(super) struct EventRow {
    project_id: String,
    kind: i8,
    metric: i8,
    ts: i64,
    counted_at: u32,
    received_at: i64,
    skew_ms: i64,
    event_key: u64,
    session_id: u64,
    view_id: u64,
    metric_id: u64,
    value: f64,
    rating: i8,
    prev_value: f64,
    prev_rating: i8,
    page: String,
    url: String,
    navigation_type: String,
    name: String,
    category: String,
    release: String,
    env: String,
    device: String,
    browser: String,
    browser_major: u16,
    os: String,
    connection: String,
    country: String,
    sample_rate: f32,
    retention_days: u16,
    attributes: Pairs<String>,
    timings: Pairs<f64>,
    target: String,
    load_state: String,
    ttfb_ms: Option<Tenths>,
    first_byte_to_fcp_ms: Option<Tenths>,
    resource_url: String,
    resource_load_delay_ms: Option<Tenths>,
    resource_load_duration_ms: Option<Tenths>,
    element_render_delay_ms: Option<Tenths>,
    waiting_ms: Option<Tenths>,
    cache_ms: Option<Tenths>,
    dns_ms: Option<Tenths>,
    connection_ms: Option<Tenths>,
    request_ms: Option<Tenths>,
    largest_shift_time_ms: Option<LongTenths>,
    largest_shift_value: Option<Millionths>,
    interaction_type: String,
    interaction_time_ms: Option<LongTenths>,
    input_delay_ms: Option<Tenths>,
    processing_duration_ms: Option<Tenths>,
    presentation_delay_ms: Option<Tenths>,
    script_ms: Option<Tenths>,
    style_and_layout_ms: Option<Tenths>,
    paint_ms: Option<Tenths>,
    unattributed_ms: Option<Tenths>,
    longest_script_url: String,
    longest_script_invoker: String,
    longest_script_subpart: String,
    longest_script_ms: Option<Tenths>,
    event_type: String,
    event_time_ms: Option<LongTenths>,
    unit: String,
    action_id: u64,
    initiator: String,
    method: String,
    status: u16,
    failure: i8,
    transfer_bytes: Option<u64>,
    decoded_bytes: Option<u64>,
    trace_id: String,
    blocking_ms: Option<Tenths>,
    visible_ms: Option<LongTenths>,
    scroll_ratio: Option<f32>,
}

impl Personal for EventRow {
    fn traits(&self) -> Option<Traits<'_>> {
        let at_ms = self.ts.min(self.received_at);
        Some(Traits { project_id: &self.project_id, session_id: self.session_id, at_ms, attributes: &self.attributes })
    }
}

impl Personal for OutcomeRow {
    fn traits(&self) -> Option<Traits<'_>> {
        None
    }
}

const PAGE_VIEW: i8 = 1;
const VITAL: i8 = 2;
const ACTION: i8 = 3;
const MEASURE: i8 = 4;
const REQUEST: i8 = 5;
const LONG_FRAME: i8 = 6;
const PAGE_LEAVE: i8 = 7;

/// Adds the row of an event.
pub(super) fn add(event: &AcceptedEvent, beacon: &AcceptedBeacon, told: &mut Told) {
    let base = || base(event, beacon);
    let row = match &event.event {
        Event::Error(error) => return told.errors.push(error_row(error, event, beacon)),
        Event::Vital(vital) => {
            let row = vital_row(vital, base());
            let counted_at = counted_at(event, row.received_at, row.prev_rating != 0);
            let trace_id = beacon.trace.map_or_else(String::new, |trace| format!("{:032x}", trace.trace_id));
            EventRow { counted_at, trace_id, ..row }
        }
        Event::PageView(view) => page_view_row(view, base()),
        Event::Action(action) => action_row(action, base()),
        Event::Measure(measure) => EventRow {
            kind: MEASURE,
            name: measure.name.clone(),
            value: measure.value,
            unit: text(measure.unit.as_ref()),
            ..base()
        },
        Event::Request(request) => request_row(request, event, base()),
        Event::LongFrame(frame) => long_frame_row(frame, base()),
        Event::PageLeave(leave) => EventRow {
            kind: PAGE_LEAVE,
            value: leave.total_ms,
            visible_ms: Some(LongTenths::of(leave.visible_ms)),
            scroll_ratio: Some(narrow(leave.scroll_ratio)),
            ..base()
        },
    };
    told.events.push(row);
}

fn page_view_row(view: &PageView, base: EventRow) -> EventRow {
    let timings = [
        ("ttfb", view.ttfb_ms),
        ("dom_interactive", view.dom_interactive_ms),
        ("dom_content_loaded", view.dom_content_loaded_ms),
        ("load", view.load_ms),
        ("dns", view.dns_ms),
        ("connect", view.connect_ms),
        ("request", view.request_ms),
        ("response", view.response_ms),
    ];
    EventRow {
        kind: PAGE_VIEW,
        navigation_type: text(view.navigation_type.as_ref()),
        timings: timings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        ..base
    }
}

fn action_row(action: &Action, base: EventRow) -> EventRow {
    let captured = [("target", &action.target), ("label", &action.label)];
    let captured = captured.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?)));
    EventRow {
        kind: ACTION,
        name: action.action.clone(),
        category: text(action.category.as_ref()),
        value: action.value.unwrap_or(0.0),
        action_id: id(action.id),
        attributes: captured.chain(base.attributes).collect(),
        ..base
    }
}

fn request_row(request: &Request, event: &AcceptedEvent, base: EventRow) -> EventRow {
    EventRow {
        kind: REQUEST,
        name: event.endpoint.clone(),
        value: request.duration_ms,
        resource_url: request.url.clone(),
        ttfb_ms: request.ttfb_ms.map(Tenths::of),
        action_id: id(request.action),
        initiator: request.initiator.clone(),
        method: text(request.method.as_ref()),
        status: request.status.unwrap_or(0),
        failure: match request.failure {
            None => 0,
            Some(Failure::Network) => 1,
            Some(Failure::Abort) => 2,
            Some(Failure::Timeout) => 3,
        },
        transfer_bytes: request.transfer_bytes,
        decoded_bytes: request.decoded_bytes,
        trace_id: text(request.trace_id.as_ref()),
        ..base
    }
}

fn long_frame_row(frame: &LongFrame, base: EventRow) -> EventRow {
    EventRow {
        kind: LONG_FRAME,
        value: frame.duration_ms,
        blocking_ms: Some(Tenths::of(frame.blocking_ms)),
        longest_script_url: text(frame.script_url.as_ref()),
        longest_script_invoker: text(frame.script_invoker.as_ref()),
        longest_script_ms: frame.script_ms.map(Tenths::of),
        ..base
    }
}

fn vital_row(vital: &Vital, base: EventRow) -> EventRow {
    let number = |name| vital.attribution.numbers.get(name).copied();
    let tenths = |name| number(name).map(Tenths::of);
    let long_tenths = |name| number(name).map(LongTenths::of);
    let text = |name| vital.attribution.texts.get(name).cloned().unwrap_or_default();
    // Without an id nobody could tell later which row was replaced.
    let prev_value = vital.prev_value.filter(|_| vital.metric_id.is_some());
    let metric_id = vital.metric_id.as_deref().map_or(0, |id| metric_id(id, base.view_id));
    EventRow {
        kind: VITAL,
        metric: metric_value(vital.metric),
        metric_id,
        event_key: if metric_id != 0 && base.view_id != 0 { 0 } else { base.event_key },
        value: vital.value,
        rating: rating_value(vital.metric.rate(vital.value)),
        prev_value: prev_value.unwrap_or(0.0),
        prev_rating: prev_value.map_or(0, |value| rating_value(vital.metric.rate(value))),
        navigation_type: vital.navigation_type.clone().unwrap_or_default(),
        target: text("target"),
        load_state: text("load_state"),
        ttfb_ms: tenths("ttfb_ms"),
        first_byte_to_fcp_ms: tenths("first_byte_to_fcp_ms"),
        resource_url: text("url"),
        resource_load_delay_ms: tenths("resource_load_delay_ms"),
        resource_load_duration_ms: tenths("resource_load_duration_ms"),
        element_render_delay_ms: tenths("element_render_delay_ms"),
        waiting_ms: tenths("waiting_ms"),
        cache_ms: tenths("cache_ms"),
        dns_ms: tenths("dns_ms"),
        connection_ms: tenths("connection_ms"),
        request_ms: tenths("request_ms"),
        largest_shift_time_ms: long_tenths("largest_shift_time_ms"),
        largest_shift_value: number("largest_shift_value").map(Millionths::of),
        interaction_type: text("interaction_type"),
        interaction_time_ms: long_tenths("interaction_time_ms"),
        input_delay_ms: tenths("input_delay_ms"),
        processing_duration_ms: tenths("processing_duration_ms"),
        presentation_delay_ms: tenths("presentation_delay_ms"),
        script_ms: tenths("script_ms"),
        style_and_layout_ms: tenths("style_and_layout_ms"),
        paint_ms: tenths("paint_ms"),
        unattributed_ms: tenths("unattributed_ms"),
        longest_script_url: text("longest_script_url"),
        longest_script_invoker: text("longest_script_invoker"),
        longest_script_subpart: text("longest_script_subpart"),
        longest_script_ms: tenths("longest_script_ms"),
        event_type: text("event_type"),
        event_time_ms: long_tenths("event_time_ms"),
        ..base
    }
}

fn base(event: &AcceptedEvent, beacon: &AcceptedBeacon) -> EventRow {
    EventRow {
        project_id: beacon.project_id.clone(),
        ts: event.at_ms,
        counted_at: seconds(event.at_ms),
        received_at: received_at(beacon),
        skew_ms: beacon.skew_ms,
        event_key: event_id(beacon, event),
        session_id: beacon.session_id.0,
        view_id: event.view_id.0,
        page: event.page.clone(),
        url: event.url.clone(),
        release: beacon.release.clone(),
        env: beacon.env.clone(),
        device: beacon.agent.device.clone(),
        browser: beacon.agent.browser.clone(),
        browser_major: beacon.agent.browser_major,
        os: beacon.agent.os.clone(),
        connection: beacon.connection.clone(),
        country: beacon.country.clone(),
        sample_rate: sample_rate(beacon),
        retention_days: beacon.retention_days,
        attributes: attributes(event),
        ..EventRow::default()
    }
}

/// Equal for the same event of the same beacon, however often it was sent.
pub(super) fn event_id(beacon: &AcceptedBeacon, event: &AcceptedEvent) -> u64 {
    hash(&[beacon.project_id.as_bytes(), beacon.beacon_id.as_bytes(), &event.index.to_le_bytes()])
}

/// Tells a vital from others of its metric in its page view, in one byte. Without a page view it tells it from all others.
fn metric_id(id: &str, view_id: u64) -> u64 {
    let hash = hash(&[id.as_bytes()]);
    if view_id == 0 { hash } else { hash % 255 + 1 }
}

/// A fixed hash, never 0, since 0 means absent.
pub(super) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = SipHasher13::new();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish().max(1)
}

pub(super) fn received_at(beacon: &AcceptedBeacon) -> i64 {
    i64::try_from(beacon.received_at_ms).unwrap_or(i64::MAX)
}

pub(super) const fn sample_rate(beacon: &AcceptedBeacon) -> f32 {
    narrow(beacon.sample_rate)
}

#[expect(clippy::cast_possible_truncation, reason = "a share needs no more digits")]
const fn narrow(share: f64) -> f32 {
    share as f32
}

pub(super) fn text(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

pub(super) fn id(id: Option<Id>) -> u64 {
    id.unwrap_or_default().0
}

pub(super) fn attributes(event: &AcceptedEvent) -> Pairs<String> {
    event.all_attributes().map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rum_protocol::{ATTRIBUTION_NAMES, Attribution, AttributionKind, Metric};
    use serde_json::json;

    #[test]
    fn every_name_of_an_attribution_has_its_column() {
        let mut attribution = Attribution::default();
        for (number, known) in (1_u8..).zip(ATTRIBUTION_NAMES) {
            match known.kind {
                AttributionKind::Number => attribution.number(known.name, f64::from(number)),
                _ => attribution.text(known.name, format!("text {number}")),
            }
        }
        let mut row = serde_json::to_value(vital_row(&vital(attribution.clone()), EventRow::default())).unwrap();
        row["url"] = row["resource_url"].clone();
        for (name, value) in &attribution.numbers {
            let unit = if *name == "largest_shift_value" { 1_000_000.0 } else { 10.0 };
            assert_eq!(row[name].as_f64(), Some(value * unit), "{name}");
        }
        for (name, value) in &attribution.texts {
            assert_eq!(row[name], json!(value), "{name}");
        }
    }

    #[test]
    fn what_is_absent_is_not_zero() {
        let row = vital_row(&vital(Attribution::default()), EventRow::default());
        assert_eq!((row.input_delay_ms, row.target.as_str()), (None, ""));
    }

    #[test]
    fn a_report_is_known_by_its_page_view_vital_and_time_where_these_are_given() {
        let named = Vital { metric_id: Some("a".into()), ..vital(Attribution::default()) };
        let row_of = |vital: &Vital, view_id| vital_row(vital, EventRow { view_id, event_key: 7, ..EventRow::default() });
        let row = row_of(&named, 1);
        assert!(row.event_key == 0 && (1..=255).contains(&row.metric_id), "{row:?}");
        let row = row_of(&named, 0);
        assert!(row.event_key == 7 && row.metric_id > 255, "{row:?}");
        let row = row_of(&vital(Attribution::default()), 1);
        assert_eq!((row.event_key, row.metric_id), (7, 0));
    }

    #[test]
    fn a_value_without_an_id_replaces_nothing() {
        let nameless = Vital { prev_value: Some(1.0), ..vital(Attribution::default()) };
        assert_eq!(vital_row(&nameless, EventRow::default()).prev_rating, 0);
        let named = Vital { metric_id: Some("a".into()), ..nameless };
        assert_eq!(vital_row(&named, EventRow::default()).prev_rating, 1);
    }

    fn vital(attribution: Attribution) -> Vital {
        Vital {
            at_ms: 1,
            view: 0,
            metric: Metric::Inp,
            metric_id: None,
            value: 240.0,
            prev_value: None,
            navigation_type: None,
            attribution,
        }
    }
}
