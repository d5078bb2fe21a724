//! The process: its start, its end, and what stays.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod support;

use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use embedded_clickhouse::{Engine, EngineError};
use rustix::process::{Pid, Signal, kill_process};
use support::Who::{Reader, Writer};

fn pid(engine: &Engine) -> Pid {
    Pid::from_raw(engine.pid().unwrap().cast_signed()).unwrap()
}

/// Waits until `holds`, and fails after a generous while.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether no process has ClickHouse's data open, by ClickHouse's own lock, which is gone after an orderly end.
fn is_free(data_dir: &Path) -> bool {
    let lock = match File::open(data_dir.join("clickhouse/status")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return true,
        lock => lock.unwrap(),
    };
    match lock.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn data_and_functions_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let config = support::config(directory.path().join("data"));
    let engine = Engine::start(config.clone()).await.unwrap();
    let client = support::client(&engine);
    for sql in [
        "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a",
        "CREATE FUNCTION bucket AS x -> if(x > 0, ceil(log2(x) * 64), -32768)",
        "CREATE VIEW buckets AS SELECT bucket(a) AS b FROM t",
        "INSERT INTO t VALUES (1024)",
    ] {
        client.query(sql).execute().await.unwrap();
    }
    engine.shutdown().await;
    assert!(is_free(config.data_dir.as_path()));

    let engine = Engine::start(config).await.unwrap();
    let client = support::client(&engine);
    assert_eq!(client.query("SELECT toInt64(b) FROM buckets").fetch_one::<i64>().await.unwrap(), 640);
    client.query("DROP FUNCTION bucket").execute().await.unwrap();
    engine.shutdown().await;
}

#[tokio::test]
async fn a_directory_serves_one_engine() {
    let running = support::start().await;
    let mut second = support::config(running.directory.path().join("data"));
    second.max_lock_wait = Duration::ZERO;
    match Engine::start(second).await {
        Err(EngineError::Start { output, .. }) => assert!(output.contains("in use by another process"), "{output}"),
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(running.post(Reader, &[], "SELECT 1").await.text(), "1\n");
    running.engine.shutdown().await;
}

#[tokio::test]
async fn a_successor_waits_for_an_engine_that_is_still_ending() {
    let running = support::start().await;
    let second = support::config(running.directory.path().join("data"));
    let (engine, ()) = tokio::join!(Engine::start(second), running.engine.shutdown());
    engine.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_missing_or_wrong_library_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = support::config(directory.path().join("data"));
    config.library = directory.path().join("libchdb.so");
    std::fs::write(&config.library, "not a library").unwrap();
    match Engine::start(config).await {
        Err(EngineError::Start { output, .. }) => assert!(output.contains("libchdb.so"), "{output}"),
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn a_terminated_process_answers_what_it_has_begun_and_is_started_again() {
    let running = support::start().await;
    let slow = "SELECT sum(sleepEachRow(0.1)) FROM numbers(10) SETTINGS max_block_size = 1";
    let begun = async {
        let seen = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%system.processes%'";
        until("the slow statement runs", async || running.post(Reader, &[], seen).await.text() == "1\n").await;
        kill_process(pid(&running.engine), Signal::TERM).unwrap();
    };
    let (answer, ()) = tokio::join!(running.post(Writer, &[], slow), begun);
    assert_eq!((answer.status, answer.text().as_str()), (200, "0\n"));

    until("the engine is back", async || running.engine.restarts() == 1 && running.engine.pid().is_some()).await;
    assert_eq!(running.post(Reader, &[], "SELECT 1").await.text(), "1\n");
    running.engine.shutdown().await;
}

/// This test is also the parent that is killed: run with `ENGINE_PARENT_DATA` set, it starts an engine and waits for its end.
#[test]
fn the_engine_ends_with_its_parent() {
    const DATA: &str = "ENGINE_PARENT_DATA";
    if let Some(data) = std::env::var_os(DATA) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let _engine = Engine::start(support::config(data.into())).await.unwrap();
            #[expect(clippy::print_stdout, reason = "tells the test that the engine runs")]
            {
                println!("started");
            }
            std::future::pending::<()>().await;
        });
    }
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["the_engine_ends_with_its_parent", "--exact", "--nocapture"])
        .env(DATA, &data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("started")));
    assert!(!is_free(&data));
    parent.kill().unwrap();
    parent.wait().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(until("the engine is gone", async || is_free(&data)));
}
