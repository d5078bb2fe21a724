//! Erasing everything stored of one session or one user, wherever it is, and handing it over before.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use beamline_tests::{Launch, Service, Sql, beacon, files_with, now_ms, run, until, vital};
use serde_json::{Value, json};

/// A beacon of this session and user, with a vital, a purchase, a request, and an error.
fn visit(id: &str, session: &str, user: &str) -> Value {
    let mut visit = beacon(
        id,
        "/cart",
        &[
            vital("LCP", 1200.0),
            json!({"type": "action", "at_ms": now_ms(), "action": "buy", "attributes": {"user_id": user}}),
            json!({"type": "request", "at_ms": now_ms(), "initiator": "fetch", "url": "/api", "duration_ms": 9}),
            json!({"type": "error", "at_ms": now_ms(), "source": "uncaught", "name": "TypeError", "message": format!("broken by {user}")}),
        ],
    );
    visit["session"]["id"] = session.into();
    visit["attributes"] = json!({"user.id": user});
    visit
}

/// What the engine lets the service do.
fn writer(data: &Path) -> Sql {
    let at: Value = serde_json::from_slice(&std::fs::read(data.join("sql-writer.json")).unwrap()).unwrap();
    let field = |name: &str| at[name].as_str().unwrap().to_owned();
    Sql { url: field("url"), database: field("database"), user: field("user"), key: field("key") }
}

