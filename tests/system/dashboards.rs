//! Every query of the ClickHouse dashboards, answered by the real engine from visits that were really sent.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};

use beamline_tests::{
    Launch, Service, Sql,
    grafana::{Chosen, Query, queries},
    mmdb, now_ms, until,
};
use serde_json::{Value, json};

const HOUR_MS: u64 = 3_600_000;
const PHONE: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";
const DESKTOP: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

/// A visit: two page views, five vitals, an action, for every fourth an order, for every fifth an error.
fn visit(number: u64) -> Value {
    let at = now_ms() - 2 * HOUR_MS - number * 60_000;
    let scale = f64::from(u32::try_from(number).unwrap() + 1);
    let mut events = vec![
        json!({"type": "page_view", "at_ms": at}),
        json!({"type": "page_view", "at_ms": at + 1000}),
        json!({"type": "action", "at_ms": at + 2000, "action": "add", "category": "cart"}),
        json!({"type": "request", "at_ms": at + 2000, "initiator": "fetch", "method": "POST", "url": "https://shop.example/api/cart", "status": 200,
            "duration_ms": 10.0 * scale}),
        json!({"type": "long_frame", "at_ms": at + 2000, "duration_ms": 60.0, "blocking_ms": 10.0, "script_url": "https://shop.example/cart.js",
            "script_invoker": "BUTTON#add.onclick", "script_ms": 40.0}),
        json!({"type": "page_leave", "at_ms": at + 4000, "visible_ms": 3000.0, "total_ms": 4000.0, "scroll_ratio": 0.5}),
    ];
    let vitals =
        [("LCP", 100.0 * scale), ("INP", 12.0 * scale), ("CLS", 0.01 * scale), ("FCP", 70.0 * scale), ("TTFB", 40.0 * scale)];
    events.extend(vitals.map(|(metric, value)| json!({"type": "vital", "at_ms": at, "metric": metric, "value": value})));
    if number.is_multiple_of(4) {
        events.push(json!({"type": "action", "at_ms": at + 3000, "action": "order", "category": "cart", "value": 50}));
    }
    if number.is_multiple_of(5) {
        events.push(
            json!({"type": "error", "at_ms": at + 2500, "source": "uncaught", "name": "TypeError", "message": "x is undefined"}),
        );
    }
    let page = ["/", "/cart", "/product"][usize::try_from(number % 3).unwrap()];
    json!({
        "v": rum_protocol::VERSION, "beacon_id": format!("visit-{number}"), "sent_at_ms": now_ms(),
        "release": if number.is_multiple_of(2) { "1.0" } else { "1.1" },
        "session": {"id": format!("{:x}", number + 1), "started_at_ms": at},
        "views": [{"id": format!("{:x}", number + 1), "url": format!("https://shop.example{page}"), "page": page}],
        "events": events,
    })
}

/// A service with 60 visits and a refused request in its tables.
async fn visited(dir: &Path) -> Service {
    let database = dir.join("countries.mmdb");
    std::fs::write(&database, mmdb::countries(&[([81, 0, 0, 0].into(), 8, "DE"), ([90, 0, 0, 0].into(), 8, "FR")])).unwrap();
    let config = format!(
        "[spool]\nsegment_max_age_ms = 50\n[enrich]\ncountry_database = {:?}\n[[projects]]\nid = \"shop\"\nkey = \"default\"\n",
        database.to_str().unwrap()
    );
    let env = vec![("BEAMLINE_SERVER__TRUSTED_PROXIES".to_owned(), "[\"127.0.0.0/8\"]".to_owned())];
    let service = Service::start(&dir.join("data"), &Launch { config, env });
    for number in 0..60_u64 {
        let (agent, address) = if number.is_multiple_of(2) { (PHONE, "81.2.69.1") } else { (DESKTOP, "90.1.2.3") };
        let request = service.post(visit(number).to_string()).header("user-agent", agent).header("x-forwarded-for", address);
        let answer = request.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (202, ""));
    }
    assert_eq!(service.post("no beacon").send().await.unwrap().status(), 400);
    let sql = service.sql();
    let all = "SELECT (SELECT count() FROM events) + (SELECT count() FROM errors) + (SELECT sum(count) FROM ingest_outcomes WHERE outcome = 'rejected')";
    // 60 visits of 11 events, 15 orders, 12 errors, one refusal.
    let stored = async || sql.ask(all).await.ok()?.parse::<f64>().ok().filter(|stored| *stored >= 688.0).map(drop);
    until("all visits are stored", stored).await;
    service
}

fn dashboards() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/grafana/dashboards/clickhouse");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Columns by name and type, and rows.
struct Frame {
    columns: Vec<(String, String)>,
    rows: Vec<Value>,
}

