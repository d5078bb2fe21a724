//! What Prometheus sees: the real promtool reads it, the real Prometheus scrapes it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    io::Write,
    process::{Child, Command, Stdio},
};

use beamline_tests::{Launch, Service, beacon, until, vital};

const REFRESH: &str = "[summaries]\nrefresh_seconds = 1\ntop_pages = 2\n[spool]\nsegment_max_age_ms = 50\n";

struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

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
    let complete = "rum_lcp_seconds_count{device=\"unknown\",page=\"/cart\",project=\"default\"}";
    until("all events in the summaries", async || (service.metric(complete).await == Some(201.0)).then_some(())).await;
    let complete = "rum_lcp_seconds_count{device=\"unknown\",page=\"/\",project=\"default\"}";
    until("all events in the summaries", async || (service.metric(complete).await == Some(201.0)).then_some(())).await;

    // promtool reads the exposition and finds nothing to complain about.
    let text = service.fetch("/metrics").await.text;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));

    // Pages beyond the first two share one series, which is exact.
    let other = "rum_lcp_seconds_count{device=\"unknown\",page=\"__other__\",project=\"default\"}";
    assert_eq!(service.metric(other).await, Some(200.0));
    assert!(!text.contains("/rare/1"));

    // Within 0.55 % of the exact quantile of the raw values.
    let sql = service.sql();
    let exact = sql.number("SELECT quantileExact(0.75)(value) FROM events WHERE metric = 'LCP' AND page = '/cart'").await / 1000.0;
    let shown =
        service.metric("rum_lcp_seconds{device=\"unknown\",page=\"/cart\",project=\"default\",quantile=\"0.75\"}").await.unwrap();
    assert!((shown / exact - 1.0).abs() < 0.0055, "{shown} {exact}");

    let port = free_port();
    let target = service.url.strip_prefix("http://").unwrap();
    let config = dir.path().join("prometheus.yml");
    let scrape = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: beamline\n  static_configs:\n  - targets: ['{target}']\n"
    );
    std::fs::write(&config, scrape).unwrap();
    let _prometheus = Prometheus(
        Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let query = "rum_lcp_seconds{quantile=\"0.75\",page=\"/\"}";
    let scraped: f64 = until("Prometheus has scraped", async || {
        let url = format!("http://127.0.0.1:{port}/api/v1/query");
        let answer = reqwest::Client::new().get(url).query(&[("query", query)]).send().await.ok()?;
        let body: serde_json::Value = answer.json().await.ok()?;
        body["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    })
    .await;
    // The same rollup, asked independently: the bucket in which the running count reaches three quarters.
    let own = "WITH (SELECT groupArray((k, n)) FROM (SELECT (arrayJoin(buckets) AS b).1 AS k, sum(b.2) AS n FROM vitals_5m
            WHERE metric = 'LCP' AND page = '/' GROUP BY k ORDER BY k)) AS pairs
        SELECT exp2((arrayFirst((p, c) -> c >= 0.75 * arraySum(pairs.2), pairs, arrayCumSum(pairs.2)).1 - 0.5) / 64)";
    let answered = sql.number(own).await / 1000.0;
    assert!((scraped / answered - 1.0).abs() < 1e-12, "{scraped} {answered}");
}
