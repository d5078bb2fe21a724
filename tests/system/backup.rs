//! Backups: of a service at work, restored into an empty engine, equal, and nothing counted twice.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use beamline_tests::{Launch, Output, Service, Sql, beacon, run, vital};

/// For each table its rows and a hash of all their values.
async fn content(sql: &Sql) -> Vec<(String, String)> {
    let names = "SELECT name FROM system.tables WHERE database = 'beamline' AND engine LIKE '%MergeTree' ORDER BY name";
    let mut content = Vec::new();
    for table in sql.text(names).await.lines() {
        let hash = format!("SELECT count(), sum(sipHash64(formatRow('RowBinary', *))) FROM {table} FINAL");
        let plain = hash.replace(" FINAL", "");
        let answer = match sql.ask(&hash).await {
            Err(error) if error.contains("ILLEGAL_FINAL") => sql.text(&plain).await,
            answer => answer.unwrap(),
        };
        content.push((table.to_owned(), answer));
    }
    content
}

fn restore(data: &Path, from: &Path) -> Output {
    run(data, &["restore", "--from", from.to_str().unwrap()], "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_service_at_work_comes_back_equal_and_counts_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup"));
    let service = Service::start(&data, &Launch::default());
    // Made while beacons come in.
    let (done, sent) = (AtomicBool::new(false), AtomicU32::new(0));
    let visitors = async {
        while !done.load(Ordering::Relaxed) {
            let number = sent.load(Ordering::Relaxed);
            service.accept(&beacon(&format!("b{number}"), "/", &[vital("LCP", 1000.0), vital("CLS", 0.1)])).await;
            sent.store(number + 1, Ordering::Relaxed);
        }
    };
    let make = async {
        service.until_sql("SELECT count() > 20 FROM events", "1").await;
        let (data, backup) = (data.clone(), backup.clone());
        let made =
            tokio::task::spawn_blocking(move || run(&data, &["backup", "--to", backup.to_str().unwrap()], "")).await.unwrap();
        done.store(true, Ordering::Relaxed);
        made.text()
    };
    let ((), said) = tokio::join!(visitors, make);
    assert!(said.contains("backed up") && said.contains("events: "), "{said}");
    let all = 2 * sent.load(Ordering::Relaxed);
    service.until_sql("SELECT count() FROM events", &all.to_string()).await;
    let again = run(&data, &["backup", "--to", backup.to_str().unwrap()], "");
    assert!(again.stderr.contains("is there already"), "{again:?}");
    service.stop().await;

    // The same spool folder comes along: what waits in it is not in the backup, what is in the backup does not wait.
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let config = std::fs::read_to_string(data.with_extension("toml")).unwrap();
    std::fs::write(other.with_extension("toml"), config.replace(data.to_str().unwrap(), other.to_str().unwrap())).unwrap();
    let said = restore(&other, &backup).text();
    assert!(said.contains("restored, and found equal,"), "{said}");
    let rows = said.lines().find_map(|line| line.strip_prefix("events: ")?.strip_suffix(" rows")).unwrap().to_owned();
    assert!(rows.parse::<u32>().unwrap() <= all && rows.parse::<u32>().unwrap() > 20, "{said}");
    let refused = restore(&other, &backup);
    assert!(refused.stderr.contains("there are rows in"), "{refused:?}");
    let service = Service::start(&other, &Launch::default());
    let sql = service.sql();
    assert_eq!(sql.text("SELECT count() FROM events").await, rows);
    assert_eq!(sql.text("SELECT sum(count) FROM vitals_1h").await, rows, "the rollup is of the same moment");
    let running = restore(&other, &backup);
    assert!(running.stderr.contains("stop it first"), "{running:?}");
    // The views are at work again.
    service.accept(&beacon("new", "/", &[vital("LCP", 1.0)])).await;
    service.until_sql("SELECT sum(count) FROM vitals_1h", &(rows.parse::<u32>().unwrap() + 1).to_string()).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_service_is_backed_up_with_what_waits_in_its_spool() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup"));
    let service = Service::start(&data, &Launch::default());
    service.accept(&beacon("1", "/", &[vital("LCP", 1000.0)])).await;
    service.until_sql("SELECT sum(count) FROM vitals_1d", "1").await;
    service.freeze_engine().await;
    service.accept(&beacon("2", "/", &[vital("LCP", 2000.0)])).await;
    service.thaw_engine().await;
    service.kill();
    let said = run(&data, &["backup", "--to", backup.to_str().unwrap()], "").text();
    assert!(said.contains("events: 2 rows"), "{said}");

    // A person is erased after the backup was made.
    run(&data, &["erase", "--project", "default", "--session", "0x5e55"], "").text();
    let service = Service::start(&data, &Launch::default());
    assert_eq!(service.sql().text("SELECT count() FROM events").await, "0");
    let before = content(&service.sql()).await;
    service.stop().await;

    // The engine's folder is lost; the rest of the data folder is there.
    std::fs::remove_dir_all(data.join("clickhouse")).unwrap();
    let said = restore(&data, &backup).text();
    assert!(said.contains("events: 2 rows"), "{said}");
    let service = Service::start(&data, &Launch::default());
    assert_eq!(service.sql().text("SELECT count() FROM events").await, "0", "erased again");
    let after = content(&service.sql()).await;
    let table = |content: &[(String, String)], name: &str| content.iter().find(|(table, _)| table == name).unwrap().1.clone();
    for name in [
        "events",
        "errors",
        "vitals_5m",
        "vitals_1h",
        "vitals_1d",
        "vitals_site_1h",
        "vitals_page_1w",
        "vitals_site_1d",
        "ingest_outcomes",
        "erasures",
    ] {
        assert_eq!(table(&after, name), table(&before, name), "{name}");
    }
    service.stop().await;

    // A backup whose files have changed is not taken for the one that was made.
    let manifest = backup.join("beamline.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replacen("\"rows\": 2", "\"rows\": 3", 1)).unwrap();
    std::fs::remove_dir_all(data.join("clickhouse")).unwrap();
    let differs = restore(&data, &backup);
    assert!(!differs.success && differs.stderr.contains("differs from what was backed up in"), "{differs:?}");
}
