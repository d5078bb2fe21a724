//! What the service answers, counts and stores, over real HTTP and with the real engine.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write;

use beamline_tests::{Answer, Launch, Service, beacon, now_ms, until, vital};
use rum_protocol::{RejectReason, limits};
use serde_json::{Value, json};

const PROJECTS: &str = "[[projects]]\nid = \"shop\"\nkey = \"default\"\nallowed_origins = [\"https://shop.example\"]\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn assert_problem(answer: &Answer, status: u16, reason: RejectReason) {
    let problem = answer.json();
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(problem["type"], reason.problem_type());
    assert_eq!(problem["status"], status);
    assert_eq!(problem["title"], reason.title());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_a_problem_document_are_counted_and_store_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(PROJECTS));
    let valid = beacon("b", "/", &[vital("LCP", 1.0)]).to_string();
    let bomb = gzip(&vec![b' '; 32 << 20]);
    assert!(bomb.len() <= limits::MAX_BODY_BYTES, "{} bytes would be refused before they are decompressed", bomb.len());
    let other_url = format!("{}{}", service.url, rum_protocol::DEFAULT_PATH);
    let cases = [
        (service.post(""), 400, RejectReason::EmptyBody),
        (service.post("<html>"), 400, RejectReason::NotJson),
        (service.post(vec![0xff_u8]), 400, RejectReason::NotJson),
        (service.post("{\"v\":1,\"events\":\"none\"}"), 422, RejectReason::WrongShape),
        (
            service.post(beacon("b", "/", &[json!({"type": "vital", "metric": "LCP", "at_ms": "now"})]).to_string()),
            422,
            RejectReason::MalformedEvent,
        ),
        (service.post("x".repeat(10 << 20)), 413, RejectReason::BodyTooLarge),
        (service.post(bomb).header("content-encoding", "gzip"), 413, RejectReason::DecodedTooLarge),
        (service.post(valid.clone()).header("content-encoding", "deflate"), 415, RejectReason::UnsupportedEncoding),
        (service.post_with_key("nobody", valid.clone()), 401, RejectReason::UnknownKey),
        (reqwest::Client::new().post(&other_url).body(valid.clone()), 401, RejectReason::UnknownKey),
        (service.post(valid.clone()).header("origin", "https://evil.example"), 403, RejectReason::OriginNotAllowed),
        (reqwest::Client::new().get(&other_url), 405, RejectReason::MethodNotAllowed),
        (reqwest::Client::new().delete(&other_url), 405, RejectReason::MethodNotAllowed),
        (
            reqwest::Client::new().post(format!("{other_url}?key=default")).header("content-type", "image/png").body(valid),
            415,
            RejectReason::UnsupportedMediaType,
        ),
    ];
    let mut expected = std::collections::BTreeMap::<&str, u32>::new();
    for (request, status, reason) in cases {
        assert_problem(&Answer::to(request).await, status, reason);
        *expected.entry(reason.name()).or_default() += 1;
    }

    // A good beacon behind them proves that the way to ClickHouse is open and that nothing else took it.
    service.accept(&beacon("good", "/", &[vital("LCP", 1.0)])).await;
    service.until_sql("SELECT sum(count) FROM ingest_outcomes WHERE outcome = 'accepted' AND scope = 'event'", "1").await;
    assert_eq!(service.sql().text("SELECT (SELECT count() FROM events), (SELECT count() FROM errors)").await, "1\t0");
    for (reason, count) in &expected {
        let project = if *reason == "unknown_key" || *reason == "method_not_allowed" { "" } else { "shop" };
        let series = format!("beamline_beacons_total{{outcome=\"rejected\",project=\"{project}\",reason=\"{reason}\"}}");
        assert_eq!(service.metric(&series).await, Some(f64::from(*count)), "{series}");
    }
    let ledger = expected.iter().map(|(reason, count)| format!("{reason}\t{count}")).collect::<Vec<_>>().join("\n");
    let query = "SELECT reason, sum(count) FROM ingest_outcomes WHERE outcome = 'rejected' GROUP BY reason ORDER BY reason";
    service.until_sql(query, &ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_event_in_ten_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    let mut events = (0..10).map(|n| vital("INP", f64::from(n))).collect::<Vec<_>>();
    events[3]["value"] = json!("fast");
    let answer = Answer::to(service.post(beacon("ten", "/", &events).to_string())).await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    assert_eq!((&body["accepted"], body["rejected"].as_array().map(Vec::len)), (&json!(9), Some(1)));
    assert_eq!((&body["rejected"][0]["index"], &body["rejected"][0]["reason"]), (&json!(3), &json!("malformed_event")));
    service.until_sql("SELECT count(), sum(value) FROM events", "9\t42").await;
    let ledger = "SELECT outcome, reason, scope, sum(count) FROM ingest_outcomes GROUP BY ALL ORDER BY ALL";
    service.until_sql(ledger, "accepted\t\trequest\t1\naccepted\t\tevent\t9\nrejected\tmalformed_event\tevent\t1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_event_becomes_a_row() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    let at_ms = now_ms();
    let events = [
        json!({"type": "page_view", "at_ms": at_ms, "navigation_type": "navigate", "load_ms": 812.5, "ttfb_ms": 90}),
        json!({"type": "vital", "at_ms": at_ms, "metric": "CLS", "metric_id": "c1", "value": 0.05}),
        json!({"type": "vital", "at_ms": at_ms, "metric": "CLS", "metric_id": "c1", "value": 0.3, "prev_value": 0.05}),
        json!({"type": "error", "at_ms": at_ms, "source": "unhandled_rejection", "message": "no", "attributes": {"cart": "7"}}),
        json!({"type": "action", "at_ms": at_ms, "action": "click", "category": "auto", "target": "#buy", "label": "Buy"}),
    ];
    service.accept(&beacon("all", "/shop", &events)).await;
    let answer = Answer::to(service.post(json!({"metric": "TTFB", "value": 12.5, "url": "https://x.example/y"}).to_string())).await;
    assert_eq!(answer.status, 202);
    // The ledger is written last.
    service.until_sql("SELECT sum(count) FROM ingest_outcomes WHERE scope = 'event'", "6").await;
    let sql = service.sql();
    for (query, expected) in [
        (
            "SELECT page, navigation_type, timings['load'], timings['ttfb'] FROM events WHERE kind = 'page_view'",
            "/shop\tnavigate\t812.5\t90",
        ),
        (
            "SELECT name, category, attributes['target'], attributes['label'] FROM events WHERE kind = 'action'",
            "click\tauto\t#buy\tBuy",
        ),
        ("SELECT page, url, value, rating FROM events WHERE metric = 'TTFB'", "/y\thttps://x.example/y\t12.5\tgood"),
        ("SELECT source, message, attributes['cart'], release FROM errors", "unhandled_rejection\tno\t7\t1.0"),
        (
            "SELECT uniqExact(metric_id), countIf(rating = 'poor'), countIf(prev_rating = 'good') FROM events WHERE metric = 'CLS'",
            "1\t1\t1",
        ),
        // The second report of one metric replaced the first, in every rollup.
        ("SELECT sum(count), sum(sum), sum(good), sum(poor) FROM vitals_5m WHERE metric = 'CLS'", "1\t0.3\t0\t1"),
        ("SELECT sum(count), sum(sum), sum(good), sum(poor) FROM vitals_1h WHERE metric = 'CLS'", "1\t0.3\t0\t1"),
        ("SELECT sum(count), sum(sum), sum(good), sum(poor) FROM vitals_1d WHERE metric = 'CLS'", "1\t0.3\t0\t1"),
        ("SELECT mapFilter((k, n) -> n != 0, sumMap(buckets)) FROM vitals_1h WHERE metric = 'CLS'", "{-111:1}"),
    ] {
        assert_eq!(sql.text(query).await, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_of_allowed_origins_may_send_and_correlation_ids_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(PROJECTS));
    let url = format!("{}{}?key=default", service.url, rum_protocol::DEFAULT_PATH);
    let preflight = |origin: &'static str| {
        let client = reqwest::Client::new();
        client.request(reqwest::Method::OPTIONS, &url).header("origin", origin).header("access-control-request-method", "POST")
    };
    let allowed = Answer::to(preflight("https://shop.example")).await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://shop.example");
    assert!(allowed.headers.contains_key("access-control-max-age"));
    let refused = Answer::to(preflight("https://evil.example")).await;
    assert_eq!((refused.status, refused.headers.contains_key("access-control-allow-origin")), (403, false));

    let body = beacon("c", "/", &[vital("FCP", 1.0)]).to_string();
    let sent = service.post(body).header("origin", "https://shop.example").header("x-correlation-id", "trace-7");
    let sent = Answer::to(sent).await;
    assert_eq!((sent.status, sent.headers["x-correlation-id"].to_str().unwrap()), (202, "trace-7"));
    assert_eq!(sent.headers["access-control-allow-origin"], "https://shop.example");
    let odd = Answer::to(service.post("").header("x-correlation-id", "a b\tc")).await;
    assert_eq!(odd.headers["x-correlation-id"].len(), 32, "a made one");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_unknown_paths_answer() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    let health = service.fetch("/health").await;
    assert_eq!((health.status, &health.json()["status"], &health.json()["clickhouse"]), (200, &json!("ok"), &Value::Bool(true)));
    assert_eq!(service.fetch("/health/live").await.status, 200);
    assert_eq!(service.fetch("/health/ready").await.status, 200);
    assert_eq!(service.fetch("/health/detailed").await.status, 404, "nobody is admin");
    let missing = service.fetch("/elsewhere").await;
    assert_eq!((missing.status, missing.headers["content-type"].to_str().unwrap()), (404, "application/problem+json"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_is_shown_to_who_has_the_admin_key() {
    let dir = tempfile::tempdir().unwrap();
    let key = "0123456789abcdef";
    let env = vec![("BEAMLINE_SERVER__ADMIN_KEY".into(), key.into())];
    let service = Service::start(&dir.path().join("data"), &Launch { config: String::new(), env });
    service.accept(&beacon("health", "/", &[vital("LCP", 1.0)])).await;
    service.until_sql("SELECT count() FROM events", "1").await;
    let detailed =
        async |key: &str| Answer::to(reqwest::Client::new().get(format!("{}/health/detailed", service.url)).bearer_auth(key)).await;
    let refused = detailed("0123456789abcdeF").await;
    assert_eq!((refused.status, refused.headers["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
    assert_eq!(service.fetch("/health/detailed").await.status, 401);
    until("the segment is stored", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;
    let shown = detailed(key).await;
    assert_eq!(shown.status, 200);
    let shown = shown.json();
    assert_eq!(shown["status"], "ok", "{shown}");
    let parts = &shown["components"];
    for part in ["spool", "clickhouse", "writer"] {
        assert_eq!(parts[part]["status"], "ok", "{shown}");
    }
    assert_eq!(parts["spool"]["max_bytes"].as_f64(), service.metric("beamline_spool_max_bytes").await);
    assert!(parts["spool"]["disk_free_bytes"].as_u64().unwrap() > 0 && parts["clickhouse"]["latency_ms"].as_f64().unwrap() > 0.0);
    assert!(!shown.to_string().contains(key) && !service.log().contains(key));

    service.kill_engine().await;
    until("a degraded service", async || (detailed(key).await.json()["status"] == "degraded").then_some(())).await;
    assert_eq!(service.fetch("/health/ready").await.status, 200, "beacons are still kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_about_a_request_has_its_trace_and_nothing_of_its_content() {
    let dir = tempfile::tempdir().unwrap();
    let env =
        vec![("BEAMLINE_LOG__FILTER".into(), "rum_ingest=debug".into()), ("BEAMLINE_LOG__ENVIRONMENT".into(), "staging".into())];
    let service = Service::start(&dir.path().join("data"), &Launch { config: String::new(), env });
    let request = service
        .post_with_key("secret-key", "secret body")
        .header("x-correlation-id", "seen-7")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01");
    assert_eq!(Answer::to(request).await.status, 401);
    let line =
        until("the line", async || service.log().lines().find(|line| line.contains("beacon refused")).map(str::to_owned)).await;
    let line: Value = serde_json::from_str(&line).unwrap();
    for (name, value) in [
        ("correlation_id", "seen-7"),
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ("service", "beamline"),
        ("environment", "staging"),
        ("level", "DEBUG"),
        ("reason", "unknown_key"),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
    let span = line["span_id"].as_str().unwrap();
    assert!(span.len() == 16 && span != "00f067aa0ba902b7", "{line}");
    assert!(!service.log().contains("secret"), "{}", service.log());
}
