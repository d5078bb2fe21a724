//! The rows of errors.

use rum_protocol::{BreadcrumbKind, ErrorEvent, ErrorSource};
use serde::{Deserialize, Serialize};

use super::{
    erasure::{Personal, Traits},
    rows::{Pairs, attributes, event_id, hash, id, received_at, sample_rate},
};
use crate::accepted::{AcceptedBeacon, AcceptedEvent};

/// A row of `errors`.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub(super) struct ErrorRow {
    project_id: String,
    fingerprint: u64,
    ts: i64,
    received_at: i64,
    skew_ms: i64,
    event_id: u64,
    session_id: u64,
    view_id: u64,
    source: i8,
    name: String,
    message: String,
    stack: String,
    script_url: String,
    line: u32,
    column: u32,
    page: String,
    url: String,
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
    count: u32,
    action_id: u64,
    #[serde(rename = "breadcrumbs.ts")]
    breadcrumb_times: Vec<i64>,
    #[serde(rename = "breadcrumbs.kind")]
    breadcrumb_kinds: Vec<i8>,
    #[serde(rename = "breadcrumbs.text")]
    breadcrumb_texts: Vec<String>,
}

impl Personal for ErrorRow {
    fn traits(&self) -> Option<Traits<'_>> {
        let at_ms = self.ts.min(self.received_at);
        Some(Traits { project_id: &self.project_id, session_id: self.session_id, at_ms, attributes: &self.attributes })
    }
}

/// Makes the row of an error.
pub(super) fn error_row(error: &ErrorEvent, event: &AcceptedEvent, beacon: &AcceptedBeacon) -> ErrorRow {
    let name = error.name.clone().unwrap_or_default();
    let stack = error.stack.clone().unwrap_or_default();
    ErrorRow {
        project_id: beacon.project_id.clone(),
        fingerprint: fingerprint(&name, &error.message, &stack),
        ts: event.at_ms,
        received_at: received_at(beacon),
        skew_ms: beacon.skew_ms,
        event_id: event_id(beacon, event),
        session_id: beacon.session_id.0,
        view_id: event.view_id.0,
        source: match error.source {
            ErrorSource::Uncaught => 1,
            ErrorSource::UnhandledRejection => 2,
            ErrorSource::Api => 3,
            ErrorSource::Console => 4,
            ErrorSource::Resource => 5,
            ErrorSource::Network => 6,
            ErrorSource::Csp => 7,
            ErrorSource::Deprecation => 8,
            ErrorSource::Intervention => 9,
            ErrorSource::Crash => 10,
        },
        name,
        message: error.message.clone(),
        stack,
        script_url: error.file.clone().unwrap_or_default(),
        line: error.line.unwrap_or(0),
        column: error.column.unwrap_or(0),
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
        count: error.count,
        action_id: id(error.action),
        breadcrumb_times: error.breadcrumbs.iter().map(|crumb| i64::try_from(crumb.at_ms).unwrap_or(i64::MAX)).collect(),
        breadcrumb_kinds: error.breadcrumbs.iter().map(|crumb| kind_value(crumb.kind)).collect(),
        breadcrumb_texts: error.breadcrumbs.iter().map(|crumb| crumb.text.clone()).collect(),
    }
}

/// One number for errors of one cause: name, message without its digits, and the first stack line that names a place.
fn fingerprint(name: &str, message: &str, stack: &str) -> u64 {
    let shape: String = message.chars().filter(|char| !char.is_ascii_digit()).collect();
    let frame = stack.lines().find(|line| line.contains("://")).unwrap_or_default().trim();
    hash(&[name.as_bytes(), shape.as_bytes(), frame.as_bytes()])
}

const fn kind_value(kind: BreadcrumbKind) -> i8 {
    match kind {
        BreadcrumbKind::Navigation => 1,
        BreadcrumbKind::Click => 2,
        BreadcrumbKind::Request => 3,
        BreadcrumbKind::Console => 4,
        BreadcrumbKind::Custom => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_ignores_numbers_and_tells_places_apart() {
        let stack = "TypeError: x\n    at buy (https://shop.example/app.js:1:2)";
        let base = fingerprint("TypeError", "item 17 is gone", stack);
        assert_eq!(base, fingerprint("TypeError", "item 4 is gone", stack));
        assert_ne!(base, fingerprint("RangeError", "item 17 is gone", stack));
        assert_ne!(base, fingerprint("TypeError", "item 17 is gone", "at sell (https://shop.example/app.js:9:2)"));
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }
}
