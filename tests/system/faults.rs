//! The faults of a production week, each under live load: what was acknowledged is stored, and nothing is stored twice.
//!
//! `cargo xtask faults` prints the results as a table.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test, and the table is what one runs it for"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use beamline_tests::{Launch, Load, Proxied, Sent, Service, Sql, Trouble, until};

const KILLS: u64 = 20;
/// Many small inserts, so that a fault meets one.
const HASTY: &str = "[spool]\nsegment_max_age_ms = 20\n";

/// Another moment each time: between a few and a few dozen beacons after the last fault.
const fn moment(number: u64) -> u64 {
    3 + number * 37 % 53
}

/// What ClickHouse has of a load: rows, what each rollup counts and sums, and the ledger.
const CENSUS: &str = "SELECT
    (SELECT count() FROM events), (SELECT uniqExact(metric, value) FROM events WHERE metric = 'LCP'), (SELECT sum(value) FROM events),
    (SELECT sum(count) FROM vitals_5m), (SELECT sum(sum) FROM vitals_5m),
    (SELECT sum(count) FROM vitals_1h), (SELECT sum(sum) FROM vitals_1h),
    (SELECT sum(count) FROM vitals_1d), (SELECT sum(sum) FROM vitals_1d),
    (SELECT sum(arraySum(mapValues(buckets))) FROM vitals_1h),
    (SELECT sum(count) FROM ingest_outcomes WHERE outcome = 'accepted' AND scope = 'event')";

fn census(beacons: u64) -> String {
    let (events, sum) = (2 * beacons, beacons * (beacons + 1) / 2 + 2 * beacons);
    [events, beacons, sum, events, sum, events, sum, events, sum, events, events].map(|number| number.to_string()).join("\t")
}

