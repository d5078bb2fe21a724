//! `beamline rebuild`: rollups that went wrong are made to say what the raw rows say, beside a service that takes beacons.

use beamline_tests::{Server, Service, Sql, beacon, now_ms, run, until, vital};
use serde_json::{Value, json};

/// Count, sum and histogram by table.
async fn totals(sql: &Sql) -> Vec<String> {
    let mut totals = Vec::new();
    for table in ["vitals_5m", "vitals_1h", "vitals_1d", "vitals_site_1h", "vitals_page_1w", "vitals_site_1d"] {
        let query = format!(
            "SELECT metric, sum(count) AS n, sum(estimated_count), sum(sum), sum(good), sum(poor), mapFilter((bucket, n) -> n != 0, sumMap(buckets))
            FROM {table} GROUP BY metric HAVING n != 0 ORDER BY metric"
        );
        totals.push(sql.text(&query).await);
    }
    totals
}

fn report(id: &str, at_ms: u64, value: f64, prev: Option<f64>) -> Value {
    let mut report = json!({"type": "vital", "at_ms": at_ms, "metric": "INP", "value": value, "metric_id": id});
    if let Some(prev) = prev {
        report["prev_value"] = json!(prev);
    }
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn rollups_are_made_right_while_beacons_come_in() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(dir.path()).await;
    server.migrate(dir.path()).await;
    let mut launch = server.launch();
    // Commands read the same file.
    launch.config = format!("{}password = {:?}\nurl = {:?}\n", launch.config, server.writer.key, server.writer.url);
    let service = Service::start(&data, &launch);
    // Reports without the start of their page view are counted where they are made: in one interval.
    let at_ms = now_ms() / 300_000 * 300_000;
    for number in 0..8_u32 {
        let id = format!("m{number}");
        let reports =
            [report(&id, at_ms, 100.0, None), report(&id, at_ms + 1, 300.0, Some(100.0)), vital("LCP", f64::from(number) * 1000.0)];
        service.accept(&beacon(&id, "/", &reports)).await;
    }
    // Its first report was lost on the way: the rollups took back what they never had.
    service.accept(&beacon("lost", "/late", &[report("lost", at_ms, 700.0, Some(120.0))])).await;
    let all = "SELECT count() FROM events";
    until("all rows", async || (server.reader.text(all).await == "25").then_some(())).await;
    until("nothing waits", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;

    // A row too many, a table that lost its rows, and one that has them twice.
    let sql = &server.writer;
    for statement in [
        "INSERT INTO vitals_1h (project_id, metric, page, device, t, count, estimated_count, sum, good, buckets)
            VALUES ('default', 'LCP', '/bogus', 'desktop', toStartOfHour(now()), 3, 3, 99, 3, map(17, 3))",
        "TRUNCATE TABLE vitals_1d",
        "INSERT INTO vitals_site_1d SELECT * FROM vitals_site_1d SETTINGS insert_deduplicate = 0",
    ] {
        sql.text(statement).await;
    }
    let today = sql.text("SELECT toDate(now('UTC'))").await;
    let yesterday = sql.text("SELECT toDate(now('UTC')) - 1").await;
    let of = |more: &[&str]| run(&data, &[&["rebuild", "--from", &yesterday, "--to", &today], more].concat(), "");
    let before = totals(sql).await;
    let said = of(&["--check"]);
    assert!(!said.success && said.stderr.contains("rows of rollups differ from the raw rows"), "{said:?}");
    for line in ["vitals_1h", "vitals_1d", "vitals_site_1d"] {
        assert!(said.stdout.contains(&format!("{line} ")), "{said:?}");
    }
    assert!(said.stdout.contains("of 8 vitals they count 16"), "{said:?}");
    assert_eq!(totals(sql).await, before, "comparing changes nothing");

    // Beacons come while it works: none is lost, none is counted twice.
    let (made, ()) = tokio::join!(
        async {
            let data = data.clone();
            let (from, to) = (yesterday.clone(), today.clone());
            tokio::task::spawn_blocking(move || run(&data, &["rebuild", "--from", &from, "--to", &to], "").text()).await.unwrap()
        },
        async {
            for number in 0..10_u32 {
                service.accept(&beacon(&format!("during{number}"), "/during", &[vital("LCP", 500.0)])).await;
            }
        }
    );
    assert!(made.contains("rows of rollups right"), "{made}");
    until("all rows", async || (server.reader.text(all).await == "35").then_some(())).await;
    until("nothing waits", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;
    let said = of(&["--check"]).text();
    assert!(said.ends_with("the rollups say what the raw rows say\n") && said.lines().count() == 1, "{said}");
    let right = totals(sql).await;
    assert!(right.iter().all(|total| *total == right[0]), "{right:?}");
    assert!(right[0].starts_with("LCP\t18\t18\t33000\t") && right[0].contains("INP\t9\t9\t3100\t"), "{right:?}");

    // A later report still takes back what is there now.
    service.accept(&beacon("later", "/late", &[report("lost", at_ms + 5, 50.0, Some(700.0))])).await;
    until("all rows", async || (server.reader.text(all).await == "36").then_some(())).await;
    until("nothing waits", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;
    assert_eq!(of(&["--check"]).text(), said);

    for (arguments, why) in [
        (&["rebuild", "--from", "2020-01-01"][..], "raw rows are kept 90 days"),
        (&["rebuild", "--from", "yesterday"], "write it as 2026-11-01"),
        (&["rebuild", "--from", &today, "--project", "nobody"], "there is no project \"nobody\""),
    ] {
        let refused = run(&data, arguments, "");
        assert!(!refused.success && refused.stderr.contains(why), "{refused:?}");
    }
    service.stop().await;
    server.stop().await;
}
