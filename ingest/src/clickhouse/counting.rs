//! In which interval of the rollups a vital is counted.

use crate::accepted::AcceptedEvent;

/// How long after the start of its page view a vital is counted there, as long as beacons may be late.
const COUNTED_FOR_MS: i64 = 14 * 86_400_000;
/// A vital that the rollups pass over.
const NOT_COUNTED: u32 = 0;

/// The time whose interval counts a vital, in Unix seconds: the start of its page view, which is the same for every report of it, so that
/// a later report takes the earlier one back where it was counted. A page view that began too long ago, or after the report, is
/// not believed; a later report under it is [`NOT_COUNTED`], and the earlier value stands.
pub(super) fn counted_at(event: &AcceptedEvent, received_at_ms: i64, replaces: bool) -> u32 {
    match event.view_started_at_ms.filter(|started_at_ms| *started_at_ms <= event.at_ms) {
        Some(started_at_ms) if received_at_ms.saturating_sub(started_at_ms) <= COUNTED_FOR_MS => seconds(started_at_ms),
        Some(_) if replaces => NOT_COUNTED,
        _ => seconds(event.at_ms),
    }
}

/// Unix seconds of Unix milliseconds.
pub(super) fn seconds(at_ms: i64) -> u32 {
    u32::try_from(at_ms / 1000).unwrap_or(if at_ms < 0 { 0 } else { u32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_of_a_vital_is_counted_where_its_page_view_began() {
        const DAY_MS: i64 = 86_400_000;
        const START_MS: i64 = 1_700_000_000_000;
        let event = |at_ms, view_started_at_ms| AcceptedEvent {
            index: 0,
            at_ms,
            view_id: rum_protocol::Id(1),
            view_started_at_ms,
            page: String::new(),
            url: String::new(),
            endpoint: String::new(),
            attributes: rum_protocol::Attributes::new(),
            event: serde_json::from_str(r#"{"type": "vital", "at_ms": 1, "metric": "INP", "value": 240}"#).unwrap(),
        };
        let counted = |after_ms, replaces| {
            let at_ms = START_MS + after_ms;
            counted_at(&event(at_ms, Some(START_MS)), at_ms, replaces)
        };
        for after_ms in [0, 1, 3_600_000, 13 * DAY_MS] {
            assert_eq!((counted(after_ms, false), counted(after_ms, true)), (1_700_000_000, 1_700_000_000), "{after_ms}");
        }
        assert_eq!(counted(15 * DAY_MS, true), NOT_COUNTED, "the earlier value stands");
        assert_eq!(counted(15 * DAY_MS, false), seconds(START_MS + 15 * DAY_MS), "nothing to take back");
        assert_eq!(counted(-5000, true), 1_699_999_995, "a view that begins after its vital");
        assert_eq!(counted_at(&event(START_MS, None), START_MS, true), 1_700_000_000);
    }
}
