//! What Prometheus sees: the real promtool reads it, the real Prometheus scrapes it.

use beamline_tests::{Launch, Prometheus, Service, assert_exposition, beacon, until, vital};

const REFRESH: &str = "[summaries]\nrefresh_seconds = 1\ntop_pages = 2\n[spool]\nsegment_max_age_ms = 50\n";

/// 200 values a page that spread over all ratings.
async fn visit(service: &Service, page: &str, metric: &str, scale: f64) {
    for chunk in 0..4_u32 {
        let events = (0..50).map(|n| vital(metric, f64::from(chunk * 50 + n + 1) * scale)).collect::<Vec<_>>();
        service.accept(&beacon(&format!("{page}-{metric}-{chunk}"), page, &events)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_the_p75_that_clickhouse_answers() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(REFRESH));
    visit(&service, "/", "LCP", 25.0).await;
    visit(&service, "/", "CLS", 0.002).await;
    visit(&service, "/cart", "LCP", 10.0).await;
    visit(&service, "/rare/1", "LCP", 1.0).await;
    service.accept(&beacon("more", "/", &[vital("LCP", 100.0)])).await;
    service.accept(&beacon("cart", "/cart", &[vital("LCP", 100.0)])).await;
    // Pages beyond the first two share one series, which is exact.
    for (page, count) in [("/", 201.0), ("/cart", 201.0), ("__other__", 200.0)] {
        let shown = format!("rum_lcp_seconds_count{{device=\"unknown\",page=\"{page}\",project=\"default\"}}");
        until("all events in the summaries", async || (service.metric(&shown).await == Some(count)).then_some(())).await;
    }
    let text = service.fetch("/metrics").await.text;
    assert_exposition(&text);
    assert!(!text.contains("/rare/1"));

    // Within 0.55 % of the exact quantile of the raw values.
    let sql = service.sql();
    let exact = sql.number("SELECT quantileExact(0.75)(value) FROM events WHERE metric = 'LCP' AND page = '/cart'").await / 1000.0;
    let shown =
        service.metric("rum_lcp_seconds{device=\"unknown\",page=\"/cart\",project=\"default\",quantile=\"0.75\"}").await.unwrap();
    assert!((shown / exact - 1.0).abs() < 0.0055, "{shown} {exact}");

    let target = service.url.strip_prefix("http://").unwrap();
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: beamline\n  static_configs:\n  - targets: ['{target}']\n"
    );
    let prometheus = Prometheus::start(dir.path(), &config).await;
    let query = "rum_lcp_seconds{quantile=\"0.75\",page=\"/\"}";
    let scraped = until("Prometheus has scraped", async || prometheus.value(query).await).await;
    // The same rollup, asked independently: the bucket in which the running count reaches three quarters.
    let own = "WITH (SELECT groupArray((k, n)) FROM (SELECT (arrayJoin(buckets) AS b).1 AS k, sum(b.2) AS n FROM vitals_5m
            WHERE metric = 'LCP' AND page = '/' GROUP BY k ORDER BY k)) AS pairs
        SELECT exp2((arrayFirst((p, c) -> c >= 0.75 * arraySum(pairs.2), pairs, arrayCumSum(pairs.2)).1 - 0.5) / 64)";
    let answered = sql.number(own).await / 1000.0;
    assert!((scraped / answered - 1.0).abs() < 1e-12, "{scraped} {answered}");
}
