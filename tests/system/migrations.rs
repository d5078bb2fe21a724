//! The schema: up from every earlier version with its rows, down, two at once, one of the future, and its form for a cluster.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{path::Path, process::Command};

use beamline_tests::{Launch, Service, Sql, beacon, beamline, now_ms, vital};
use embedded_clickhouse::{Engine, SupervisorConfig, locate_library};
use serde_json::json;

/// An engine of its own, as a server the service does not start, and its writing user.
async fn server(dir: &Path) -> (Engine, Sql) {
    let library = locate_library(None).unwrap();
    let config = SupervisorConfig {
        args: vec!["engine".into()],
        database: "beamline".into(),
        ..SupervisorConfig::new(beamline(), library, dir.join("server"))
    };
    let engine = Engine::start(config).await.unwrap();
    let at = engine.endpoint().clone();
    (engine, Sql { url: at.url, database: at.database, user: at.writer.user, key: at.writer.key })
}

/// `beamline migrate` on a server.
fn migrate_at(sql: &Sql, arguments: &[&str]) -> Command {
    let mut command = Command::new(beamline());
    command.arg("migrate").args(arguments).env("CLICKHOUSE_URL", &sql.url);
    command.env("BEAMLINE_CLICKHOUSE__USER", &sql.user).env("BEAMLINE_CLICKHOUSE__PASSWORD", &sql.key);
    command
}

