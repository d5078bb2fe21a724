//! `beamline sql`, and what readers may and may not do.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use beamline_tests::{Launch, Service, beacon, run, vital};

const CONFIG: &str = r#"
[embedded]
read_limits = { seconds = 20, rows = 5000000, result_rows = 1000 }
readers = [{ user = "shop_reader", key = "a-key-for-the-shop", projects = ["shop"] }]
[[projects]]
id = "shop"
key = "k-shop"
[[projects]]
id = "blog"
key = "k-blog"
"#;

async fn accept(service: &Service, key: &str, id: &str) {
    let body = beacon(id, "/cart", &[vital("LCP", 1200.0)]).to_string();
    let taken = service.post_with_key(key, body).send().await.unwrap();
    assert_eq!(taken.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_and_everything_else_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::with(CONFIG));
    for (key, id) in [("k-shop", "1"), ("k-shop", "2"), ("k-blog", "3")] {
        accept(&service, key, id).await;
    }
    service.until_sql("SELECT count() FROM events", "3").await;
    service.until_sql("SELECT sum(count) FROM vitals_1h", "3").await;

    let by_project = "SELECT project_id, count() AS n FROM events GROUP BY 1 ORDER BY 1";
    assert_eq!(run(&data, &["sql", by_project], "").text(), "project_id\tn\nblog\t1\nshop\t2\n");
    let answer = run(&data, &["sql", "--format", "JSONEachRow"], "SELECT count() AS n FROM events -- all?\n");
    assert_eq!(answer.text(), "{\"n\":3}\n");
    assert_eq!(run(&data, &["sql", "SELECT '?' AS q FORMAT CSV"], "").text(), "\"?\"\n");
    let as_reader = |sql: &str| run(&data, &["sql", "--reader", "shop_reader", "--format", "TSV", sql], "");
    assert_eq!(as_reader("SELECT DISTINCT project_id FROM events").text(), "shop\n");
    let tables = as_reader("SELECT name FROM system.tables WHERE database = 'beamline' AND engine LIKE '%MergeTree' ORDER BY name");
    for table in tables.text().lines() {
        let others = as_reader(&format!("SELECT countIf(project_id != 'shop') FROM {table}"));
        assert_eq!(others.text(), "0\n", "{table}");
    }

    for (sql, reason) in [
        ("SELEC 1", "Syntax error"),
        ("SELECT nothing FROM events", "Unknown expression identifier `nothing`"),
        ("INSERT INTO events (value) VALUES (1)", "this user may only read"),
        ("DROP TABLE events", "this user may only read"),
        ("SELECT file('/etc/hostname')", "this user may not read files"),
        ("SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "necessary to have the grant READ ON URL"),
        ("SELECT 1 INTO OUTFILE 'out.tsv'", "only into the reply"),
        ("SELECT 1; SELECT 2", "Multi-statements are not allowed"),
        ("SELECT count() FROM numbers_mt(100000000)", "Limit for rows"),
        ("SELECT number FROM numbers(1001)", "Limit for result exceeded"),
        ("SELECT count() FROM events SETTINGS max_execution_time = 0", "this user may not change its bounds"),
    ] {
        for arguments in [&["sql", sql][..], &["sql", "--reader", "shop_reader", sql]] {
            let refused = run(&data, arguments, "");
            assert!(!refused.success && refused.stderr.contains(reason), "{sql}: {refused:?}");
        }
    }
    let other_tenant = as_reader("SELECT count() FROM events WHERE project_id = 'blog'");
    assert!(other_tenant.stderr.contains("this user may read 'shop', not 'blog'"), "{other_tenant:?}");
    let operators = as_reader("SELECT count() FROM erasures");
    assert!(operators.stderr.contains("Not enough privileges"), "{operators:?}");
    let nobody = run(&data, &["sql", "--reader", "nobody", "SELECT 1"], "");
    assert!(nobody.stderr.contains("is none of embedded.readers"), "{nobody:?}");
    let shown = run(&data, &["check-config"], "").text();
    assert!(shown.contains("shop_reader") && !shown.contains("a-key-for-the-shop"), "{shown}");

    service.stop().await;
    assert_eq!(run(&data, &["sql", "SELECT count() AS n FROM events"], "").text(), "n\n3\n", "without a service");
}
