//! The ClickHouse HTTP interface itself, without a client library.

mod support;

use std::io::Write;

use support::Who::{Reader, Writer};

#[tokio::test]
async fn health_needs_no_key() {
    let running = support::start().await;
    for path in ["", "/ping", "/replicas_status"] {
        let url = format!("{}{path}", running.engine.endpoint().url);
        assert_eq!(running.http.get(url).send().await.unwrap().text().await.unwrap(), "Ok.\n", "{path}");
    }
    running.engine.shutdown().await;
}

#[tokio::test]
async fn streamed_and_whole_replies_are_the_same_bytes() {
    let running = support::start().await;
    let select = "SELECT number AS `a\"b`, toString(number) AS s, [number] AS `x,y` FROM numbers(200000)";
    for format in [
        "TabSeparated",
        "TSV",
        "TabSeparatedRaw",
        "CSV",
        "JSONEachRow",
        "JSONCompactEachRow",
        "RowBinary",
        "TabSeparatedWithNames",
        "TabSeparatedWithNamesAndTypes",
        "JSONCompactEachRowWithNames",
        "JSONCompactEachRowWithNamesAndTypes",
        "CSVWithNames",
        "CSVWithNamesAndTypes",
        "RowBinaryWithNames",
        "RowBinaryWithNamesAndTypes",
    ] {
        for rows in [select, &format!("{select} WHERE number > 300000")] {
            // One thread, so that both replies have one order.
            let common = [("max_threads", "1"), ("default_format", format)];
            let streamed = running.post(Reader, &common, rows.to_owned()).await;
            let whole = running.post(Reader, &[&common[..], &[("wait_end_of_query", "1")]].concat(), rows.to_owned()).await;
            assert_eq!((streamed.status, whole.status), (200, 200), "{format}: {} {}", streamed.text(), whole.text());
            assert!(streamed.bytes == whole.bytes, "{format}: {} and {} bytes", streamed.bytes.len(), whole.bytes.len());
            assert_eq!(streamed.headers["x-clickhouse-format"], format);
            let named = running.post(Reader, &common[..1], format!("{rows} FORMAT {format}")).await;
            assert!(named.bytes == whole.bytes, "FORMAT {format}");
        }
    }
    running.engine.shutdown().await;
}

#[tokio::test]
async fn documents_that_cannot_be_streamed_are_whole() {
    let running = support::start().await;
    let answer = running.post(Reader, &[], "SELECT number FROM numbers(100000) FORMAT JSONCompact").await;
    assert_eq!(answer.headers["content-type"], "application/json; charset=UTF-8");
    let document: serde_json::Value = serde_json::from_slice(&answer.bytes).unwrap();
    assert_eq!(document["rows"], 100_000);
    let array =
        running.post(Reader, &[("output_format_json_array_of_rows", "1")], "SELECT number FROM numbers(200000) FORMAT JSONEachRow");
    let array: Vec<serde_json::Value> = serde_json::from_slice(&array.await.bytes).unwrap();
    assert_eq!(array.len(), 200_000);
    running.engine.shutdown().await;
}

#[tokio::test]
async fn inserts_take_their_data_however_it_comes() {
    let running = support::start().await;
    running.write("CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a").await;
    // The blank line would end the statement, if it were parsed as SQL.
    running.write("INSERT INTO t FORMAT JSONEachRow\n{\"a\":1,\"s\":\"x\"}\n\n{\"a\":2,\"s\":\"; DROP TABLE t\"}\n").await;
    running.write("INSERT INTO t (a, s) VALUES (3, 'it''s'), (4, 'FORMAT CSV')").await;
    running.write("INSERT INTO t (s, a) FORMAT CSV\n\"y\",5\n").await;
    running.write("INSERT INTO t SELECT number, 'z' FROM numbers(6, 2)").await;
    let answer = running.post(Writer, &[("query", "INSERT INTO t FORMAT TSV")], "8\tq\n9\tr\n").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let summary: serde_json::Value = serde_json::from_str(answer.headers["x-clickhouse-summary"].to_str().unwrap()).unwrap();
    assert_eq!(summary["written_rows"], "2");

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"10\tzip\n").unwrap();
    let endpoint = running.engine.endpoint();
    let request =
        running.http.post(&endpoint.url).query(&[("query", "INSERT INTO t FORMAT TSV")]).header("content-encoding", "gzip");
    let reply =
        request.basic_auth(&endpoint.writer.user, Some(&endpoint.writer.key)).body(gzip.finish().unwrap()).send().await.unwrap();
    assert_eq!(reply.status(), 200);

    let broken = running.post(Writer, &[("query", "INSERT INTO t FORMAT TSV")], "11\tq\nnonsense\tr\n").await;
    assert_eq!((broken.status, broken.code), (400, Some(27)), "{}", broken.text());
    let count = running.post(Reader, &[], "SELECT count(), sum(a), max(s) FROM t").await.text();
    assert_eq!(count, "10\t55\tzip\n");
    running.engine.shutdown().await;
}

