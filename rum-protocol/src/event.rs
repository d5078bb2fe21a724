//! The events a beacon carries.

use serde::{Deserialize, Serialize};

use crate::{Attributes, Attribution, Metric};

/// One thing that happened in a page. `type` on the wire names the variant in `snake_case`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A page or route was shown.
    PageView(PageView),
    /// A web vital got its value, or a new one.
    Vital(Vital),
    /// Something failed.
    Error(ErrorEvent),
    /// The user did something.
    Action(Action),
}

/// A page view with the navigation timing of its load. Sent once per view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageView {
    /// When the view began.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// `navigate`, `reload`, `back-forward`, `back-forward-cache`, `prerender`, `restore`, or `route-change` inside a
    /// single-page application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub navigation_type: Option<String>,
    /// Navigation start to `responseStart`. This and the timings below are absent for route changes and for documents whose timing is
    /// withheld (W3C Navigation Timing 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttfb_ms: Option<f64>,
    /// Navigation start to `domInteractive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dom_interactive_ms: Option<f64>,
    /// Navigation start to `domContentLoadedEventEnd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dom_content_loaded_ms: Option<f64>,
    /// Navigation start to `loadEventEnd`; absent if the page was left before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_ms: Option<f64>,
    /// `domainLookupEnd - domainLookupStart`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<f64>,
    /// `connectEnd - connectStart`, TLS included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<f64>,
    /// `responseStart - requestStart`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_ms: Option<f64>,
    /// `responseEnd - responseStart`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<f64>,
}

/// A web vital's value for one page load. A later event with the same `metric_id` replaces this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vital {
    /// When the value was reported.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// Which vital.
    pub metric: Metric,
    /// Names this metric instance; equal for all reports of one vital of one page load. Absent in hand-written beacons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric_id: Option<String>,
    /// The value, in the metric's unit.
    pub value: f64,
    /// The value last reported under this `metric_id`; absent in the first report. The store takes it back before it adds `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_value: Option<f64>,
    /// As in [`PageView::navigation_type`], without `route-change` and with `soft-navigation`: a route change that the browser itself
    /// recognised and measured. The values of such, and those of `back-forward-cache`, count from it, not from the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub navigation_type: Option<String>,
    /// Why it has this value; absent when nothing is known about it.
    #[serde(default, skip_serializing_if = "Attribution::is_empty")]
    #[cfg_attr(target_arch = "wasm32", serde(skip_deserializing))]
    pub attribution: Attribution,
}

/// Where an error was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorSource {
    /// The window's `error` event.
    Uncaught,
    /// The window's `unhandledrejection` event.
    UnhandledRejection,
    /// `trackError(error, context)`.
    Api,
}

/// An error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorEvent {
    /// When it was caught.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// Where it was caught.
    pub source: ErrorSource,
    /// The constructor's name, such as `TypeError`; absent when what was thrown is no `Error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The message, or the text of what was thrown.
    pub message: String,
    /// The browser's own stack text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The script's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// One-based line in `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// One-based column in `line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The caller's own context.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// A user action, captured or reported by `trackUserAction(action, category, value)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// When it happened.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// What was done: `click` for captured ones, else the caller's word.
    pub action: String,
    /// The caller's grouping; `auto` for captured ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The caller's number, in a unit of the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// CSS-like path to the element, without any content of the page. Captured actions only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The element's accessible name, never an input's value. Captured actions only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The caller's own attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Event {
    /// When it happened, by the sender's clock.
    #[must_use]
    pub const fn at_ms(&self) -> u64 {
        match self {
            Self::PageView(event) => event.at_ms,
            Self::Vital(event) => event.at_ms,
            Self::Error(event) => event.at_ms,
            Self::Action(event) => event.at_ms,
        }
    }

    /// Index of the view it belongs to.
    #[must_use]
    pub const fn view(&self) -> u32 {
        match self {
            Self::PageView(event) => event.view,
            Self::Vital(event) => event.view,
            Self::Error(event) => event.view,
            Self::Action(event) => event.view,
        }
    }
}
