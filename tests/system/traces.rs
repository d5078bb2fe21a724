//! A beacon's way as a trace: from the page that sent it to the insert into ClickHouse.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
};

use beamline_tests::{Answer, Collector, Launch, Manner, Service, Span, beacon, now_ms, until, vital};
use serde_json::{Value, json};

const BY_HEADER: &str = "0af7651916cd43dd8448eb211c80319c";
const BY_QUERY: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const NOT_KEPT: &str = "11111111111111111111111111111111";
const PAGE_SPAN: &str = "00f067aa0ba902b7";

fn config(collector: &Collector, more: &str) -> Launch {
    Launch::with(&format!(
        "[spool]\nsegment_max_age_ms = 50\n[summaries]\nrefresh_seconds = 1\n[traces]\nendpoint = {:?}\n{more}\n",
        collector.url
    ))
}

fn visit(number: u32) -> Value {
    let id = format!("01980000-0000-7000-8000-{number:012x}");
    beacon(&id, "/cart", &[json!({"type": "page_view", "at_ms": now_ms()}), vital("INP", 900.0)])
}

fn parent(trace_id: &str, flags: &str) -> String {
    format!("00-{trace_id}-{PAGE_SPAN}-{flags}")
}

/// The spans of a trace that ends with an insert.
async fn trace(collector: &Collector, trace_id: &str) -> Vec<Span> {
    until(&format!("the trace {trace_id}"), async || {
        let spans: Vec<Span> = collector.spans().into_iter().filter(|span| span.trace_id == trace_id).collect();
        let has = |name: &str| spans.iter().any(|span| span.name == name);
        (has("insert") && has("POST /api/v1/metrics/rum")).then_some(spans)
    })
    .await
}

