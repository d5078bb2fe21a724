//! The page `/metrics` against what ClickHouse holds, after restarts and under floods of names.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{collections::BTreeMap, path::Path};

use beamline_tests::{Launch, Prometheus, Service, assert_exposition, beacon, now_ms, until, vital};
use serde_json::{Value, json};

const QUICK: &str = "[summaries]\nrefresh_seconds = 1\n[spool]\nsegment_max_age_ms = 50\n";
const MEASURES: &str = "[[projects]]\nid = \"default\"\nkey = \"default\"\nmeasures = [\"purchase\"]\n";

/// Samples by name and labels, as the page has them.
fn samples(page: &str) -> BTreeMap<&str, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, value)| (series, value.parse().unwrap())).collect()
}

/// The sum of a family's samples whose labels contain `part`.
fn sum(page: &str, name: &str, part: &str) -> f64 {
    let prefix = format!("{name}{{");
    samples(page).iter().filter(|(series, _)| series.starts_with(&prefix) && series.contains(part)).map(|(_, value)| value).sum()
}

/// Both names of the wire's thresholds in seconds, by the middle of the family's name.
const THRESHOLDS: [(&str, &str, &str, &str); 6] = [
    ("lcp", "_seconds", "2.5", "4"),
    ("fcp", "_seconds", "1.8", "3"),
    ("ttfb", "_seconds", "0.8", "1.8"),
    ("inp", "_seconds", "0.2", "0.5"),
    ("fid", "_seconds", "0.1", "0.3"),
    ("cls", "", "0.1", "0.25"),
];

/// In every series the counts up to the thresholds are those of the ratings.
fn assert_thresholds_are_ratings(page: &str) -> usize {
    let all = samples(page);
    let mut series = 0;
    for (vital, unit, good, needs_improvement) in THRESHOLDS {
        let name = format!("rum_{vital}_distribution{unit}");
        let count = format!("{name}_count{{");
        for (found, total) in all.iter().filter(|(found, _)| found.starts_with(&count)) {
            let labels = found.strip_prefix(&count).unwrap().strip_suffix('}').unwrap();
            let bucket = |le: &str| all[format!("{name}_bucket{{{labels},le=\"{le}\"}}").as_str()];
            let rated = |rating: &str| {
                all[format!("rum_vital_ratings_total{{{labels},rating=\"{rating}\",vital=\"{}\"}}", vital.to_uppercase()).as_str()]
            };
            let ratings = [rated("good"), rated("needs-improvement"), rated("poor")];
            let expected = [ratings[0], ratings[0] + ratings[1], ratings.iter().sum()];
            assert_eq!(
                [bucket(good), bucket(needs_improvement), bucket("+Inf")].map(f64::to_bits),
                expected.map(f64::to_bits),
                "{found}"
            );
            assert_eq!(total.to_bits(), expected[2].to_bits(), "{found}");
            series += 1;
        }
    }
    series
}