/// Sessions that have rows, by table.
const LEFT: &str = "SELECT arraySort(groupUniqArray(hex(session_id))) FROM (SELECT session_id FROM events UNION ALL SELECT session_id FROM errors)";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_handed_over_erased_and_stays_erased() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::default());
    for (id, session, user) in [("1", "a1", "ada"), ("2", "a2", "ada"), ("3", "b1", "bob"), ("4", "c1", "cyd")] {
        service.accept(&visit(id, session, user)).await;
    }
    service.until_sql("SELECT count() FROM events", "12").await;
    service.until_sql("SELECT count() FROM errors", "4").await;
    until("nothing waits", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;
    let sql = service.sql();
    let counted = sql.text("SELECT sum(count) FROM vitals_1d").await;

    // Handed over: every row of both of Ada's sessions, and of no other.
    let export = dir.path().join("ada.jsonl");
    let person = ["--project", "default", "--attribute", "user.id=ada"];
    let arguments = |command: &'static str, more: &[&'static str]| [&[command], &person[..], more].concat();
    let path = export.to_str().unwrap().to_owned();
    run(&data, &[&arguments("export", &[])[..], &["--output", &path]].concat(), "").text();
    let lines = std::fs::read_to_string(&export).unwrap();
    let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>();
    let of = |table: &str| rows.iter().filter(|line| line["table"] == table).count();
    assert_eq!((of("events"), of("errors")), (6, 2), "{lines}");
    assert!(rows.iter().all(|line| ["161", "162"].contains(&line["row"]["session_id"].as_str().unwrap())), "{lines}");

    // Erased, with the whole sessions.
    let said = run(&data, &arguments("erase", &["--dry-run"]), "").text();
    assert!(said.contains("events: would erase 6 rows") && said.contains("errors: would erase 2 rows"), "{said}");
    let said = run(&data, &arguments("erase", &[]), "").text();
    assert!(said.contains("events: erased 6 rows") && said.contains("errors: erased 2 rows"), "{said}");
    assert_eq!(sql.text(LEFT).await, "['B1','C1']");
    let said = run(&data, &["erase", "--project", "default", "--session", "0xb1"], "").text();
    assert!(said.contains("events: erased 3 rows"), "{said}");
    assert_eq!(sql.text(LEFT).await, "['C1']");
    assert_eq!(sql.text("SELECT sum(count) FROM vitals_1d").await, counted, "a rollup is nobody's");
    let list = std::fs::read_to_string(data.join("erasures.jsonl")).unwrap() + &sql.text("SELECT * FROM erasures").await;
    assert!(!list.contains("ada"), "{list}");

    // What comes after: the session that was erased for good stays away, a user who returns is stored again.
    service.accept(&visit("5", "b1", "bob")).await;
    service.accept(&visit("6", "a9", "ada")).await;
    service.until_sql(LEFT, "['A9','C1']").await;

    // The bytes go, too: soon, when ClickHouse is told to keep no old parts and to look often.
    let old = "FROM system.parts WHERE NOT active AND table IN ('events', 'errors')";
    let names = sql.text(&format!("SELECT groupArray(name) {old}")).await;
    assert_ne!(names, "[]");
    let soon =
        "old_parts_lifetime = 0, cleanup_delay_period = 1, max_cleanup_delay_period = 1, cleanup_delay_period_random_add = 0";
    let writer = writer(&data);
    for table in ["events", "errors"] {
        writer.text(&format!("ALTER TABLE {table} MODIFY SETTING {soon}")).await;
    }
    service.stop().await;
    let service = Service::start(&data, &Launch::default());
    service.until_sql(&format!("SELECT count() {old} AND has({names}, name)"), "0").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_spool_or_in_quarantine_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::default());
    service.accept(&visit("1", "c1", "cyd")).await;
    service.until_sql("SELECT count() FROM errors", "1").await;
    // ClickHouse refuses Ada's and Bob's errors for good; they are set aside.
    let engine = writer(&data);
    engine
        .text("ALTER TABLE errors ADD CONSTRAINT nobody CHECK message NOT LIKE 'broken by %a%' AND message NOT LIKE '%bob'")
        .await;
    service.accept(&visit("2", "a1", "ada")).await;
    service.accept(&visit("3", "b1", "bob")).await;
    until("both are set aside", async || {
        let rows = service.metric("beamline_writer_quarantined_rows_total{reason=\"constraint\"}").await;
        (rows == Some(2.0)).then_some(())
    })
    .await;
    service.until_sql("SELECT count() FROM events", "9").await;
    engine.text("ALTER TABLE errors DROP CONSTRAINT nobody").await;
    service.stop().await;

    // One more waits in the spool of a service that was killed before it could write.
    let service = Service::start(&data, &Launch::default());
    service.freeze_engine().await;
    service.accept(&visit("4", "a2", "ada")).await;
    service.thaw_engine().await;
    service.kill();
    let waiting = !files_with(&data.join("spool"), b"\"4\"").is_empty();

    let said = run(&data, &["erase", "--project", "default", "--attribute", "user_id=ada"], "").text();
    assert!(said.contains("quarantine: erased 1 records"), "{said}");
    assert!(!waiting || said.contains("waiting: 1 records are left out") || said.contains("errors: erased"), "{said}");
    assert_eq!(files_with(&data.join("spool/quarantine"), b"broken by ada"), Vec::<std::path::PathBuf>::new());
    assert_eq!(files_with(&data.join("spool/quarantine"), b"broken by bob").len(), 1);
    run(&data, &["spool", "replay"], "").text();
    let service = Service::start(&data, &Launch::default());
    service.until_sql("SELECT arraySort(groupArray(message)) FROM errors", "['broken by bob','broken by cyd']").await;
    service.until_sql(LEFT, "['B1','C1']").await;
    service.accept(&visit("5", "d1", "dan")).await;
    service.until_sql(LEFT, "['B1','C1','D1']").await;
    assert!(files_with(&data.join("spool"), b"\"a2\"").is_empty(), "the segment is stored and gone");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_id_is_hashed_is_found_by_the_id_in_clear() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::with("[privacy]\nhash_attributes = [\"user_id\"]\n"));
    for (id, session, user) in [("1", "a1", "tom"), ("2", "a2", "tom"), ("3", "b1", "kim")] {
        service.accept(&visit(id, session, user)).await;
    }
    service.until_sql("SELECT count() FROM events", "9").await;
    service.until_sql("SELECT count() FROM errors", "3").await;
    until("nothing waits", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;
    let sql = service.sql();
    let stored = "SELECT uniqExact(attributes['user_id']), countIf(attributes['user_id'] IN ('tom', 'kim')) FROM events WHERE kind = 'action'";
    assert_eq!(sql.text(stored).await, "2\t0", "only codes are stored");
    let code = sql.text("SELECT any(attributes['user_id']) FROM events WHERE kind = 'action' AND session_id = 0xa1").await;

    let person = ["--project", "default", "--attribute", "user_id=tom"];
    let said = run(&data, &[&["erase"], &person[..], &["--dry-run"]].concat(), "").text();
    assert!(said.contains("events: would erase 6 rows") && said.contains("errors: would erase 2 rows"), "{said}");
    let said = run(&data, &[&["erase"], &person[..]].concat(), "").text();
    assert!(said.contains("events: erased 6 rows") && said.contains("errors: erased 2 rows"), "{said}");
    assert_eq!(sql.text(LEFT).await, "['B1']");
    let list = std::fs::read_to_string(data.join("erasures.jsonl")).unwrap() + &sql.text("SELECT * FROM erasures").await;
    assert!(!list.contains("tom") && !list.contains(&code), "{list}");

    // Nobody's id is nobody's rows; a user may come back.
    let said = run(&data, &["erase", "--project", "default", "--attribute", "user_id=eve"], "").text();
    assert!(said.contains("events: erased 0 rows"), "{said}");
    service.accept(&visit("4", "a1", "tom")).await;
    service.accept(&visit("5", "c1", "cyd")).await;
    service.until_sql(LEFT, "['A1','B1','C1']").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outside_the_sample_is_stored_apart_counts_nothing_and_can_be_erased() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::default());
    let mut kept = visit("1", "a1", "ada");
    kept["session"]["sample_rate"] = json!(0);
    service.accept(&kept).await;
    service.accept(&visit("2", "b1", "bob")).await;
    until("nothing waits", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;
    let sql = service.sql();
    let apart = "SELECT (SELECT count() FROM kept_events), (SELECT count() FROM kept_errors), (SELECT countIf(message = 'broken by ada') FROM kept_errors)";
    service.until_sql(apart, "3\t1\t1").await;
    for (counted, times) in [
        ("SELECT count() FROM events", "3"),
        ("SELECT count() FROM errors", "1"),
        ("SELECT sum(count) FROM vitals_1h", "1"),
        ("SELECT sum(count) FROM vitals_site_1d", "1"),
        ("SELECT sum(count) FROM error_groups", "1"),
        ("SELECT uniqExact(session_id) FROM sessions", "1"),
        ("SELECT sum(count) FROM activity_1h WHERE kind = 'action'", "1"),
    ] {
        assert_eq!(sql.text(counted).await, times, "{counted}");
    }
    let said = run(&data, &["erase", "--project", "default", "--attribute", "user.id=ada"], "").text();
    assert!(said.contains("kept_events: erased 3 rows") && said.contains("kept_errors: erased 1 row"), "{said}");
    service.until_sql(apart, "0\t0\t0").await;
    assert_eq!(sql.text(LEFT).await, "['B1']");
    service.stop().await;
}