fn assert_from_page_to_insert(spans: &[Span]) {
    let named = |name: &str| {
        let mut found = spans.iter().filter(|span| span.name == name);
        let first = found.next().unwrap_or_else(|| panic!("no {name} in {spans:?}"));
        assert!(found.next().is_none(), "two of {name}");
        first
    };
    let request = named("POST /api/v1/metrics/rum");
    assert_eq!(request.parent_id, PAGE_SPAN);
    assert_eq!(request.attribute("http.response.status_code"), Some("202"));
    assert_eq!(request.attribute("beamline.project"), Some("default"));
    assert_eq!(request.attribute("service.name"), Some("beamline"));
    assert_eq!(request.attribute("deployment.environment.name"), Some("production"));
    for step in ["body", "decompress", "decode", "validate", "filter", "enrich"] {
        assert_eq!(named(step).parent_id, request.span_id, "{step}");
    }
    // Each of these is done more than once, for different things.
    for (step, times) in [("authorize", 2), ("rate_limit", 3)] {
        let done: Vec<&Span> = spans.iter().filter(|span| span.name == step).collect();
        assert_eq!(done.len(), times, "{step}");
        assert!(done.iter().all(|span| span.parent_id == request.span_id), "{step}");
    }
    let spool = named("spool");
    assert_eq!(spool.parent_id, request.span_id);
    let insert = named("insert");
    assert_eq!(insert.parent_id, spool.span_id);
    assert_eq!(insert.attribute("beamline.attempts"), Some("1"));
    assert_eq!(insert.attribute("db.system.name"), Some("clickhouse"));

    let ids: BTreeSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    assert_eq!(ids.len(), spans.len(), "every span has an id of its own");
    for span in spans {
        assert!(span.start_ns <= span.end_ns && span.start_ns >= request.start_ns, "{span:?}");
        let texts = span.attributes.iter().map(|(_, value)| value.as_str()).chain([span.name.as_str()]);
        for secret in ["127.0.0.1", "key=", "shop.example", "5e55"] {
            assert!(texts.clone().all(|text| !text.contains(secret)), "{secret} in {span:?}");
        }
    }
    assert!(spool.end_ns <= request.end_ns && named("enrich").end_ns <= spool.end_ns && spool.end_ns <= insert.end_ns);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_is_one_trace_from_the_page_to_clickhouse() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(Manner::Takes).await;
    let service = Service::start(&dir.path().join("data"), &config(&collector, "ratio = 0.0"));
    let send = async |request: reqwest::RequestBuilder| assert_eq!(Answer::to(request).await.status, 202);
    // Nobody wants these: the page said so, did not say, or said nothing that can be read.
    send(service.post(visit(3).to_string()).header("traceparent", parent(NOT_KEPT, "00"))).await;
    send(service.post(visit(4).to_string())).await;
    send(service.post_with_key("default&traceparent=00-0-0-01", visit(5).to_string())).await;
    let twice = service.post(visit(6).to_string());
    send(twice.header("traceparent", parent(NOT_KEPT, "01")).header("traceparent", parent(NOT_KEPT, "01"))).await;
    // The page is known by now, and the latest poor vital is the example.
    until("the page is known", async || {
        let page = service.fetch("/metrics").await.text;
        page.lines().any(|line| line.starts_with("rum_page_views_total{")).then_some(())
    })
    .await;
    send(service.post(visit(1).to_string()).header("traceparent", parent(BY_HEADER, "01"))).await;
    // What `sendBeacon` can do.
    send(service.post_with_key(&format!("default&traceparent={}", parent(BY_QUERY, "01")), visit(2).to_string())).await;

    let by_header = trace(&collector, BY_HEADER).await;
    assert_from_page_to_insert(&by_header);
    let by_query = trace(&collector, BY_QUERY).await;
    assert_from_page_to_insert(&by_query);

    // Examples lead to the trace: those of the service's times at once, those of poor vitals with the next reading.
    let example = |value: &str| format!("trace_id=\"{value}\"}} ");
    until("examples have traces", async || {
        let page = service.metrics_as("application/openmetrics-text").await.text;
        let has = |family: &str, part: &str| page.lines().any(|line| line.starts_with(family) && line.contains(part));
        let of_service = ["beamline_acknowledge_duration_seconds_bucket", "beamline_http_request_duration_seconds_bucket"];
        let is_there = of_service.iter().all(|family| has(family, &example(BY_HEADER)) || has(family, &example(BY_QUERY)));
        (is_there && has("rum_inp_distribution_seconds_bucket", "view_id=\"000000000000f1e3\",trace_id=\"")).then_some(())
    })
    .await;

    // A refused beacon is a trace too, which says why.
    let refused = service.post_with_key("nobody", "{}").header("traceparent", parent(BY_HEADER, "01"));
    assert_eq!(Answer::to(refused).await.status, 401);
    let refusal = until("the refusal", async || {
        collector.spans().into_iter().find(|span| span.attribute("beamline.reason") == Some("unknown_key"))
    })
    .await;
    assert_eq!((refusal.trace_id.as_str(), refusal.attribute("http.response.status_code")), (BY_HEADER, Some("401")));

    service.until_sql("SELECT count() FROM events", "12").await;
    until("what was exported is counted", async || {
        let exported = service.metric("beamline_trace_spans_exported_total").await?;
        (exported.to_string() == collector.spans().len().to_string()).then_some(())
    })
    .await;
    service.stop().await;
    let traces: BTreeSet<String> = collector.spans().into_iter().map(|span| span.trace_id).collect();
    assert_eq!(traces, [BY_HEADER.to_owned(), BY_QUERY.to_owned()].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_collector_costs_no_beacon() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(Manner::Hangs).await;
    let bounded = "ratio = 1.0\nmax_queued_spans = 100\nmax_traces_per_second = 1000";
    let service = Service::start(&dir.path().join("data"), &config(&collector, bounded));
    let visits = AtomicU32::new(0);
    let send = async || service.accept(&visit(visits.fetch_add(1, Ordering::Relaxed))).await;
    for manner in [Manner::Hangs, Manner::Refuses, Manner::Babbles] {
        collector.behave(manner);
        let before = collector.requests();
        until(&format!("an export meets a collector that {manner:?}"), async || {
            send().await;
            (collector.requests() > before).then_some(())
        })
        .await;
        for _ in 0..40 {
            send().await;
        }
        service.until_sql("SELECT count() FROM events", &(2 * visits.load(Ordering::Relaxed)).to_string()).await;
    }
    assert!(service.metric("beamline_trace_spans_dropped_total").await.unwrap() > 0.0);
    assert!(service.metric("beamline_trace_export_failures_total").await.unwrap() > 0.0);

    // It comes to its senses, and so do the traces.
    collector.behave(Manner::Takes);
    until("a trace arrives", async || {
        send().await;
        (!collector.spans().is_empty()).then_some(())
    })
    .await;
    let log = service.stop().await;
    assert!(log.contains("the collector takes no spans"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_endpoint_nothing_is_traced() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(Manner::Takes).await;
    // The variables of OpenTelemetry's own libraries are not ours.
    let env =
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].map(|name| (name.into(), collector.url.clone()));
    let launch = Launch { config: "[spool]\nsegment_max_age_ms = 50\n".into(), env: env.into() };
    let service = Service::start(&dir.path().join("data"), &launch);
    let wanted = service.post(visit(1).to_string()).header("traceparent", parent(BY_HEADER, "01"));
    assert_eq!(Answer::to(wanted).await.status, 202);
    service.until_sql("SELECT count() FROM events", "2").await;
    assert!(!service.fetch("/metrics").await.text.contains("beamline_trace"));
    service.stop().await;
    assert_eq!(collector.requests(), 0);
}