fn visit(number: u32) -> Value {
    let started = now_ms();
    let at = |event: Value| {
        let mut event = event;
        event["at_ms"] = json!(started);
        event
    };
    let scale = f64::from(number + 1);
    let mut beacon = beacon(
        &format!("01980000-0000-7000-8000-{number:012x}"),
        if number.is_multiple_of(3) { "/" } else { "/cart" },
        &[
            at(json!({"type": "page_view"})),
            at(json!({"type": "action", "action": "purchase", "value": 2.5})),
            at(json!({"type": "action", "action": "click"})),
            at(json!({"type": "measure", "name": "purchase", "value": 0.5})),
            at(json!({"type": "measure", "name": "other", "value": 7})),
            at(
                json!({"type": "request", "initiator": "fetch", "url": "/api", "duration_ms": 9, "status": 200 + 300 * (number % 2)}),
            ),
            at(json!({"type": "request", "initiator": "img", "url": "/i.png", "duration_ms": 9, "failure": "network"})),
            at(json!({"type": "error", "source": "deprecation", "message": "old"})),
            at(
                json!({"type": "error", "source": "api", "count": number + 1, "message": format!("failure {}", ["a", "b"][number as usize % 2])}),
            ),
            vital("LCP", 300.0 * scale),
            vital("FCP", 150.0 * scale),
            vital("TTFB", 80.0 * scale),
            vital("INP", 40.0 * scale),
            vital("FID", 20.0 * scale),
            vital("CLS", 0.02 * scale),
        ],
    );
    beacon["session"] = json!({"id": format!("{:x}", number + 1), "started_at_ms": started});
    beacon["views"][0]["started_at_ms"] = json!(started);
    beacon["release"] = json!(format!("1.{}", number % 2));
    beacon
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_are_what_was_stored_since_the_start() {
    const VISITS: u32 = 21;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let config = format!("{QUICK}{MEASURES}");
    let service = Service::start(&data, &Launch::with(&config));
    let prometheus = scraping_native_histograms(dir.path(), &service).await;
    let complete = async |service: &Service, views: f64, errors: f64| {
        until("all page views are shown", async || {
            let page = service.fetch("/metrics").await.text;
            // Errors are inserted after the page views of the same segment.
            let is_complete = |family, most| sum(&page, family, "") >= most;
            (is_complete("rum_page_views_total", views) && is_complete("rum_errors_total", errors)).then_some(page)
        })
        .await
    };
    let errors = (1..=VISITS).sum::<u32>();
    // What comes before a page is known for its views is counted without its name: the first two make both known.
    for number in 0..2 {
        service.accept(&visit(number)).await;
    }
    complete(&service, 2.0, 3.0).await;
    for number in 2..VISITS {
        service.accept(&visit(number)).await;
    }
    let page = complete(&service, f64::from(VISITS), f64::from(errors)).await;
    assert_exposition(&page);
    assert_thresholds_are_ratings(&page);
    let ways = ["Adds up over instances.", "Every instance shows the same; take the maximum.", "Of one instance."];
    for help in page.lines().filter(|line| line.starts_with("# HELP")) {
        assert!(ways.iter().any(|way| help.ends_with(way)), "{help}");
    }
    let sql = service.sql();
    for (family, query) in [
        ("rum_page_views_total", "SELECT count() FROM events WHERE kind = 'page_view'"),
        ("rum_actions_total", "SELECT count() FROM events WHERE kind = 'action'"),
        ("rum_errors_total", "SELECT sum(count) FROM errors WHERE source = 'api'"),
        ("rum_requests_total", "SELECT count() FROM events WHERE kind = 'request' AND initiator = 'fetch'"),
        ("rum_sessions_total", "SELECT uniqExact(session_id) FROM events"),
        ("rum_new_error_groups_total", "SELECT uniqExact(fingerprint) FROM errors"),
        ("rum_measure_events_total", "SELECT count() FROM events WHERE name = 'purchase'"),
        ("rum_measure_value_total", "SELECT sum(value) FROM events WHERE name = 'purchase'"),
        ("rum_lcp_seconds_count", "SELECT count() FROM events WHERE metric = 'LCP'"),
        ("rum_cls_sum", "SELECT sum(value) FROM events WHERE metric = 'CLS'"),
    ] {
        let stored = sql.number(query).await;
        until(&format!("{family} is {stored}"), async || {
            ((sum(&service.fetch("/metrics").await.text, family, "") - stored).abs() < 1e-9).then_some(())
        })
        .await;
    }
    let page = service.fetch("/metrics").await.text;
    // Two pages, and what came before they were known.
    assert!(assert_thresholds_are_ratings(&page) >= 6 * 2, "{page}");
    let poor = sql.number("SELECT countIf(rating = 'poor') FROM events WHERE metric = 'INP'").await;
    let shown = sum(&page, "rum_vital_ratings_total", "project=\"default\",rating=\"poor\",vital=\"INP\"");
    assert_eq!(shown.to_bits(), poor.to_bits());
    let exact = sql.number("SELECT quantileExact(0.75)(value) FROM events WHERE metric = 'LCP'").await / 1000.0;
    let p75 = samples(&page)["rum_project_lcp_seconds{project=\"default\",quantile=\"0.75\"}"];
    assert!((p75 / exact - 1.0).abs() < 0.0055, "{p75} {exact}");

    // OpenMetrics carries examples of poor values.
    let open = service.metrics_as("application/openmetrics-text").await;
    assert!(open.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    assert!(open.text.ends_with("# EOF\n") && open.text.contains(" # {view_id=\"000000000000f1e3\"} "), "{}", open.text);

    native_histograms_are_the_classic_ones_in_finer_steps(&service, &prometheus, &page).await;

    service.stop().await;
    let service = Service::start(&data, &Launch::with(&config));
    until("the first reading", async || service.metric("rum_summaries_age_seconds").await).await;
    let page = service.fetch("/metrics").await.text;
    assert_eq!(sum(&page, "rum_page_views_total", "").to_bits(), 0.0_f64.to_bits(), "what was stored before is not counted");
    assert!(samples(&page)["rum_project_lcp_seconds{project=\"default\",quantile=\"0.75\"}"] > 0.0);
    service.accept(&visit(VISITS)).await;
    let page = complete(&service, 1.0, f64::from(VISITS + 1)).await;
    assert_eq!(sum(&page, "rum_page_views_total", "").to_bits(), 1.0_f64.to_bits());
    assert_eq!(sum(&page, "rum_sessions_total", "").to_bits(), 1.0_f64.to_bits());
    assert_thresholds_are_ratings(&page);
}

/// A Prometheus that asks for protobuf and keeps native histograms.
async fn scraping_native_histograms(dir: &Path, service: &Service) -> Prometheus {
    let target = service.url.strip_prefix("http://").unwrap();
    let config = json!({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "beamline", "static_configs": [{"targets": [target]}]}],
    });
    Prometheus::start_with(dir, &config.to_string(), &["--enable-feature=native-histograms"]).await
}

