//! Users who see only rows of some tenants: what they see, and every way around it that is known.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod support;

use embedded_clickhouse::{Isolation, ReadLimits, TenantReader};
use support::{Answer, Running};

const ACCESS_DENIED: u32 = 497;
const KEY: &str = "a-key-of-the-shop";

async fn with_two_tenants() -> Running {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let running = support::start_with(|config| {
        config.read_limits = ReadLimits { rows: 1000, result_rows: 100, result_bytes: 1 << 20, ..ReadLimits::default() };
        config.isolation = Isolation {
            column: "project_id".to_owned(),
            tables: names(&["events", "sums"]),
            views: names(&["all_events", "events_of", "by_default"]),
            readers: vec![
                TenantReader { user: "shop".to_owned(), key: KEY.to_owned(), tenants: names(&["shop"]) },
                TenantReader { user: "both".to_owned(), key: KEY.to_owned(), tenants: names(&["shop", "blog"]) },
            ],
        };
    })
    .await;
    for sql in [
        "CREATE TABLE events (project_id LowCardinality(String), page String, value UInt64) ENGINE = MergeTree ORDER BY project_id",
        "CREATE TABLE sums (project_id LowCardinality(String), value UInt64) ENGINE = SummingMergeTree ORDER BY project_id",
        "CREATE TABLE later (project_id String) ENGINE = MergeTree ORDER BY project_id",
        "CREATE MATERIALIZED VIEW sums_mv TO sums AS SELECT project_id, value FROM events",
        "CREATE VIEW all_events AS SELECT * FROM events",
        "CREATE VIEW events_of AS SELECT page, value FROM events WHERE project_id = {project:String}",
        "CREATE VIEW by_default AS SELECT page, sum(value) AS value FROM all_events GROUP BY page",
        "INSERT INTO events SELECT if(number < 10, 'blog', 'shop'), if(number < 10, 'secret', 'cart'), number FROM numbers(20)",
        "INSERT INTO later SELECT 'blog'",
    ] {
        running.write(sql).await;
    }
    running
}

async fn ask(running: &Running, user: &str, parameters: &[(&str, &str)], sql: impl Into<String>) -> Answer {
    let request = running.http.post(&running.engine.endpoint().url).query(parameters);
    Answer::of(request.basic_auth(user, Some(KEY)).body(sql.into()).send().await.unwrap()).await
}

#[tokio::test]
async fn a_tenant_s_reader_sees_rows_of_the_tenant_and_nothing_of_others() {
    let running = with_two_tenants().await;
    for (sql, answer) in [
        ("SELECT DISTINCT project_id FROM events", "shop\n"),
        ("SELECT count(), min(project_id), max(project_id) FROM events", "10\tshop\tshop\n"),
        ("SELECT count() FROM sums", "1\n"),
        ("SELECT sum(value) FROM all_events", "145\n"),
        ("SELECT count() FROM events_of(project = 'shop')", "10\n"),
        ("SELECT page, value FROM by_default", "cart\t145\n"),
        ("SELECT count() FROM events WHERE project_id != 'shop'", "0\n"),
        ("SELECT count() FROM events WHERE concat('bl', 'og') = toString(project_id)", "0\n"),
        ("SELECT count() FROM events_of(project = concat('bl', 'og'))", "0\n"),
        ("SELECT uniqExact(b.project_id) FROM events AS a JOIN events AS b ON 1", "1\n"),
        ("SELECT 1 WHERE concat('bl', 'og') IN (SELECT project_id FROM events)", ""),
        ("SELECT countIf(page = 'secret') FROM (SELECT * FROM events UNION ALL SELECT * FROM all_events)", "0\n"),
        ("WITH x AS (SELECT * FROM events) SELECT uniqExact(project_id) FROM x", "1\n"),
        ("SELECT uniqExact(project_id) FROM merge('rum', '^events$')", "1\n"),
        ("SELECT DISTINCT project_id FROM events SETTINGS additional_table_filters = {}, enable_analyzer = 0", "shop\n"),
        ("SELECT count() FROM events WHERE throwIf(page = 'secret') = 0", "10\n"),
        ("SELECT count() FROM events PREWHERE throwIf(page = 'secret') = 0", "10\n"),
        ("SELECT count() FROM events SETTINGS optimize_trivial_count_query = 1, optimize_use_implicit_projections = 1", "10\n"),
        ("SELECT count() FROM system.parts", "0\n"),
        ("SELECT count() FROM system.processes", "0\n"),
        ("SELECT count() FROM system.errors", "0\n"),
        ("SELECT count() FROM merge('system', '^(parts|processes)$')", "0\n"),
        (
            "SELECT groupArray(name) FROM (SELECT name FROM system.tables WHERE database = 'rum' ORDER BY name)",
            "['all_events','by_default','events','events_of','sums']\n",
        ),
    ] {
        let reply = ask(&running, "shop", &[], sql).await;
        assert_eq!(reply.text(), answer, "{sql}");
    }
    assert_eq!(ask(&running, "both", &[], "SELECT uniqExact(project_id) FROM events").await.text(), "2\n");
    let all = running.post(support::Who::Reader, &[], "SELECT uniqExact(project_id), count() FROM later, events").await;
    assert_eq!(all.text(), "1\t20\n", "the reader of everything");
    running.engine.shutdown().await;
}

