//! JavaScript values into the core's plain ones.

use js_sys::Array;
use rum_protocol::{ErrorSource, Id};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Node;

use super::element::Dom;
use super::page::Page;
use crate::collect::{CaughtError, Clicked};
use crate::entry::{EventTiming, LargestPaint, LayoutShift};
use crate::kind::Kind;
use crate::navigation::NavigationTiming;
use crate::outbox::Outcome;
use crate::{Landing, Signal};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = getEntriesByType)]
    fn entries_by_type(kind: &str) -> Array;

    /// A performance entry of any type. What a type does not have reads as not a number, `false` or `None`.
    type Entry;

    #[wasm_bindgen(method, getter)]
    fn name(this: &Entry) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = startTime)]
    fn start_time(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter)]
    fn duration(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = hadRecentInput)]
    fn had_recent_input(this: &Entry) -> bool;
    #[wasm_bindgen(method, getter, js_name = processingStart)]
    fn processing_start(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = interactionId)]
    fn interaction_id(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = type)]
    fn kind(this: &Entry) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = activationStart)]
    fn activation_start(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = domainLookupStart)]
    fn domain_lookup_start(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = domainLookupEnd)]
    fn domain_lookup_end(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = connectStart)]
    fn connect_start(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = connectEnd)]
    fn connect_end(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = requestStart)]
    fn request_start(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = responseStart)]
    fn response_start(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = responseEnd)]
    fn response_end(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = domInteractive)]
    fn dom_interactive(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = domContentLoadedEventEnd)]
    fn dom_content_loaded(this: &Entry) -> f64;
    #[wasm_bindgen(method, getter, js_name = loadEventEnd)]
    fn load(this: &Entry) -> f64;

    /// The type `Fault` of `npm/src/happening.ts`.
    type Fault;

    #[wasm_bindgen(method, getter)]
    fn source(this: &Fault) -> String;
    #[wasm_bindgen(method, getter, js_name = name)]
    fn error_name(this: &Fault) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn message(this: &Fault) -> String;
    #[wasm_bindgen(method, getter)]
    fn stack(this: &Fault) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn file(this: &Fault) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn line(this: &Fault) -> Option<u32>;
    #[wasm_bindgen(method, getter)]
    fn column(this: &Fault) -> Option<u32>;
    #[wasm_bindgen(method, getter)]
    fn attributes(this: &Fault) -> Option<Array>;
}

/// What is known of the page when the core starts.
pub(super) fn landing(page: &Page) -> Landing {
    let navigation = entries("navigation").next().map(|entry| navigation(&entry));
    let activation_start = navigation.as_ref().map_or(0.0, |navigation| navigation.activation_start);
    let hidden_entry = entries("visibility-state")
        .find(|entry| entry.start_time() >= activation_start && entry.name().as_deref() == Some("hidden"))
        .map(|entry| entry.start_time());
    Landing {
        href: page.href(),
        referrer: page.referrer(),
        view: page.view().and_then(|digits| Id::parse(&digits).ok()),
        view_sent: page.view_sent(),
        navigation,
        was_discarded: page.was_discarded(),
        hidden_entry,
        hidden_seen: page.first_hidden(),
        lost: page.lost(),
    }
}

