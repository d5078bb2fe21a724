//! The simple forms a hand-written page or `curl` sends, singly or in an array:
//! `{"metric", "value", "timestamp"?, "url"?, "userAgent"?}` and `{"event", "data"?, "timestamp"?, "url"?, "userAgent"?}`.
//!
//! `event` names an action, except `page_view` (with `data.page`) and `error` (with `data.message`). Other members of `data` that are
//! texts, numbers or booleans become attributes.

use std::collections::BTreeMap;

use rum_protocol::{
    Action, Attribution, Beacon, ErrorEvent, ErrorSource, Event, Id, Metric, PageView, RejectReason, VERSION, View, Vital, limits,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{decode::Decoded, reject};
use crate::accepted::{RejectedEvent, Rejection};

#[derive(Deserialize)]
struct Simple {
    metric: Option<String>,
    value: Option<f64>,
    event: Option<String>,
    #[serde(default)]
    data: Map<String, Value>,
    timestamp: Option<f64>,
    url: Option<String>,
    #[serde(rename = "userAgent")]
    user_agent: Option<String>,
}

pub(super) fn decode(text: &str, now_ms: u64) -> Result<Decoded, Rejection> {
    let items: Vec<Value> = match serde_json::from_str(text) {
        Ok(Value::Array(items)) => items,
        Ok(item) => vec![item],
        Err(_) => return reject(RejectReason::NotJson, "the body is not JSON"),
    };
    if items.is_empty() {
        return reject(RejectReason::NoEvents, "the array is empty");
    }
    if items.len() > limits::MAX_EVENTS {
        return reject(RejectReason::TooManyEvents, format!("the limit is {} events", limits::MAX_EVENTS));
    }
    let mut views: Vec<View> = Vec::new();
    let mut events = Vec::new();
    let mut rejected = Vec::new();
    let mut user_agent = None;
    for (index, item) in (0..).zip(items) {
        match event(item, now_ms, &mut views) {
            Ok((event, agent)) => {
                events.push((index, event));
                user_agent = user_agent.or(agent);
            }
            Err(rejection) => rejected.push(RejectedEvent { index, rejection }),
        }
    }
    let envelope = Beacon {
        v: VERSION,
        beacon_id: String::new(),
        sent_at_ms: now_ms,
        sdk: None,
        release: None,
        env: None,
        session: None,
        context: None,
        lost: None,
        attributes: BTreeMap::new(),
        views,
        events: Vec::new(),
    };
    Ok(Decoded { envelope, events, rejected, user_agent })
}

fn event(item: Value, now_ms: u64, views: &mut Vec<View>) -> Result<(Event, Option<String>), Rejection> {
    let Ok(simple) = serde_json::from_value::<Simple>(item) else {
        return reject(
            RejectReason::MalformedEvent,
            "metric, event, url and userAgent are texts, value and timestamp numbers, data an object",
        );
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates; the next step checks the range")]
    let at_ms = simple.timestamp.map_or(now_ms, |ms| ms as u64);
    let mut data = simple.data;
    let page = take_text(&mut data, "page");
    let view = view_of(views, simple.url.unwrap_or_default(), page);
    let event = match (simple.metric, simple.event) {
        (Some(name), None) => {
            let Some(metric) = Metric::from_name(&name) else {
                return reject(RejectReason::MalformedEvent, "metric must be FCP, LCP, FID, CLS, INP or TTFB");
            };
            let Some(value) = simple.value else { return reject(RejectReason::MalformedEvent, "missing field `value`") };
            Event::Vital(Vital {
                at_ms,
                view,
                metric,
                metric_id: None,
                value,
                prev_value: None,
                navigation_type: None,
                attribution: Attribution::default(),
            })
        }
        (None, Some(name)) => match name.as_str() {
            "page_view" => Event::PageView(PageView { at_ms, view, ..PageView::default() }),
            "error" => Event::Error(ErrorEvent {
                at_ms,
                view,
                source: ErrorSource::Api,
                name: take_text(&mut data, "name"),
                message: take_text(&mut data, "message").unwrap_or_default(),
                stack: take_text(&mut data, "stack"),
                file: None,
                line: None,
                column: None,
                count: 1,
                breadcrumbs: Vec::new(),
                action: None,
                attributes: attributes(data),
            }),
            _ => Event::Action(Action {
                at_ms,
                view,
                action: name,
                category: take_text(&mut data, "category"),
                value: data.remove("value").and_then(|value| value.as_f64()),
                attributes: attributes(data),
                ..Action::default()
            }),
        },
        _ => return reject(RejectReason::MalformedEvent, "give either metric or event"),
    };
    Ok((event, simple.user_agent))
}

fn view_of(views: &mut Vec<View>, url: String, page: Option<String>) -> u32 {
    let known = views.iter().position(|view| view.url == url && view.page == page);
    let index = known.unwrap_or_else(|| {
        views.push(View { id: Id(0), started_at_ms: None, url, page, referrer: None });
        views.len() - 1
    });
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn take_text(data: &mut Map<String, Value>, key: &str) -> Option<String> {
    data.get(key)?.is_string().then(|| data.remove(key))?.and_then(|value| value.as_str().map(Into::into))
}

fn attributes(data: Map<String, Value>) -> BTreeMap<String, String> {
    data.into_iter()
        .filter_map(|(key, value)| match value {
            Value::String(text) => Some((key, text)),
            Value::Number(_) | Value::Bool(_) => Some((key, value.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
        .collect()
}