/// Ends the load, waits until the spool is empty, and compares. Prints a line of the table.
async fn assert_balanced(fault: &str, times: u64, load: Load, service: &Service, sql: &Sql) {
    let Sent { beacons, again } = load.finish().await;
    until("everything has left the spool", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;
    let stored = until("ClickHouse answers", async || {
        sql.ask("SELECT count(), uniqExact(value) FROM events WHERE metric = 'LCP'").await.ok()
    })
    .await;
    let (rows, distinct) = stored.split_once('\t').unwrap();
    let (rows, distinct): (u64, u64) = (rows.parse().unwrap(), distinct.parse().unwrap());
    println!("| {fault} | {times} | {beacons} | {again} | {} | {} |", beacons - distinct, rows - distinct);
    assert_eq!(sql.text(CENSUS).await, census(beacons), "{fault}: {}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut service = Service::start(&data, &Launch::with(HASTY));
    let load = Load::on(&service.url);
    for kill in 0..KILLS {
        load.acknowledges(moment(kill)).await;
        service.kill();
        service = Service::start(&data, &Launch::with(HASTY));
        load.moved_to(&service.url);
    }
    assert_balanced("kill -9 of the service", KILLS, load, &service, &service.sql()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(HASTY));
    let load = Load::on(&service.url);
    for kill in 0..KILLS {
        load.acknowledges(moment(kill)).await;
        rows_arrive(&service, moment(kill)).await;
        service.kill_engine().await;
    }
    assert_balanced("kill -9 of the engine", KILLS, load, &service, &service.sql()).await;
}

/// Waits until the database has confirmed so many rows more.
async fn rows_arrive(service: &Service, rows: u64) {
    let before = service.metric("beamline_writer_rows_total").await.unwrap();
    until("the database takes rows", async || {
        let taken = service.metric("beamline_writer_rows_total").await? - before;
        #[expect(clippy::cast_precision_loss, reason = "small")]
        (taken >= rows as f64).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_and_engine_are_killed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut service = Service::start(&data, &Launch::with(HASTY));
    let load = Load::on(&service.url);
    for kill in 0..KILLS / 2 {
        load.acknowledges(moment(kill)).await;
        service.kill_engine().await;
        service.kill();
        service = Service::start(&data, &Launch::with(HASTY));
        load.moved_to(&service.url);
    }
    assert_balanced("kill -9 of both", KILLS / 2, load, &service, &service.sql()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_stands_still_for_a_minute() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(HASTY));
    let load = Load::on(&service.url);
    load.acknowledges(50).await;
    service.freeze_engine().await;
    // The fault is this long: inserts time out within it.
    tokio::time::sleep(Duration::from_mins(1)).await;
    load.acknowledges(50).await;
    service.thaw_engine().await;
    load.acknowledges(50).await;
    assert_balanced("engine stopped for 60 s", 1, load, &service, &service.sql()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_the_database_are_reset() {
    let dir = tempfile::tempdir().unwrap();
    let Proxied { server, proxy, service } = Proxied::start(dir.path(), HASTY).await;
    let load = Load::on(&service.url);
    for reset in 0..KILLS {
        load.acknowledges(moment(reset)).await;
        rows_arrive(&service, moment(reset)).await;
        let failures = service.metric("beamline_writer_failures_total").await.unwrap();
        proxy.suffer(Trouble::Reset);
        until("an insert fails", async || (service.metric("beamline_writer_failures_total").await? > failures).then_some(())).await;
        proxy.suffer(Trouble::None);
    }
    assert_balanced("TCP reset in the middle of an insert", KILLS, load, &service, &server.reader).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_the_database_stalls() {
    let dir = tempfile::tempdir().unwrap();
    let Proxied { server, proxy, service } = Proxied::start(dir.path(), HASTY).await;
    let load = Load::on(&service.url);
    load.acknowledges(50).await;
    proxy.suffer(Trouble::Stall);
    load.acknowledges(500).await;
    proxy.suffer(Trouble::None);
    load.acknowledges(50).await;
    assert_balanced("stalled connection to the database", 1, load, &service, &server.reader).await;
    server.stop().await;
}

/// A file system of its own over a folder, gone with it.
struct Mount(Vec<PathBuf>);

impl Mount {
    fn small(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        as_root("mount", &["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.to_str().unwrap()]);
        Self(vec![folder.into()])
    }

    /// The folder as it is, but read-only for whoever opens a file in it from now on.
    fn read_only(folder: &Path) -> Self {
        // Made read-only where nobody writes, and then put over the folder at once.
        let aside = folder.with_extension("aside");
        std::fs::create_dir_all(&aside).unwrap();
        let (path, made) = (folder.to_str().unwrap(), aside.to_str().unwrap());
        as_root("mount", &["--bind", path, made]);
        let mut mount = Self(vec![aside.clone()]);
        as_root("mount", &["-o", "remount,bind,ro", made]);
        as_root("mount", &["--bind", made, path]);
        mount.0.insert(0, folder.into());
        mount
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        for folder in &self.0 {
            as_root("umount", &["--lazy", folder.to_str().unwrap()]);
        }
    }
}

/// Mounting takes rights that tests have in continuous integration.
fn as_root(program: &str, arguments: &[&str]) {
    let is_root = rustix::process::geteuid().is_root();
    let mut command = if is_root { Command::new(program) } else { Command::new("sudo") };
    if !is_root {
        command.args(["--non-interactive", program]);
    }
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits until the service refuses, for it cannot keep what it takes.
async fn refuses(service: &Service) {
    let refused = &format!("beamline_http_requests_total{{route=\"{}\",status=\"503\"}}", rum_protocol::DEFAULT_PATH);
    let before = service.metric(refused).await.unwrap_or(0.0);
    until("beacons are refused", async || (service.metric(refused).await.unwrap_or(0.0) > before).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mount = Mount::small(&data.join("spool"));
    let service = Service::start(&data, &Launch::with(HASTY));
    let load = Load::on(&service.url);
    for _ in 0..3 {
        service.freeze_engine().await;
        refuses(&service).await;
        assert_eq!(service.fetch("/health/ready").await.status, 503);
        service.thaw_engine().await;
        load.acknowledges(50).await;
    }
    assert_balanced("full disk", 3, load, &service, &service.sql()).await;
    service.stop().await;
    drop(mount);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spool_is_read_only() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::with(HASTY));
    let load = Load::on(&service.url);
    for _ in 0..3 {
        load.acknowledges(50).await;
        let mount = Mount::read_only(&data.join("spool"));
        refuses(&service).await;
        assert_eq!(service.fetch("/health/ready").await.json()["status"], "disk_refuses");
        drop(mount);
    }
    load.acknowledges(50).await;
    assert_balanced("read-only spool", 3, load, &service, &service.sql()).await;
}

/// Compiles the library that shifts a process's wall clock.
fn clock_library(dir: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clock.c");
    let library = dir.join("clock.so");
    let output = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_jumps() {
    let dir = tempfile::tempdir().unwrap();
    let shift = dir.path().join("shift");
    std::fs::write(&shift, "0").unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let env = vec![("LD_PRELOAD".into(), text(&clock_library(dir.path()))), ("CLOCK_SHIFT".into(), text(&shift))];
    let service = Service::start(&dir.path().join("data"), &Launch { config: HASTY.into(), env });
    let load = Load::on(&service.url);
    // An hour ahead, as long back, a day ahead, and right again.
    let jumps = ["3600", "-3600", "86400", "0"];
    for seconds in jumps {
        load.acknowledges(50).await;
        std::fs::write(&shift, seconds).unwrap();
    }
    load.acknowledges(50).await;
    assert_balanced("clock jumps", jumps.len() as u64, load, &service, &service.sql()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_restarted_in_good_order() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut service = Service::start(&data, &Launch::with(HASTY));
    let load = Load::on(&service.url);
    let restarts = 5;
    for restart in 0..restarts {
        load.acknowledges(moment(restart)).await;
        service.stop().await;
        service = Service::start(&data, &Launch::with(HASTY));
        load.moved_to(&service.url);
    }
    assert_balanced("SIGTERM and start again", restarts, load, &service, &service.sql()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(HASTY));
    let load = Load::on(&service.url);
    let reloads = 10;
    for reload in 0..reloads {
        load.acknowledges(moment(reload)).await;
        let broken = if reload % 3 == 2 { "[projects\n" } else { "" };
        service.reload(&format!("{HASTY}[summaries]\ntop_pages = {}\n{broken}", 10 + reload));
    }
    load.acknowledges(50).await;
    assert_balanced("configuration read again, sometimes broken", reloads, load, &service, &service.sql()).await;
}