#[tokio::test]
async fn what_a_tenant_s_reader_may_not_do_is_refused_with_a_reason() {
    let running = with_two_tenants().await;
    for (sql, reason) in [
        ("SELECT count() FROM events WHERE project_id = 'blog'", "this user may read 'shop', not 'blog'"),
        ("SELECT count() FROM events WHERE project_id IN ('shop', 'blog')", "this user may read 'shop', not 'blog'"),
        ("SELECT * FROM events_of(project = 'blog')", "this user may read 'shop', not 'blog'"),
        ("SELECT * FROM later", "necessary to have the grant SELECT"),
        ("SELECT * FROM sums_mv", "necessary to have the grant SELECT"),
        ("SELECT * FROM mergeTreeIndex('rum', 'events')", "this user may not use 'mergeTreeIndex'"),
        ("SELECT * FROM `mergeTreeIndex`(rum, events, with_minmax = 1)", "this user may not use 'mergeTreeIndex'"),
        ("SELECT * FROM loop(rum.events) LIMIT 1", "necessary to have the grant"),
        ("SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))", "necessary to have the grant"),
        ("SELECT count() FROM events SETTINGS use_query_cache = 1", "this user may not use 'use_query_cache'"),
        ("INSERT INTO events VALUES ('shop', '', 1)", "this user may only read"),
        ("SET ROLE beamline_writer", "this user may only read"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "this user may only read, and only into the reply"),
        ("SELECT file('/etc/passwd')", "this user may not read files"),
        ("SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "necessary to have the grant READ ON URL"),
        ("SELECT * FROM eval('SELECT 1')", "this user may not run texts"),
        ("SELECT 1 SETTINGS max_rows_to_read = 0", "this user may not change its bounds"),
    ] {
        let reply = ask(&running, "shop", &[], sql).await;
        assert_eq!(reply.code, Some(ACCESS_DENIED), "{sql}: {}", reply.text());
        assert!(reply.text().contains(reason), "{sql}: {}", reply.text());
    }
    let by_parameter = "SELECT count() FROM events WHERE project_id = {project:String}";
    let reply = ask(&running, "shop", &[("param_project", "blog")], by_parameter).await;
    assert!(reply.text().contains("not 'blog'"), "{}", reply.text());
    assert_eq!(ask(&running, "shop", &[("param_project", "shop")], by_parameter).await.text(), "10\n");
    assert_eq!(ask(&running, "shop", &[], "SELECT 1; SELECT 2").await.code, Some(62));
    assert_eq!(ask(&running, "shop", &[], "SELEC 1").await.code, Some(62));
    // A session keeps its role, and another user's session of the same name is another one.
    let session = [("session_id", "one")];
    assert_eq!(ask(&running, "both", &session, "SELECT uniqExact(project_id) FROM events").await.text(), "2\n");
    assert_eq!(ask(&running, "shop", &session, "SELECT uniqExact(project_id) FROM events").await.text(), "1\n");
    running.engine.shutdown().await;
}

#[tokio::test]
async fn bounds_hold_and_narrower_ones_may_be_asked_for() {
    let running = with_two_tenants().await;
    for (sql, code) in [
        ("SELECT sum(number) FROM numbers_mt(100000)", 158),
        ("SELECT number FROM numbers(101)", 396),
        ("SELECT number FROM numbers(101) FORMAT JSON", 396),
        ("SELECT repeat('x', 900000 + number) FROM numbers(3)", 396),
    ] {
        for user in ["shop", "both"] {
            let reply = ask(&running, user, &[("max_rows_to_read", "0"), ("max_result_rows", "1000000")], sql).await;
            assert_eq!(reply.code, Some(code), "{user}, {sql}: {}", reply.text());
        }
    }
    assert_eq!(ask(&running, "shop", &[], "SELECT count() FROM (SELECT * FROM numbers(100))").await.text(), "100\n");
    let narrower = ask(&running, "shop", &[("max_result_rows", "5")], "SELECT number FROM numbers(6)").await;
    assert_eq!(narrower.code, Some(396), "{}", narrower.text());
    running.engine.shutdown().await;
}
