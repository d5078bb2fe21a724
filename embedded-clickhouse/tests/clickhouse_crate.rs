//! The `clickhouse` crate, as the service uses it.

mod support;

use clickhouse::error::Error;
use clickhouse::{Compression, Row};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Event {
    id: u64,
    page: String,
    value: f64,
}

fn events(ids: std::ops::Range<u64>) -> Vec<Event> {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    ids.map(|id| Event { id, page: format!("/product/{}'\n\n\t\\", id % 3), value: id as f64 / 8.0 }).collect()
}

const EVENTS: &str = "CREATE TABLE events (id UInt64, page LowCardinality(String), value Float64) ENGINE = MergeTree ORDER BY id \
                      SETTINGS non_replicated_deduplication_window = 1000";

#[tokio::test]
async fn rows_come_back_as_they_went_in() {
    let running = support::start().await;
    running.client().query(EVENTS).execute().await.unwrap();
    let mut from = 0;
    for compression in [Compression::Lz4, Compression::None] {
        for validation in [true, false] {
            let client = running.client().with_compression(compression).with_validation(validation);
            let mut insert = client.insert::<Event>("events").await.unwrap();
            for event in events(from..from + 1000) {
                insert.write(&event).await.unwrap();
            }
            insert.end().await.unwrap();
            from += 1000;
            let back = client.query("SELECT ?fields FROM events ORDER BY id").fetch_all::<Event>().await.unwrap();
            assert_eq!(back, events(0..from), "{compression:?}, validation {validation}");
        }
    }

    let client = running.client();
    let nothing = client.query("SELECT ?fields FROM events WHERE id > 1000000").fetch_all::<Event>().await.unwrap();
    assert_eq!(nothing, []);
    let bound =
        client.query("SELECT count() FROM events WHERE page = ?").bind("/product/1'\n\n\t\\").fetch_one::<u64>().await.unwrap();
    assert_eq!(bound, 1333);
    let parameters = client
        .query("SELECT count() FROM events WHERE page = {page:String} AND id IN {ids:Array(UInt64)}")
        .param("page", "/product/1'\n\n\t\\")
        .param("ids", vec![1, 2, 4])
        .fetch_one::<u64>()
        .await
        .unwrap();
    assert_eq!(parameters, 2);
    running.engine.shutdown().await;
}

#[tokio::test]
async fn a_long_reply_is_streamed_whole() {
    let running = support::start().await;
    for compression in [Compression::Lz4, Compression::None] {
        let client = running.client().with_compression(compression);
        let mut rows = client.query("SELECT number FROM system.numbers LIMIT 3000000").fetch::<u64>().unwrap();
        let mut expected = 0;
        while let Some(number) = rows.next().await.unwrap() {
            assert_eq!(number, expected);
            expected += 1;
        }
        assert_eq!(expected, 3_000_000, "{compression:?}");
    }
    running.engine.shutdown().await;
}

#[tokio::test]
async fn errors_carry_clickhouse_s_own_words() {
    let running = support::start().await;
    let client = running.client();
    let text = |error: Error| match error {
        Error::BadResponse(text) => text,
        other => panic!("{other:?}"),
    };
    let missing = text(client.query("SELECT * FROM missing").fetch_all::<u64>().await.unwrap_err());
    assert!(missing.contains("Code: 60.") && missing.contains("(UNKNOWN_TABLE)") && missing.contains("(version 26.7"), "{missing}");
    let syntax = text(client.query("SELEC 1").execute().await.unwrap_err());
    assert!(syntax.contains("Code: 62.") && syntax.contains("SELEC"), "{syntax}");

    // The error comes after the first rows were sent.
    let late =
        "SELECT throwIf(number = 2000000, 'too late') + number FROM system.numbers LIMIT 3000000 SETTINGS max_block_size = 65536";
    let mut rows = client.query(late).fetch::<u64>().unwrap();
    let mut seen = 0;
    let error = loop {
        match rows.next().await {
            Ok(Some(_)) => seen += 1,
            Ok(None) => panic!("the error got lost after {seen} rows"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("too late"), "after {seen} rows: {error}");
    running.engine.shutdown().await;
}

#[tokio::test]
async fn one_token_is_one_copy_in_the_table_and_behind_its_view() {
    let running = support::start().await;
    let client = running.client();
    for sql in [
        EVENTS,
        "CREATE TABLE pages (page LowCardinality(String), n SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree \
         ORDER BY page SETTINGS non_replicated_deduplication_window = 1000",
        "CREATE MATERIALIZED VIEW pages_mv TO pages AS SELECT page, count() AS n FROM events GROUP BY page",
    ] {
        client.query(sql).execute().await.unwrap();
    }
    for token in ["one", "one", "two", "one"] {
        let mut insert = client
            .insert::<Event>("events")
            .await
            .unwrap()
            .with_setting("insert_deduplication_token", token)
            .with_setting("deduplicate_insert", "enable")
            .with_setting("async_insert", "0")
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1");
        for event in events(0..100) {
            insert.write(&event).await.unwrap();
        }
        insert.end().await.unwrap();
    }
    assert_eq!(client.query("SELECT count() FROM events").fetch_one::<u64>().await.unwrap(), 200);
    assert_eq!(client.query("SELECT sum(n) FROM pages").fetch_one::<u64>().await.unwrap(), 200);
    running.engine.shutdown().await;
}
