//! Beacons to send.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Unix time in milliseconds.
///
/// # Panics
/// If the clock is set before 1970.
pub fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A beacon of one session and one view.
pub fn beacon(beacon_id: &str, page: &str, events: &[Value]) -> Value {
    json!({
        "v": rum_protocol::VERSION, "beacon_id": beacon_id, "sent_at_ms": now_ms(), "release": "1.0",
        "session": {"id": "5e55", "started_at_ms": now_ms()},
        "views": [{"id": "f1e3", "url": format!("https://shop.example{page}"), "page": page}],
        "events": events,
    })
}

/// A vital's first report.
pub fn vital(metric: &str, value: f64) -> Value {
    json!({"type": "vital", "at_ms": now_ms(), "metric": metric, "value": value})
}
