use rum_protocol::Metric;

use super::{event, record::describe};
use crate::delivery::Texts;
use crate::json::Object;

/// What the numbers of each vital's attribution are called on the wire, in the order in which the loader delivers them.
const NUMBERS: [&str; 6] = [
    "ttfb_ms,first_byte_to_fcp_ms",
    "ttfb_ms,resource_load_delay_ms,resource_load_duration_ms,element_render_delay_ms",
    "event_time_ms",
    "largest_shift_time_ms,largest_shift_value",
    "interaction_time_ms,input_delay_ms,processing_duration_ms,presentation_delay_ms,script_ms,style_and_layout_ms,paint_ms,\
     unattributed_ms,longest_script_ms",
    "waiting_ms,cache_ms,dns_ms,connection_ms,request_ms",
];

/// The same of its texts.
const TEXTS: [&str; 6] = [
    "load_state",
    "target,url",
    "load_state,target,event_type",
    "load_state,target",
    "load_state,target,interaction_type,longest_script_subpart,longest_script_url,longest_script_invoker",
    "",
];

/// A vital that is due at `at_ms`, with the id of its metric and of the visit, and what is known of where its value comes from.
pub(crate) fn due(metric: Metric, [value, previous]: [f64; 2], numbers: &[f64], mut texts: Texts<'_>, at_ms: u64) -> Object {
    let mut vital = event("vital", at_ms);
    vital.text("metric", metric.name());
    vital.text("metric_id", texts.next());
    vital.number("value", value);
    vital.number("prev_value", previous);
    vital.known("navigation_type", texts.next());
    let mut attribution = Object::default();
    let names_of = |names: [&'static str; 6]| names.get(metric as usize).copied().unwrap_or_default();
    describe(&mut attribution, [names_of(NUMBERS), names_of(TEXTS)], numbers, &mut texts);
    vital.object("attribution", &attribution);
    vital
}
