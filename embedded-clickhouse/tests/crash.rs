//! Exactly once, whatever happens to the engine between an insert and its answer.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clickhouse::sql::Identifier;
use clickhouse::{Client, Row};
use embedded_clickhouse::Engine;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

#[derive(Row, Serialize, Deserialize)]
struct Event {
    batch: u64,
    day: u16,
    value: u64,
}

const BATCH_ROWS: u64 = 2000;
const DAYS: u16 = 3;

/// A raw table in several partitions, and two rollups behind views: one in as many partitions, one in a single one.
const SCHEMA: [&str; 5] = [
    "CREATE TABLE raw (batch UInt64, day UInt16, value UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY value \
     SETTINGS non_replicated_deduplication_window = 10000",
    "CREATE TABLE by_day (batch UInt64, day UInt16, n UInt64) ENGINE = SummingMergeTree(n) PARTITION BY day ORDER BY (day, batch) \
     SETTINGS non_replicated_deduplication_window = 10000",
    "CREATE TABLE by_batch (batch UInt64, n UInt64) ENGINE = SummingMergeTree(n) ORDER BY batch \
     SETTINGS non_replicated_deduplication_window = 10000",
    "CREATE MATERIALIZED VIEW by_day_mv TO by_day AS SELECT batch, day, count() AS n FROM raw GROUP BY batch, day",
    "CREATE MATERIALIZED VIEW by_batch_mv TO by_batch AS SELECT batch, count() AS n FROM raw GROUP BY batch",
];

async fn create_schema(client: &Client) {
    for sql in SCHEMA {
        client.query(sql).execute().await.unwrap();
    }
}

async fn insert(client: &Client, batch: u64) -> clickhouse::error::Result<()> {
    let mut insert = client
        .insert::<Event>("raw")
        .await?
        .with_setting("insert_deduplication_token", format!("batch-{batch}"))
        .with_setting("async_insert", "0")
        .with_setting("insert_deduplicate", "1")
        .with_setting("deduplicate_insert", "enable")
        .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
        .with_setting("max_insert_block_size", "1048449");
    for value in 0..BATCH_ROWS {
        let day = u16::try_from(value % u64::from(DAYS)).unwrap();
        insert.write(&Event { batch, day, value }).await?;
    }
    insert.end().await
}

/// What a spool does: the same batch with the same token, until it is confirmed.
async fn insert_until_confirmed(client: &Client, batch: u64) -> u64 {
    let mut failures = 0;
    while insert(client, batch).await.is_err() {
        failures += 1;
        assert!(failures < 3000, "batch {batch} was never confirmed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    failures
}

/// The batches of which a table does not hold exactly one copy.
async fn wrong_batches(client: &Client, count: &str, table: &str, batches: u64) -> Vec<(u64, u64)> {
    let sql = format!(
        "SELECT number, n FROM numbers({batches}) AS wanted LEFT JOIN (SELECT batch, toUInt64({count}) AS n FROM {table} GROUP BY batch) AS \
         found ON wanted.number = found.batch WHERE n != {BATCH_ROWS} ORDER BY number"
    );
    client.query(&sql).fetch_all::<(u64, u64)>().await.unwrap()
}

async fn assert_exactly_once(client: &Client, batches: u64) {
    for (count, table) in [("count()", "raw"), ("sum(n)", "by_day"), ("sum(n)", "by_batch")] {
        assert_eq!(wrong_batches(client, count, table, batches).await, [], "{table} of {batches} batches");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_kills_during_concurrent_inserts_leave_one_copy_of_each_batch() {
    const KILLS: u64 = 10;
    const WRITERS: u64 = 4;
    let running = support::start_with(|config| config.max_restart_wait = Duration::from_millis(100)).await;
    create_schema(&running.client()).await;

    let next = AtomicU64::new(0);
    let killed = AtomicU64::new(0);
    let failures = AtomicU64::new(0);
    let confirmed = watch::Sender::new(0);
    let write_one = async |client: &Client| {
        let batch = next.fetch_add(1, Ordering::SeqCst);
        failures.fetch_add(insert_until_confirmed(client, batch).await, Ordering::SeqCst);
        confirmed.send_modify(|confirmed| *confirmed += 1);
    };
    let write = async || {
        let client = running.client();
        while killed.load(Ordering::SeqCst) < KILLS {
            write_one(&client).await;
        }
        // One more, so that the restarted engine is written to as well.
        write_one(&client).await;
    };
    let kill = async {
        let mut confirmed = confirmed.subscribe();
        for kill in 1..=KILLS {
            // Each writer may still hear of one insert that came before the last kill; any more come from the engine that runs now. Kills
            // wait for different numbers of them, and so meet the other writers' inserts at different moments.
            let before = *confirmed.borrow();
            confirmed.wait_for(|confirmed| *confirmed > before + WRITERS + kill % WRITERS).await.unwrap();
            let pid = running.engine.pid().and_then(|pid| Pid::from_raw(pid.cast_signed()));
            kill_process(pid.unwrap(), Signal::KILL).unwrap();
            killed.fetch_add(1, Ordering::SeqCst);
        }
    };
    tokio::join!(write(), write(), write(), write(), kill);

    assert!(running.engine.restarts() >= KILLS, "{} restarts", running.engine.restarts());
    assert!(failures.load(Ordering::SeqCst) > 0, "no insert was hit");
    assert_exactly_once(&running.client(), next.load(Ordering::SeqCst)).await;
    running.engine.shutdown().await;
}

/// Writes the record of a block before its part is in place, as the engine does, and goes no further: the part is taken away again
/// from a stopped engine, from one table after the other.
#[tokio::test]
async fn a_record_without_a_part_does_not_swallow_the_retry() {
    let directory = tempfile::tempdir().unwrap();
    let config = support::config(directory.path().join("data"));
    let mut engine = Engine::start(config.clone()).await.unwrap();
    create_schema(&support::client(&engine)).await;
    for table in ["raw", "by_day", "by_batch"] {
        // Each part stays the only one that holds its block.
        let sql =
            "ALTER TABLE ? MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1";
        support::client(&engine).query(sql).bind(Identifier(table)).execute().await.unwrap();
    }
    for batch in 0..3 {
        insert(&support::client(&engine), batch).await.unwrap();
    }
    for (table, last_parts) in [("raw", usize::from(DAYS)), ("by_day", 1), ("by_batch", 1)] {
        let client = support::client(&engine);
        let sql = "SELECT path FROM system.parts WHERE table = ? AND active ORDER BY max_block_number DESC LIMIT ?";
        let parts = client.query(sql).bind(table).bind(last_parts as u64).fetch_all::<String>().await.unwrap();
        assert_eq!(parts.len(), last_parts, "{table}");
        engine.shutdown().await;
        for part in parts {
            std::fs::remove_dir_all(part).unwrap();
        }
        engine = Engine::start(config.clone()).await.unwrap();
        let client = support::client(&engine);
        let sum = if table == "raw" { "count()" } else { "sum(n)" };
        let wrong = wrong_batches(&client, sum, table, 3).await;
        assert!(matches!(wrong[..], [(_, missing)] if missing < BATCH_ROWS), "{table}: {wrong:?}");
        for batch in 0..3 {
            insert(&client, batch).await.unwrap();
        }
        assert_exactly_once(&client, 3).await;
    }
    engine.shutdown().await;
}
