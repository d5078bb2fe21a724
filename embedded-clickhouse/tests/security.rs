//! What must not work, for anybody, for the reading user, and without a key.

mod support;

use embedded_clickhouse::ReadLimits;
use support::Who::{Reader, Writer};
use support::{Answer, Running};

const ACCESS_DENIED: u32 = 497;

async fn with_table() -> Running {
    let running = support::start().await;
    running.write("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    running.write("INSERT INTO t VALUES (1), (2)").await;
    running
}

#[tokio::test]
async fn the_grants_keep_everyone_inside_the_database() {
    let running = with_table().await;
    for sql in [
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM default.`/etc/hostname`",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'system.one')",
        "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'TSV', 'a String')",
        "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "DESCRIBE TABLE file('/etc/hostname')",
        "CREATE VIEW v AS SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "CREATE TABLE x (a String) ENGINE = File(TSV)",
        "CREATE TABLE x (a String) ENGINE = URL('http://127.0.0.1:1/', 'TSV')",
        "CREATE TABLE default.x (a UInt8) ENGINE = Memory",
        "CREATE DATABASE other",
        "CREATE USER other",
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'TSV')) LAYOUT(FLAT()) LIFETIME(0)",
        "INSERT INTO FUNCTION file('/tmp/x.tsv') SELECT 1",
        "SYSTEM SHUTDOWN",
    ] {
        let answer = running.post(Writer, &[], sql).await;
        assert_eq!(answer.code, Some(ACCESS_DENIED), "{sql}: {}", answer.text());
        assert_eq!(answer.status, 403, "{sql}");
        assert_ne!(running.post(Reader, &[], sql).await.status, 200, "{sql}");
    }
    running.engine.shutdown().await;
}

#[tokio::test]
async fn no_file_outside_the_data_directory_is_read_or_written() {
    let running = with_table().await;
    let secret = running.directory.path().join("secret");
    let target = running.directory.path().join("written");
    std::fs::write(&secret, "hunter2\n").unwrap();
    let (secret, target) = (secret.display(), target.display());
    let reads = [
        format!("SELECT file('{secret}')"),
        format!("SELECT `file`('{secret}')"),
        format!("SELECT arrayMap(file, ['{secret}'])"),
        format!("SELECT * APPLY file FROM (SELECT '{secret}')"),
        format!("INSERT INTO t FROM INFILE '{secret}' FORMAT TSV"),
        "SELECT file('/proc/1/environ')".to_owned(),
    ];
    let writes = [format!("SELECT 1 INTO OUTFILE '{target}'"), format!("SELECT 1 INTO OUTFILE '{target}' FORMAT TSV")];
    for sql in reads.iter().chain(&writes) {
        for who in [Writer, Reader] {
            let answer = running.post(who, &[], sql.clone()).await;
            assert_ne!(answer.status, 200, "{who:?}, {sql}: {}", answer.text());
            assert!(!answer.text().contains("hunter2"), "{who:?}, {sql}: {}", answer.text());
        }
    }
    assert!(!running.directory.path().join("written").exists());
    running.engine.shutdown().await;
}

#[tokio::test]
async fn the_reader_only_reads() {
    let running = with_table().await;
    for sql in [
        "INSERT INTO t VALUES (3)",
        "INSERT INTO t SELECT 3",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "ALTER TABLE t DELETE WHERE 1",
        "CREATE TABLE u (a UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE u (a UInt8)",
        "CREATE FUNCTION f AS x -> x",
        "OPTIMIZE TABLE t",
        "SET max_threads = 1",
        "USE system",
        "SYSTEM STOP MERGES t",
        "KILL QUERY WHERE 1",
    ] {
        let answer = running.post(Reader, &[], sql).await;
        assert_eq!(answer.code, Some(ACCESS_DENIED), "{sql}: {}", answer.text());
    }
    for (parameter, value) in [("max_memory_usage", "0"), ("profile", "default"), ("dialect", "kusto")] {
        let answer = running.post(Reader, &[(parameter, value)], "SELECT 1").await;
        assert_eq!(answer.code, Some(452), "{parameter}: {}", answer.text());
    }
    let answer = running.post(Reader, &[], "SELECT 1 SETTINGS max_execution_time = 0").await;
    assert_eq!(answer.code, Some(ACCESS_DENIED), "{}", answer.text());
    assert_eq!(running.post(Reader, &[], "SELECT sum(a) FROM t").await.text(), "3\n");
    assert_eq!(running.post(Reader, &[], "SELECT count() > 0 FROM system.parts").await.text(), "1\n");
    running.engine.shutdown().await;
}

