use rum_protocol::limits::{MAX_NAME_BYTES, MAX_URL_BYTES};
use rum_protocol::{Attribution, Metric, Vital};

use crate::delivery::Texts;
use crate::privacy::strip_query;
use crate::text::cut;

/// What the numbers of each vital's attribution are called on the wire, in the order in which the loader delivers them.
const NUMBERS: [&[&str]; 6] = [
    &["ttfb_ms", "first_byte_to_fcp_ms"],
    &["ttfb_ms", "resource_load_delay_ms", "resource_load_duration_ms", "element_render_delay_ms"],
    &["event_time_ms"],
    &["largest_shift_time_ms", "largest_shift_value"],
    &[
        "interaction_time_ms",
        "input_delay_ms",
        "processing_duration_ms",
        "presentation_delay_ms",
        "script_ms",
        "style_and_layout_ms",
        "paint_ms",
        "unattributed_ms",
        "longest_script_ms",
    ],
    &["waiting_ms", "cache_ms", "dns_ms", "connection_ms", "request_ms"],
];

/// The same of its texts.
const TEXTS: [&[&str]; 6] = [
    &["load_state"],
    &["target", "url"],
    &["load_state", "target", "event_type"],
    &["load_state", "target"],
    &["load_state", "target", "interaction_type", "longest_script_subpart", "longest_script_url", "longest_script_invoker"],
    &[],
];

/// A vital that is due at `at_ms`, with the id of its metric and of the visit, and what is known of where its value comes from.
pub(crate) fn due(metric: Metric, [value, previous]: [f64; 2], numbers: &[f64], mut texts: Texts<'_>, at_ms: u64) -> Vital {
    let mut vital = Vital {
        at_ms,
        view: 0,
        metric,
        metric_id: Some(texts.text()),
        value,
        prev_value: (!previous.is_nan()).then_some(previous),
        navigation_type: Some(texts.text()),
        attribution: Attribution::default(),
    };
    let place = metric as usize;
    for (name, &number) in NUMBERS.get(place).copied().unwrap_or_default().iter().zip(numbers) {
        if !number.is_nan() {
            vital.attribution.number(name, number);
        }
    }
    for name in TEXTS.get(place).copied().unwrap_or_default() {
        let text = texts.next();
        if !text.is_empty() {
            let is_url = name.ends_with("url") || name.ends_with("invoker");
            let text = if is_url { cut(strip_query(text), MAX_URL_BYTES) } else { cut(text, MAX_NAME_BYTES) };
            vital.attribution.text(name, String::from(text));
        }
    }
    vital
}