fn finish(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn migrate(sql: &Sql, arguments: &[&str]) -> String {
    finish(migrate_at(sql, arguments))
}

/// The newest version this release knows.
fn known(sql: &Sql) -> u32 {
    let status = migrate(sql, &["status"]);
    status.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Versions of all steps, oldest first.
fn versions() -> Vec<u32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ingest/migrations");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut versions = names.filter(|name| name.ends_with(".up.sql")).map(|name| name[..4].parse().unwrap()).collect::<Vec<u32>>();
    versions.sort_unstable();
    versions
}

/// What was written at version 1 can be read at every later one.
async fn fill(sql: &Sql) {
    let key = "SELECT any(name) FROM system.columns WHERE database = 'beamline' AND table = 'events' AND name IN ('event_id', 'event_key') AND default_kind = ''";
    let key = sql.text(key).await;
    for statement in [
        format!("INSERT INTO events (project_id, kind, metric, ts, received_at, {key}, session_id, metric_id, value, rating, page, device, sample_rate, retention_days)
            SELECT 'shop', 'vital', 'LCP', now(), now(), number + 1, 7, number + 1, 1000 + number, 'good', '/', 'mobile', 1, 90 FROM numbers(100)").as_str(),
        "INSERT INTO errors (project_id, fingerprint, ts, received_at, event_id, session_id, source, message, sample_rate, retention_days)
            SELECT 'shop', 5, now(), now(), number + 1, 7, 'api', 'broken', 1, 90 FROM numbers(10)",
        "INSERT INTO ingest_outcomes (project_id, minute, outcome, reason, scope, count) VALUES ('shop', now(), 'accepted', '', 'event', 110)",
    ] {
        sql.text(statement).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_earlier_version_is_brought_up_with_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, sql) = server(dir.path()).await;
    let newest = known(&sql);
    assert_eq!(versions().last(), Some(&newest));
    for version in versions() {
        let at = version.to_string();
        assert_eq!(migrate(&sql, &["down", "--to", "0"]), format!("schema version 0, newest known {newest}\n"));
        assert_eq!(migrate(&sql, &["up", "--to", &at]), format!("schema version {version}, newest known {newest}\n"));
        fill(&sql).await;
        for _ in 0..2 {
            assert_eq!(migrate(&sql, &["up"]), format!("schema version {newest}, newest known {newest}\n"));
        }
        let rows = "SELECT count(), sum(value), uniqExact(event_id), countIf(country = '' AND ttfb_ms IS NULL) FROM events";
        assert_eq!(sql.text(rows).await, "100\t104950\t100\t100", "from {version}");
        assert_eq!(sql.text("SELECT count(), any(message) FROM errors").await, "10\tbroken", "from {version}");
        assert_eq!(sql.text("SELECT sum(count) FROM ingest_outcomes WHERE outcome = 'accepted'").await, "110", "from {version}");
        // Version 2 made the rollups: what came since is in them, and what comes now.
        let counted = if version < 2 { 0 } else { 100 };
        for rollup in ["vitals_5m", "vitals_1h", "vitals_1d", "vitals_site_1h", "vitals_page_1w", "vitals_site_1d"] {
            let sums = format!("SELECT sum(count), sum(arraySum(mapValues(buckets))) FROM {rollup}");
            assert_eq!(sql.text(&sums).await, format!("{counted}\t{counted}"), "{rollup} from {version}");
        }
        fill(&sql).await;
        assert_eq!(sql.text("SELECT sum(count) FROM vitals_1h").await, (counted + 100).to_string(), "from {version}");
        // Version 12 made errors stand for several, and requests; 15 counts them so.
        assert_eq!(sql.text("SELECT sum(count) FROM errors").await, "20", "from {version}");
        for statement in [
            "INSERT INTO errors (project_id, fingerprint, ts, received_at, event_id, source, count, sample_rate, retention_days)
                VALUES ('shop', 6, now(), now(), 99, 'network', 7, 0.5, 90)",
            "INSERT INTO events (project_id, kind, ts, received_at, event_key, name, initiator, value, status, sample_rate, retention_days)
                VALUES ('shop', 'request', now(), now(), 99, 'api', 'fetch', 9, 503, 1, 90)",
        ] {
            sql.text(statement).await;
        }
        let group = "SELECT sum(count), sum(estimated_count) FROM error_groups WHERE fingerprint = 6";
        assert_eq!(sql.text(group).await, "7\t14", "from {version}");
        let failed = "SELECT endpoint, failed FROM slow_requests(project = 'shop', since = today() - 1, until = now() + 9)";
        assert_eq!(sql.text(failed).await, "api\t1", "from {version}");
        let left = "SELECT count() FROM system.tables WHERE database = 'beamline' AND name LIKE 'schema_lock%'";
        assert_eq!(sql.text(left).await, "0");
    }
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_take_turns_and_one_of_the_future_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, sql) = server(dir.path()).await;
    let newest = known(&sql);
    let both = [(), ()].map(|()| migrate_at(&sql, &["up"]).stdout(std::process::Stdio::piped()).spawn().unwrap());
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("schema version {newest}, newest known {newest}\n"));
    }
    let twice =
        "SELECT count() FROM (SELECT version FROM schema_migrations WHERE state = 'applied' GROUP BY version HAVING count() > 1)";
    assert_eq!(sql.text(twice).await, "0", "each step was done once");

    // A lock that somebody holds is waited for; one left behind is not.
    sql.text("CREATE TABLE schema_lock_other (held UInt8) ENGINE = Memory COMMENT 'somebody'").await;
    let mut waiting = migrate_at(&sql, &["down", "--to", "4"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    beamline_tests::until("it has looked", async || {
        let seen = "SELECT count() FROM system.tables WHERE database = 'beamline' AND name LIKE 'schema_lock%' AND name != 'schema_lock_other'";
        (sql.text(seen).await == "1").then_some(())
    })
    .await;
    assert!(waiting.try_wait().unwrap().is_none());
    assert_eq!(sql.text("SELECT count() FROM system.tables WHERE database = 'beamline' AND name = 'erasures'").await, "1");
    sql.text("DROP TABLE schema_lock_other").await;
    assert!(waiting.wait().unwrap().success());
    assert_eq!(sql.text("SELECT count() FROM system.tables WHERE database = 'beamline' AND name = 'erasures'").await, "0");

    sql.text("INSERT INTO schema_migrations (version, name, state) VALUES (9000, '9000_future', 'applied')").await;
    for arguments in [&["up"][..], &["down", "--to", "0"]] {
        let refused = migrate_at(&sql, arguments).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("schema version 9000, this release knows"), "{said}");
    }
    assert_eq!(sql.text("SELECT count() FROM events").await, "0", "nothing was touched");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_goes_down_and_up_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let in_folder = |arguments: &[&str]| {
        let mut command = Command::new(beamline());
        command.arg("migrate").args(arguments).env("BEAMLINE_DATA__DIR", &data);
        finish(command)
    };
    let service = Service::start(&data, &Launch::default());
    let request = json!({"type": "request", "at_ms": now_ms(), "initiator": "fetch", "url": "/api", "duration_ms": 9});
    service.accept(&beacon("x", "/", &[vital("LCP", 7.0), request])).await;
    service.until_sql("SELECT sum(count) FROM vitals_1d", "1").await;
    service.stop().await;
    assert!(in_folder(&["down", "--to", "3"]).starts_with("schema version 3, "));
    let service = Service::start(&data, &Launch::default());
    service.until_sql("SELECT count(), any(country) = '', countIf(kind = 'request') FROM events", "2\t1\t1").await;
    service.accept(&beacon("y", "/", &[vital("LCP", 8.0)])).await;
    service.until_sql("SELECT sum(count) FROM vitals_1d", "2").await;
    service.stop().await;
    assert!(in_folder(&["down", "--to", "0"]).starts_with("schema version 0, "));
}