async fn asked(sql: &Sql, query: &Query, text: &str) -> Frame {
    let answer =
        sql.ask(&format!("{text} FORMAT JSONCompact")).await.unwrap_or_else(|error| panic!("{}: {error}\n{text}", query.place));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let column = |column: &Value| (column["name"].as_str().unwrap().to_owned(), column["type"].as_str().unwrap().to_owned());
    Frame {
        columns: answer["meta"].as_array().unwrap().iter().map(column).collect(),
        rows: answer["data"].as_array().unwrap().clone(),
    }
}

impl Frame {
    fn is_number(&self, index: usize) -> bool {
        let kind = self.columns[index].1.trim_start_matches("Nullable(");
        ["UInt", "Int", "Float", "Decimal"].iter().any(|number| kind.starts_with(number))
    }

    /// What the panel needs to draw it.
    fn check(&self, query: &Query) {
        let Query { place, kind, .. } = query;
        let names: Vec<_> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        for column in query.columns.iter().filter(|column| *column != "value") {
            assert!(names.contains(&column.as_str()), "{place}: no column {column} in {names:?}");
        }
        let numbers = (0..names.len()).filter(|index| self.is_number(*index)).count();
        match kind.as_str() {
            "timeseries" | "heatmap" => {
                assert!(names[0] == "time" && self.columns[0].1.starts_with("DateTime"), "{place}: {names:?}");
                assert_eq!(numbers, 1, "{place}: {names:?}");
                assert!(names.len() <= 3, "{place}: {names:?}");
            }
            "stat" | "gauge" => assert!(names.len() == 1 && numbers == 1 && self.rows.len() == 1, "{place}: {names:?}"),
            "barchart" => assert_eq!(names, ["vital", "rating", "value"], "{place}"),
            "bargauge" => assert!(names.len() == 2 && numbers == 1, "{place}: {names:?}"),
            "geomap" => assert_eq!(names, ["country", "views", "lcp_p75"], "{place}"),
            "annotation" => assert_eq!(names, ["time", "text", "tags"], "{place}"),
            "variable" => assert_eq!(names.len(), 1, "{place}"),
            _ => assert!(names.len() > 1, "{place}: {names:?}"),
        }
        assert!(!self.rows.is_empty(), "{place}: nothing came back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_of_the_clickhouse_dashboards_gets_what_it_draws() {
    let dir = tempfile::tempdir().unwrap();
    let service = visited(dir.path()).await;
    let sql = service.sql();
    let now = now_ms() / 1000;
    let all = Chosen { from: now - 86_400, to: now, interval: 3600, variables: vec![("project", vec!["shop"])] };
    let mut some = all.clone();
    some.variables.extend([
        ("page", vec!["/cart", "/"]),
        ("device", vec!["mobile"]),
        ("release", vec!["1.0"]),
        ("country", vec!["DE"]),
    ]);
    let (mut panels, mut percentiles) = (0, 0);
    for path in dashboards() {
        for query in queries(&path) {
            let frame = asked(&sql, &query, &all.sql(&query.text)).await;
            frame.check(&query);
            asked(&sql, &query, &some.sql(&query.text)).await.check(&query);
            panels += 1;
            percentiles += check_percentile(&sql, &query, &frame).await;
        }
    }
    assert!(panels > 100 && percentiles >= 15, "{panels} panels, {percentiles} of them with a p75");
}

/// The p75 of a vital, over everything or by device, page or release: within what the buckets allow of the exact one. How many were compared.
async fn check_percentile(sql: &Sql, query: &Query, frame: &Frame) -> usize {
    let mut compared = 0;
    for (index, (name, _)) in frame.columns.iter().enumerate() {
        let Some(vital) =
            ["LCP", "INP", "CLS", "FCP", "TTFB"].into_iter().find(|vital| *name == format!("{}_p75", vital.to_lowercase()))
        else {
            continue;
        };
        let scale = if vital == "CLS" { 1.0 } else { 1000.0 };
        let by = &frame.columns[0].0;
        let group = match by.as_str() {
            "device" | "page" | "release" | "country" => Some(by),
            _ if frame.columns.len() == 1 => None,
            _ => continue,
        };
        for row in &frame.rows {
            let condition = group.map_or_else(String::new, |by| format!("AND {by} = '{}'", row[0].as_str().unwrap()));
            let exact = format!("SELECT quantileExactInclusive(0.75)(value) FROM events WHERE metric = '{vital}' {condition}");
            let (exact, shown) = (sql.number(&exact).await / scale, row[index].as_f64().unwrap());
            // Both neighbours of the exact rank are off by at most half a bucket.
            assert!((shown / exact - 1.0).abs() < 0.0055, "{}: {name} {shown}, exactly {exact}", query.place);
            compared += 1;
        }
    }
    compared
}
