//! The ledger `ingest_outcomes` balances: with what was sent, with the metrics, with the rows.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use beamline_tests::{Answer, Launch, Service, beacon, now_ms, vital};
use serde_json::{Value, json};

const PROJECTS: &str = "[[projects]]\nid = \"shop\"\nkey = \"default\"\n[[projects]]\nid = \"blog\"\nkey = \"other\"\nallowed_origins = [\"https://blog.example\"]\n";

/// Project, outcome, reason → count.
type Sums = BTreeMap<(String, String, String), u64>;

/// All samples of a family with the labels project, outcome and reason, those of 0 apart.
async fn metric(service: &Service, family: &str) -> Sums {
    let text = service.fetch("/metrics").await.text;
    let samples = text.lines().filter_map(|line| line.strip_prefix(family)?.strip_prefix('{'));
    let parsed = samples.map(|sample| {
        let (labels, value) = sample.rsplit_once("} ").unwrap();
        let label = |name: &str| {
            labels.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap().trim_matches('"').to_owned()
        };
        ((label("project"), label("outcome"), label("reason")), value.parse().unwrap())
    });
    parsed.filter(|(_, count)| *count > 0).collect()
}

async fn ledger(service: &Service, scope: &str) -> Sums {
    let query = format!("SELECT project_id, outcome, reason, sum(count) FROM ingest_outcomes WHERE scope = '{scope}' GROUP BY ALL");
    let text = service.sql().text(&query).await;
    let line = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let mut next = || fields.next().unwrap();
        ((next(), next(), next()), next().parse().unwrap())
    };
    text.lines().map(line).collect()
}

fn sum(sums: &Sums, outcome: &str) -> u64 {
    sums.iter().filter(|((_, found, _), _)| found == outcome).map(|(_, count)| count).sum()
}

fn id(number: u32) -> String {
    format!("019a0b1c-2d3e-7f40-8a5b-{number:012x}")
}

/// Good, half-good and bad bodies, in turn.
fn body(number: u32) -> String {
    let error = json!({"type": "error", "at_ms": now_ms(), "source": "api", "message": "no"});
    let late = json!({"type": "action", "at_ms": 1, "action": "click"});
    let long = json!({"type": "action", "at_ms": now_ms(), "action": "x".repeat(300)});
    let unknown = json!({"type": "dream", "at_ms": now_ms()});
    let events: Vec<Value> = match number % 7 {
        0 => vec![vital("LCP", 1.0), vital("INP", 2.0), error],
        1 => vec![vital("LCP", 1.0), unknown, late, error],
        2 => vec![unknown, long],
        3 => vec![error, long],
        4 => return "<html>".into(),
        5 => Vec::new(),
        _ => vec![vital("CLS", -1.0), vital("CLS", 0.1)],
    };
    beacon(&id(number), "/", &events).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_is_accepted_refused_or_repeated_and_all_three_books_agree() {
    const BODIES: u32 = 140;
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(PROJECTS));
    let (mut requests, mut events) = (0, 0);
    for number in 0..BODIES {
        let key = ["default", "other", "nobody"][number as usize % 3];
        // Every fifth comes twice.
        for _ in 0..=u32::from(number % 5 == 0) {
            let mut request = service.post_with_key(key, body(number));
            if number % 11 == 0 {
                request = request.header("origin", "https://shop.example");
            }
            let answer = Answer::to(request).await;
            requests += 1;
            if answer.status == 202 {
                events += serde_json::from_str::<Value>(&body(number)).unwrap()["events"].as_array().unwrap().len() as u64;
            }
        }
    }
    let beacons_metric = metric(&service, "beamline_beacons_total").await;
    let events_metric = metric(&service, "beamline_events_total").await;
    assert_eq!(beacons_metric.values().sum::<u64>(), requests, "received = accepted + rejected + duplicate");
    assert_eq!(events_metric.values().sum::<u64>(), events);
    for outcome in ["accepted", "rejected", "duplicate"] {
        assert!(sum(&beacons_metric, outcome) > 0 && sum(&events_metric, outcome) > 0, "the load has {outcome} ones");
    }

    service.until_sql("SELECT sum(count) FROM ingest_outcomes", &(requests + events).to_string()).await;
    assert_eq!(ledger(&service, "request").await, beacons_metric);
    assert_eq!(ledger(&service, "event").await, events_metric);
    let rows = service.sql().text("SELECT (SELECT count() FROM events) + (SELECT count() FROM errors)").await;
    assert_eq!(rows, sum(&events_metric, "accepted").to_string());
    let per_project = "SELECT project_id, count() FROM (SELECT project_id FROM events UNION ALL SELECT project_id FROM errors) GROUP BY ALL ORDER BY ALL";
    let accepted = "SELECT project_id, sum(count) FROM ingest_outcomes WHERE outcome = 'accepted' AND scope = 'event' GROUP BY ALL ORDER BY ALL";
    assert_eq!(service.sql().text(per_project).await, service.sql().text(accepted).await);
    let per_minute = "SELECT minute, count() FROM (SELECT toStartOfMinute(received_at) AS minute FROM events
        UNION ALL SELECT toStartOfMinute(received_at) FROM errors) GROUP BY ALL ORDER BY ALL";
    let accepted =
        "SELECT minute, sum(count) FROM ingest_outcomes WHERE outcome = 'accepted' AND scope = 'event' GROUP BY ALL ORDER BY ALL";
    assert_eq!(service.sql().text(per_minute).await, service.sql().text(accepted).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_service_has_written_its_whole_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::default());
    service.accept(&beacon(&id(1), "/", &[vital("LCP", 1.0)])).await;
    service.accept(&beacon(&id(1), "/", &[vital("LCP", 1.0)])).await;
    assert_eq!(Answer::to(service.post("<html>")).await.status, 400);
    service.stop().await;
    let service = Service::start(&data, &Launch::default());
    let query = "SELECT outcome, scope, sum(count) FROM ingest_outcomes GROUP BY ALL ORDER BY ALL";
    let expected = "accepted\trequest\t1\naccepted\tevent\t1\nrejected\trequest\t1\nduplicate\trequest\t1\nduplicate\tevent\t1";
    service.until_sql(query, expected).await;
}
