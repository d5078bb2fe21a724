//! The events a beacon carries.

use serde::{Deserialize, Serialize};

use crate::{Attributes, Attribution, ErrorEvent, Id, LongFrame, Metric, Request};

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
    /// The application measured something.
    Measure(Measure),
    /// The page asked a server for something.
    Request(Request),
    /// A frame took long.
    LongFrame(LongFrame),
    /// A page view was left or hidden.
    PageLeave(PageLeave),
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
    /// The page's own attributes, among them where the user came from: `utm_source`, `utm_medium`, `utm_campaign`, `utm_term`,
    /// `utm_content`.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
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

/// A user action, captured or reported by `trackUserAction(action, category, value)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// When it happened.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// Random, so that the errors and requests it caused can point to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What was done: `click`, `rage_click`, `dead_click` or `submit` for captured ones, else the caller's word.
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

/// A number of the application's own, reported by `track(name, value, attributes)` or `time(name)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// When it was measured.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// What was measured; not empty.
    pub name: String,
    /// How much, in `unit`.
    pub value: f64,
    /// The unit, such as `ms`; absent for a plain number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The caller's own attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// A page view was left or hidden. Sent again each time; of one view the report with the greatest `total_ms` stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageLeave {
    /// When it was left or hidden.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// How long the view has been visible in all.
    pub visible_ms: f64,
    /// How long ago the view began, hidden times included.
    pub total_ms: f64,
    /// Deepest part of the document that was seen, as a share of its height, in [0, 1]; 1 for one that fits the window.
    pub scroll_ratio: f64,
}

impl Event {
    /// Every `type`, as named on the wire.
    pub const TYPES: [&str; 8] = ["page_view", "vital", "error", "action", "measure", "request", "long_frame", "page_leave"];

    /// When it happened, by the sender's clock.
    #[must_use]
    pub const fn at_ms(&self) -> u64 {
        match self {
            Self::PageView(event) => event.at_ms,
            Self::Vital(event) => event.at_ms,
            Self::Error(event) => event.at_ms,
            Self::Action(event) => event.at_ms,
            Self::Measure(event) => event.at_ms,
            Self::Request(event) => event.at_ms,
            Self::LongFrame(event) => event.at_ms,
            Self::PageLeave(event) => event.at_ms,
        }
    }

    /// The caller's own attributes, of the types that have any.
    #[must_use]
    pub const fn attributes(&self) -> Option<&Attributes> {
        match self {
            Self::PageView(event) => Some(&event.attributes),
            Self::Error(event) => Some(&event.attributes),
            Self::Action(event) => Some(&event.attributes),
            Self::Measure(event) => Some(&event.attributes),
            Self::Vital(_) | Self::Request(_) | Self::LongFrame(_) | Self::PageLeave(_) => None,
        }
    }

    /// [`Event::attributes`], to change them.
    #[must_use]
    pub const fn attributes_mut(&mut self) -> Option<&mut Attributes> {
        match self {
            Self::PageView(event) => Some(&mut event.attributes),
            Self::Error(event) => Some(&mut event.attributes),
            Self::Action(event) => Some(&mut event.attributes),
            Self::Measure(event) => Some(&mut event.attributes),
            Self::Vital(_) | Self::Request(_) | Self::LongFrame(_) | Self::PageLeave(_) => None,
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
            Self::Measure(event) => event.view,
            Self::Request(event) => event.view,
            Self::LongFrame(event) => event.view,
            Self::PageLeave(event) => event.view,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_are_those_that_are_read() {
        let all = Event::TYPES.join("`, `");
        let unknown = serde_json::from_str::<Event>(r#"{"type": "other", "at_ms": 1}"#).unwrap_err().to_string();
        assert!(unknown.contains(&format!("expected one of `{all}`")), "{unknown}");
    }
}