/// The engine cannot do these, but its parser knows whether they are right.
#[tokio::test(flavor = "multi_thread")]
async fn the_form_for_a_cluster_parses_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, sql) = server(dir.path()).await;
    let one = migrate(&sql, &["show"]);
    let cluster = migrate(&sql, &["show", "--cluster", "rum"]);
    let statements = |text: &str| text.split(";\n\n").filter(|part| !part.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>();
    assert!(statements(&one).len() < statements(&cluster).len());
    for statement in statements(&one).iter().chain(&statements(&cluster)) {
        let tree = sql.ask(&format!("EXPLAIN AST {statement}")).await;
        assert!(tree.is_ok(), "{statement}\n{tree:?}");
    }
    for statement in statements(&cluster) {
        assert!(statement.contains(" ON CLUSTER rum") || statement.starts_with("INSERT INTO "), "{statement}");
    }
    assert!(cluster.contains("Distributed(rum, currentDatabase(), events_local, sipHash64(project_id, session_id))"), "{cluster}");
    assert!(!cluster.contains("non_replicated"), "{cluster}");
    assert_eq!(
        sql.text("SELECT count() FROM system.tables WHERE database = 'beamline' AND name = 'events'").await,
        "0",
        "nothing is done"
    );

    // What the writer asks of a cluster with every insert.
    assert_eq!(sql.text("SELECT 1 SETTINGS distributed_foreground_insert = 1, insert_quorum = 'auto'").await, "1");

    // The roles of a server's analysts, too; every table with rows of projects has its policy.
    let readers = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/clickhouse/readers.sql")).unwrap();
    let without_comments = readers.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
    for statement in without_comments.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        let tree = sql.ask(&format!("EXPLAIN AST {statement}")).await;
        assert!(tree.is_ok(), "{statement}\n{tree:?}");
    }
    migrate(&sql, &["up"]);
    let tables =
        "SELECT DISTINCT table FROM system.columns WHERE database = 'beamline' AND name = 'project_id' AND table NOT LIKE '%\\_mv'
        AND table != 'erasures' UNION DISTINCT SELECT name FROM system.tables WHERE database = 'beamline' AND engine = 'View'";
    for table in sql.text(tables).await.lines() {
        assert!(readers.contains(&format!("beamline.{table},")) || readers.contains(&format!("beamline.{table}\n")), "{table}");
    }
    engine.shutdown().await;
}