/// One delivery. `None` for what has nothing in it for the core.
pub(super) fn signal(kind: Kind, payload: &JsValue, at: f64) -> Option<Signal> {
    Some(match kind {
        Kind::Error => Signal::Error(caught(payload.unchecked_ref())),
        Kind::Click => Signal::Click(Clicked::element(Dom(payload.unchecked_ref::<Node>().clone()))),
        Kind::Key => Signal::Acted,
        Kind::Action => {
            let call: &Array = payload.unchecked_ref();
            let [action, category, value] = [0, 1, 2].map(|index| call.get(index));
            Signal::Action { action: action.as_string()?, category: category.as_string(), value: value.as_f64() }
        }
        Kind::PageView => {
            let call: &Array = payload.unchecked_ref();
            Signal::PageView { name: call.get(0).as_string()?, href: call.get(1).as_string()? }
        }
        Kind::Route => Signal::Route(payload.as_string()?),
        Kind::Restore => Signal::Restored(payload.as_string()?),
        Kind::HiddenSince => Signal::HiddenSince(at),
        Kind::Hidden => Signal::Hidden { interaction_count: payload.as_f64() },
        Kind::Flush => Signal::Flush,
        Kind::Timer => Signal::Timer,
        Kind::Idle => Signal::Idle,
        Kind::Settled => {
            let outcome: &Array = payload.unchecked_ref();
            let [number, status, retry_after] = [0, 1, 2].map(|index| outcome.get(index).as_f64().unwrap_or_default());
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of ours and HTTP's")]
            Signal::Settled(number as u32, Outcome { status: status as u16, retry_after })
        }
        Kind::Paint => {
            let paint = iterate(payload).find(|entry| entry.name().as_deref() == Some("first-contentful-paint"))?;
            Signal::FirstContentfulPaint(paint.start_time())
        }
        Kind::LargestPaint => {
            let paint = |entry: Entry| LargestPaint { start: entry.start_time(), entry: () };
            Signal::LargestContentfulPaint(iterate(payload).map(paint).collect())
        }
        Kind::LayoutShift => {
            let shift = |entry: Entry| LayoutShift {
                start: entry.start_time(),
                value: entry.value(),
                had_recent_input: entry.had_recent_input(),
                entry: (),
            };
            Signal::LayoutShift(iterate(payload).map(shift).collect())
        }
        Kind::FirstInput => Signal::FirstInput(event(&iterate(payload).next()?, true)),
        Kind::Interactions => Signal::Interactions(iterate(payload).map(|entry| event(&entry, false)).collect()),
    })
}

fn caught(fault: &Fault) -> CaughtError {
    // Key, value, key, value.
    let mut texts =
        fault.attributes().into_iter().flat_map(|texts| (0..texts.length()).filter_map(move |index| texts.get(index).as_string()));
    let mut attributes = Vec::new();
    while let (Some(key), Some(value)) = (texts.next(), texts.next()) {
        attributes.push((key, value));
    }
    CaughtError {
        source: match fault.source().as_str() {
            "api" => ErrorSource::Api,
            "unhandled_rejection" => ErrorSource::UnhandledRejection,
            _ => ErrorSource::Uncaught,
        },
        name: fault.error_name(),
        message: fault.message(),
        stack: fault.stack(),
        file: fault.file(),
        line: fault.line(),
        column: fault.column(),
        attributes,
    }
}

fn event(entry: &Entry, is_first_input: bool) -> EventTiming<()> {
    EventTiming {
        start: entry.start_time(),
        duration: entry.duration(),
        processing_start: entry.processing_start(),
        interaction_id: or_zero(entry.interaction_id()),
        is_first_input,
        entry: (),
    }
}

fn navigation(entry: &Entry) -> NavigationTiming {
    NavigationTiming {
        kind: entry.kind().unwrap_or_default(),
        activation_start: or_zero(entry.activation_start()),
        domain_lookup_start: entry.domain_lookup_start(),
        domain_lookup_end: entry.domain_lookup_end(),
        connect_start: entry.connect_start(),
        connect_end: entry.connect_end(),
        request_start: entry.request_start(),
        response_start: entry.response_start(),
        response_end: entry.response_end(),
        dom_interactive: entry.dom_interactive(),
        dom_content_loaded: entry.dom_content_loaded(),
        load: entry.load(),
    }
}

/// A property that the browser does not have reads as not a number.
const fn or_zero(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

fn entries(kind: &str) -> impl Iterator<Item = Entry> + use<> {
    iterate(&entries_by_type(kind))
}

/// The entries of an array. They are taken for what they should be: pages replace these objects, and a check would drop them.
fn iterate(array: &JsValue) -> impl Iterator<Item = Entry> + use<> {
    let array: Array = array.clone().unchecked_into();
    (0..array.length()).map(move |index| array.get(index).unchecked_into())
}
