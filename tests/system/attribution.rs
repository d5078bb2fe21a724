//! Why vitals have their values: sent over HTTP, asked for in SQL, with the queries that the documentation shows.

use std::process::Command;

use beamline_tests::{Launch, Service, beacon, beamline, vital};
use rum_protocol::{ATTRIBUTION_NAMES, AttributionKind};
use serde_json::{Value, json};

/// A report of a vital; `prev` is the value it replaces.
fn report(metric: &str, metric_id: &str, value: f64, prev: Option<f64>, attribution: &Value) -> Value {
    let mut event = vital(metric, value);
    event["metric_id"] = json!(metric_id);
    event["attribution"] = attribution.clone();
    if let Some(prev) = prev {
        event["prev_value"] = json!(prev);
    }
    event
}

/// The SQL of `docs/metrics.md` that begins with this comment.
fn documented(comment: &str) -> String {
    let document = include_str!("../../docs/metrics.md");
    let found = document.split("```sql\n").skip(1).filter_map(|block| block.split("```").next()).find(|sql| sql.contains(comment));
    found.unwrap_or_else(|| panic!("no query `{comment}`")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_questions_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    let slow = |target: &str, delay: f64, script: Option<(&str, f64)>| {
        let mut why =
            json!({"target": target, "interaction_type": "pointer", "input_delay_ms": delay, "processing_duration_ms": 40.0});
        if let Some((url, ms)) = script {
            why["longest_script_url"] = json!(url);
            why["longest_script_subpart"] = json!("processing-duration");
            why["longest_script_ms"] = json!(ms);
        }
        why
    };
    let app = "https://shop.example/app.js";
    let events = [
        // Reported twice: the store has both rows, and only the second counts.
        report("INP", "one", 200.0, None, &slow("#early", 9000.0, Some(("https://shop.example/early.js?user=secret", 9000.0)))),
        report("INP", "one", 300.0, Some(200.0), &slow("#buy", 100.0, Some((&format!("{app}?user=secret"), 90.0)))),
        report("INP", "two", 250.0, None, &slow("#buy", 200.0, Some((&format!("{app}#part"), 60.0)))),
        report("INP", "three", 90.0, None, &slow("#menu", 10.0, None)),
        // Nothing is known of this one: it must not pull anybody's quantile towards zero.
        report("INP", "four", 900.0, None, &json!({})),
        report(
            "LCP",
            "five",
            3000.0,
            None,
            &json!({
                "target": "#hero", "url": "https://cdn.shop.example/hero.webp?token=secret",
                "ttfb_ms": 200.0, "resource_load_delay_ms": 1500.0, "resource_load_duration_ms": 1000.0, "element_render_delay_ms": 300.0,
            }),
        ),
    ];
    for (number, event) in events.iter().enumerate() {
        service.accept(&beacon(&format!("b{number}"), "/cart", std::slice::from_ref(event))).await;
    }
    service.until_sql("SELECT count() FROM events", "6").await;

    let sql = service.sql();
    let answer = async |comment: &str| sql.text(&documented(comment)).await;
    assert_eq!(answer("-- Where do users wait for the first handler?").await, "#buy\t2\t175\n#menu\t1\t10");
    assert_eq!(answer("-- Which script costs most?").await, format!("{app}\tprocessing-duration\t2\t150"));
    assert_eq!(answer("-- What is a slow LCP made of?").await, "/cart\t1\t200\t1500\t1000\t300");

    let leaked = "SELECT count() FROM events WHERE position(concat(resource_url, longest_script_url), 'secret') > 0";
    assert_eq!(sql.text(leaked).await, "0");
    let lcp = "SELECT resource_url, target, isNull(input_delay_ms) FROM events WHERE metric = 'LCP'";
    assert_eq!(sql.text(lcp).await, "https://cdn.shop.example/hero.webp\t#hero\t1");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_of_the_protocol_has_a_documented_column() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    for known in ATTRIBUTION_NAMES {
        let column = if known.name == "url" { "resource_url" } else { known.name };
        let kind = if known.kind == AttributionKind::Number { "Nullable(Float64)" } else { "%String%" };
        let query = format!(
            "SELECT count() FROM system.columns WHERE database = 'beamline' AND table = 'events' AND name = '{column}' \
             AND type LIKE '{kind}' AND comment != ''"
        );
        service.until_sql(&query, "1").await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_keeps_its_rows_and_learns_the_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let migrate = |arguments: &[&str]| {
        let output = Command::new(beamline()).arg("migrate").args(arguments).env("BEAMLINE_DATA__DIR", &data).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let service = Service::start(&data, &Launch::default());
    service
        .accept(&beacon("old", "/", &[report("INP", "old", 240.0, None, &json!({"target": "#old", "input_delay_ms": 1.0}))]))
        .await;
    service.until_sql("SELECT target FROM events", "#old").await;
    service.stop().await;
    migrate(&["down", "--to", "2"]);

    let service = Service::start(&data, &Launch::default());
    service
        .accept(&beacon("new", "/", &[report("INP", "new", 250.0, None, &json!({"target": "#new", "input_delay_ms": 2.0}))]))
        .await;
    let rows = "SELECT value, target, input_delay_ms FROM events ORDER BY value";
    service.until_sql(rows, "240\t\t\\N\n250\t#new\t2").await;
    service.until_sql("SELECT sum(count), sum(sum) FROM vitals_1d", "2\t490").await;
    service.stop().await;
}