async fn native_histograms_are_the_classic_ones_in_finer_steps(service: &Service, prometheus: &Prometheus, page: &str) {
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let answer = service.metrics_as(protobuf).await;
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/vnd.google.protobuf;"));
    let classic = samples(page);
    let sql = service.sql();
    for vital in ["LCP", "FCP", "TTFB", "INP", "FID", "CLS"] {
        let (unit, scale) = if vital == "CLS" { ("", 1.0) } else { ("_seconds", 1000.0) };
        let family = format!("rum_{}_distribution{unit}", vital.to_lowercase());
        for place in ["/", "/cart"] {
            let series = format!("{family}{{device=\"unknown\",page=\"{place}\",project=\"default\"}}");
            let exactly = |suffix: &str| classic[series.replacen('{', &format!("{suffix}{{"), 1).as_str()];
            let is = async |query: &str, expected: f64| {
                until(&format!("{query} is {expected}"), async || {
                    prometheus.value(query).await.filter(|value| (value / expected - 1.0).abs() < 1e-9).map(drop)
                })
                .await;
            };
            is(&format!("histogram_count({series})"), exactly("_count")).await;
            is(&format!("histogram_sum({series})"), exactly("_sum")).await;
            // All of its buckets together have them all.
            is(&format!("histogram_fraction(-1, +Inf, {series})"), 1.0).await;
            let condition = format!("metric = '{vital}' AND page = '{place}'");
            let exact = sql.number(&format!("SELECT quantileExactLow(0.75)(value) FROM events WHERE {condition}")).await / scale;
            let next = sql.number(&format!("SELECT quantileExactHigh(0.80)(value) FROM events WHERE {condition}")).await / scale;
            let shown = prometheus.value(&format!("histogram_quantile(0.75, {series})")).await.unwrap();
            // A bucket is 9 % wide, and a rank between two values is between them.
            assert!(shown > exact / 1.1 && shown < next * 1.1, "{series}: {shown}, exactly {exact}");
        }
    }
    let acknowledged = prometheus.value("histogram_quantile(0.95, beamline_acknowledge_duration_seconds)").await.unwrap();
    assert!(acknowledged > 0.0 && acknowledged < 60.0, "{acknowledged}");
    assert!(prometheus.value("histogram_count(beamline_http_request_duration_seconds{status=\"202\"})").await.unwrap() > 0.0);
    assert!(prometheus.value("histogram_count(beamline_clickhouse_query_duration_seconds{query=\"insert\"})").await.unwrap() > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_names_stay_under_the_cap_and_are_counted_exactly() {
    const MOST_SERIES: usize = 500;
    let dir = tempfile::tempdir().unwrap();
    let config = QUICK.replace("refresh_seconds = 1\n", &format!("refresh_seconds = 1\nmax_series_per_project = {MOST_SERIES}\n"));
    let projects = "[[projects]]\nid = \"default\"\nkey = \"default\"\nrate_limit_per_second = 100000\nevent_limit_per_second = 1000000\nbyte_limit_per_second = 1000000000\n";
    let service = Service::start(&dir.path().join("data"), &Launch::with(&format!("{config}{projects}")));
    // 10,000 pages, 1,000 releases, and names that want out of their quotes.
    let hostile = ["\"} 1\n", "\\", "\u{1f600}", "__other__", "a\tb"];
    for number in 0..200_u32 {
        let views: Vec<Value> = (0..50)
            .map(|view| {
                let page = format!("/flood/{}/{}", number * 50 + view, hostile[view as usize % hostile.len()]);
                json!({"id": format!("{:x}", number * 50 + view + 1), "url": "https://shop.example/", "page": page})
            })
            .collect();
        let events: Vec<Value> = (0..50)
            .flat_map(|view| {
                let mut lcp = vital("LCP", 100.0);
                lcp["view"] = json!(view);
                [json!({"type": "page_view", "at_ms": now_ms(), "view": view}), lcp]
            })
            .collect();
        for release in 0..5 {
            let mut beacon = beacon(&format!("{number}-{release}"), "/", &[]);
            beacon["release"] = json!(format!("{}-{}", number * 5 + release, hostile[release as usize]));
            beacon["views"] = json!(views);
            beacon["events"] = if release == 0 { json!(events) } else { json!([events[0]]) };
            service.accept(&beacon).await;
        }
    }
    let all = "rum_project_lcp_seconds_count{project=\"default\"}";
    let page = until("all vitals are shown", async || {
        let page = service.fetch("/metrics").await.text;
        (samples(&page).get(all) == Some(&10_000.0)).then_some(page)
    })
    .await;
    assert_exposition(&page);
    let rum = samples(&page).keys().filter(|series| series.starts_with("rum_")).count();
    assert!(rum <= MOST_SERIES, "{rum} series");
    assert!(samples(&page)["rum_series_folded_total{project=\"default\"}"] > 0.0);
    assert!(sum(&page, "rum_page_views_total", "page=\"__other__\"") > 0.0);
    assert_thresholds_are_ratings(&page);
}