#[tokio::test]
async fn only_one_statement_runs() {
    let running = with_table().await;
    for sql in ["SELECT 1; DROP TABLE t", "SELECT 1; SELECT 2", "DROP TABLE t; DROP TABLE t", "DROP TABLE t; SELEC"] {
        for who in [Writer, Reader] {
            let answer = running.post(who, &[], sql).await;
            assert_eq!((answer.status, answer.code), (400, Some(62)), "{who:?}, {sql}: {}", answer.text());
        }
    }
    assert_eq!(running.post(Writer, &[], "SELECT count() FROM t;").await.text(), "2\n");
    running.engine.shutdown().await;
}

#[tokio::test]
async fn a_get_request_changes_nothing() {
    let running = with_table().await;
    let answer = running.get(Writer, &[], "DROP TABLE t").await;
    assert_eq!(answer.code, Some(164), "{}", answer.text());
    assert_eq!(running.get(Writer, &[], "SELECT count() FROM t").await.text(), "2\n");
    running.engine.shutdown().await;
}

#[tokio::test]
async fn nothing_works_without_the_right_key() {
    let running = with_table().await;
    let endpoint = running.engine.endpoint();
    let url = &endpoint.url;
    let (writer, reader) = (&endpoint.writer, &endpoint.reader);
    let query = [("query", "SELECT 1")];
    for request in [
        running.http.get(url).query(&query),
        running.http.get(url).query(&query).basic_auth(&writer.user, Some("")),
        running.http.get(url).query(&query).basic_auth(&writer.user, Some(&reader.key)),
        running.http.get(url).query(&query).basic_auth("default", Some("")),
        running.http.get(url).query(&query).header("x-clickhouse-user", "default"),
        running.http.get(url).query(&query).query(&[("user", "default"), ("password", "")]),
        running.http.post(url).body("SELECT 1").bearer_auth(&writer.key),
    ] {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!((answer.status, answer.code), (401, Some(516)), "{}", answer.text());
        assert!(answer.text().starts_with("Code: 516. DB::Exception: "), "{}", answer.text());
    }
    for request in [
        running.http.get(url).query(&query).basic_auth(&reader.user, Some(&reader.key)),
        running.http.get(url).query(&query).header("x-clickhouse-user", &writer.user).header("x-clickhouse-key", &writer.key),
        running.http.get(url).query(&query).query(&[("user", &writer.user), ("password", &writer.key)]),
    ] {
        assert_eq!(Answer::of(request.send().await.unwrap()).await.text(), "1\n");
    }
    running.engine.shutdown().await;
}

#[tokio::test]
async fn limits_hold() {
    let running = support::start_with(|config| {
        config.max_body_bytes = 1 << 20;
        config.max_reply_bytes = 1 << 20;
        config.read_limits = ReadLimits { seconds: 1, rows: u64::MAX, ..ReadLimits::default() };
        config.memory_limit_bytes = Some(1 << 30);
    })
    .await;
    let large = running.post(Writer, &[], vec![b' '; (1 << 20) + 1]).await;
    assert_eq!(large.status, 413, "{}", large.text());
    let statement = running.post(Reader, &[], vec![b' '; (256 << 10) + 1]).await;
    assert_eq!(statement.status, 413, "{}", statement.text());
    let reply = running.post(Reader, &[], "SELECT number FROM numbers(10000000) FORMAT JSON").await;
    assert_eq!(reply.code, Some(396), "{}", reply.text());
    for settings in [&[][..], &[("max_execution_time", "0")], &[("max_execution_time", "1000")]] {
        let slow = running.post(Reader, settings, "SELECT sum(sipHash64(number)) FROM numbers(100000000000)").await;
        assert_eq!((slow.status, slow.code), (408, Some(159)), "{settings:?}: {}", slow.text());
    }
    let memory = running.post(Reader, &[], "SELECT length(groupArray(number)) FROM numbers(1000000000)").await;
    assert!(matches!(memory.code, Some(241 | 159)), "{}", memory.text());
    running.engine.shutdown().await;
}