#[tokio::test]
async fn parameters_settings_and_sessions_stay_with_their_requests() {
    let running = support::start().await;
    let text = |parameters: &'static [(&str, &str)], sql: &'static str| {
        let running = &running;
        async move { running.post(Writer, parameters, sql).await.text() }
    };
    assert_eq!(text(&[("param_x", "7"), ("param_s", "a\\tb'")], "SELECT {x:UInt8} + 1, {s:String}").await, "8\ta\\tb\\'\n");
    assert_eq!(text(&[("max_threads", "3")], "SELECT getSetting('max_threads')").await, "3\n");
    assert_ne!(text(&[], "SELECT getSetting('max_threads')").await, "3\n");
    assert_eq!(text(&[("database", "system")], "SELECT currentDatabase()").await, "system\n");
    for default in [&[][..], &[("database", "default")], &[("database", "rum")]] {
        assert_eq!(text(default, "SELECT currentDatabase()").await, "rum\n");
    }
    assert!(text(&[("database", "other")], "SELECT 1").await.contains("UNKNOWN_DATABASE"));
    assert!(text(&[("no_such_setting", "1")], "SELECT 1").await.contains("UNKNOWN_SETTING"));

    let session = &[("session_id", "s")];
    assert_eq!(text(session, "CREATE TEMPORARY TABLE mine (a UInt8)").await, "");
    assert_eq!(text(session, "INSERT INTO mine VALUES (1), (2)").await, "");
    assert_eq!(text(session, "SELECT sum(a) FROM mine").await, "3\n");
    assert_eq!(
        text(&[("session_id", "s"), ("max_threads", "3"), ("database", "system")], "SELECT getSetting('max_threads')").await,
        "3\n"
    );
    assert_eq!(text(session, "SELECT getSetting('max_threads') = 3, currentDatabase()").await, "0\trum\n");
    assert!(text(&[("session_id", "other")], "SELECT sum(a) FROM mine").await.contains("UNKNOWN_TABLE"));
    running.engine.shutdown().await;
}

#[tokio::test]
async fn replies_pack_into_clickhouse_s_blocks() {
    let running = support::start().await;
    for sql in
        ["SELECT number FROM numbers(500000)", "SELECT number FROM numbers(500000) FORMAT JSONCompact SETTINGS max_threads = 1"]
    {
        let plain = running.post(Reader, &[("output_format_write_statistics", "0")], sql).await.bytes;
        let packed = running.post(Reader, &[("compress", "1"), ("output_format_write_statistics", "0")], sql).await.bytes;
        let (mut rest, mut unpacked) = (&packed[..], Vec::new());
        while !rest.is_empty() {
            let length = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap()) as usize;
            let (block, size) = (length(17), length(21));
            let sum = cityhash_rs::cityhash_102_128(&rest[16..16 + block]).rotate_left(64).to_le_bytes();
            assert_eq!(rest[..16], sum);
            unpacked.extend(lz4_flex::block::decompress(&rest[25..16 + block], size).unwrap());
            rest = &rest[16 + block..];
        }
        assert!(unpacked == plain, "{sql}");
        assert!(packed.len() < plain.len() * 3 / 4, "{} of {}", packed.len(), plain.len());
    }
    running.engine.shutdown().await;
}

#[tokio::test]
async fn what_clients_ask_at_the_beginning_is_answered() {
    let running = support::start().await;
    let answer = running.post(Reader, &[("query_id", "mine")], "SELECT displayName(), version(), revision(), timezone()").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().ends_with("\tUTC\n"), "{}", answer.text());
    assert_eq!(answer.headers["x-clickhouse-query-id"], "mine");
    assert_eq!(answer.headers["x-clickhouse-timezone"], "UTC");
    running.engine.shutdown().await;
}
