//! Nothing personal is kept: not in the spool, not in a log line, not in a table.

use beamline_tests::{Launch, Service, beacon, files_with, now_ms, until};
use serde_json::json;

/// Nothing leaves the spool within a test's life.
const HELD_BACK: &str = "[spool]\nsegment_max_age_ms = 600000\n";

const SECRETS: [&str; 9] = [
    "ada@example.org",
    "ada%40example.org",
    "4111 1111 1111 1111",
    "203.0.113.77",
    "491701234567",
    "geheim",
    "eyJhbGciOiJIUzI1NiJ9",
    "hunter2",
    "customer-77",
];

fn telltale() -> serde_json::Value {
    let text = "ada@example.org 4111 1111 1111 1111 203.0.113.77 491701234567 \
                eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl Bearer hunter2hunter2 https://ada:geheim@shop.example/a?q=geheim";
    let at_ms = now_ms();
    let mut body = beacon(
        "x",
        "/",
        &[
            json!({"type": "error", "at_ms": at_ms, "source": "api", "message": text, "name": text, "stack": format!("Error: {text}\n    at f (https://shop.example/a.js?token=geheim:10:5)"),
                "file": "https://shop.example/a.js?token=geheim#geheim", "attributes": {"note": text, "user_id": "customer-77"},
                "breadcrumbs": [{"at_ms": at_ms, "kind": "console", "text": "ada@example.org 203.0.113.77"}, {"at_ms": at_ms, "kind": "request", "text": "GET https://ada:geheim@shop.example/a?q=geheim"}]}),
            json!({"type": "page_view", "at_ms": at_ms, "attributes": {"utm_source": text}}),
            json!({"type": "measure", "at_ms": at_ms, "name": "ada@example.org", "value": 1, "unit": "203.0.113.77", "attributes": {"note": text, "user_id": "customer-77"}}),
            json!({"type": "request", "at_ms": at_ms, "initiator": "ada@example.org", "method": "203.0.113.77", "url": "https://ada:geheim@shop.example/users/ada%40example.org?token=geheim#geheim", "duration_ms": 1}),
            json!({"type": "long_frame", "at_ms": at_ms, "duration_ms": 1, "blocking_ms": 1, "script_url": "https://ada:geheim@shop.example/a.js?u=geheim", "script_invoker": "https://ada:geheim@shop.example/a.js?u=geheim"}),
            json!({"type": "action", "at_ms": at_ms, "action": "buy", "label": text, "target": text, "category": text, "attributes": {"note": text, "user_id": "customer-77"}}),
            json!({"type": "vital", "at_ms": at_ms, "metric": "LCP", "value": 1, "attribution": {"url": "https://ada:geheim@shop.example/i.png?u=ada@example.org", "target": "#ada@example.org"}}),
        ],
    );
    body["attributes"] = json!({"note": text, "user_id": "customer-77", "user.id": "ada@example.org"});
    body["views"] = json!([{"id": "1", "url": "https://ada:geheim@shop.example/users/ada%40example.org?token=geheim#geheim", "referrer": "https://mail.example/?q=geheim"}]);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_in_a_beacon_reaches_neither_spool_nor_log_nor_table() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let config = format!("{HELD_BACK}[privacy]\nhash_attributes = [\"user_id\"]\n");
    let env = vec![("BEAMLINE_LOG__FILTER".into(), "trace".into())];
    let service = Service::start(&data, &Launch { config, env });
    for _ in 0..2 {
        let request = service.post(telltale().to_string()).header("x-forwarded-for", "203.0.113.77").header("cookie", "id=geheim");
        assert_eq!(request.send().await.unwrap().status(), 202);
    }
    assert_eq!(service.post("ada@example.org").send().await.unwrap().status(), 400);
    let log = until("the refusal in the log", async || Some(service.log()).filter(|log| log.contains("beacon refused"))).await;
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret}: {log}");
        assert_eq!(files_with(&data, secret.as_bytes()), Vec::<std::path::PathBuf>::new(), "{secret} in the spool");
    }
    assert!(!files_with(&data.join("spool"), b"[email]").is_empty(), "the beacon is in the spool");
    service.stop().await;

    let service = Service::start(&data, &Launch::with("[privacy]\nhash_attributes = [\"user_id\"]\n"));
    service.until_sql("SELECT count() FROM errors", "2").await;
    service.until_sql("SELECT count() FROM events", "12").await;
    for table in ["events", "errors"] {
        let rows = service.sql().text(&format!("SELECT * FROM {table} FORMAT JSONEachRow")).await;
        for secret in SECRETS {
            assert!(!rows.contains(secret), "{secret} in {table}: {rows}");
        }
    }
    let sql = service.sql();
    assert_eq!(sql.text("SELECT DISTINCT script_url FROM errors").await, "https://shop.example/a.js");
    assert_eq!(sql.text("SELECT DISTINCT page, url FROM errors").await, "/users/:id\thttps://shop.example/users/[email]");
    assert!(sql.text("SELECT any(stack) FROM errors").await.ends_with("at f (https://shop.example/a.js:10:5)"));
    let codes = "SELECT uniqExact(code), any(startsWith(code, '~')) FROM (SELECT attributes['user_id'] AS code FROM errors
        UNION ALL SELECT attributes['user_id'] FROM events)";
    assert_eq!(sql.text(codes).await, "1\t1", "equal for one user on one day");
    service.stop().await;
    for secret in SECRETS {
        assert_eq!(files_with(&data, secret.as_bytes()), Vec::<std::path::PathBuf>::new(), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_switch_the_scrubbing_off() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with("[privacy]\nscrub = false\n"));
    service.accept(&telltale()).await;
    service.until_sql("SELECT position(message, 'ada@example.org') > 0 FROM errors", "1").await;
    // Queries are never kept in addresses.
    assert_eq!(service.sql().text("SELECT script_url FROM errors").await, "https://shop.example/a.js");
}
