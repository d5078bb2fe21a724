//! How long raw rows live: as many days as their project says, each class by itself, and what they are counted in outlives them.

use beamline_tests::{Server, until};

/// Rows of a class of so many days, taken so many days ago, each with a session of its own.
fn rows(table: &str, columns: &str, values: &str) -> String {
    format!(
        "INSERT INTO {table} (project_id, ts, received_at, session_id, page, device, sample_rate, retention_days, {columns})
        SELECT 'shop', taken, taken, cityHash64(class.1, class.2, number) AS session, '/', 'mobile', 1, class.1, {values} FROM
        (
            SELECT arrayJoin([(3, 0), (3, 2), (3, 4), (3, 30), (90, 0), (90, 4), (90, 89), (90, 91)]) AS class, number, now64(3) - toIntervalDay(class.2) AS taken
            FROM numbers(5)
        )"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_when_their_class_says_so_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.migrate(dir.path()).await;
    let sql = &server.writer;
    let tables = ["events", "errors", "sessions"];
    for table in tables {
        sql.text(&format!("SYSTEM STOP TTL MERGES {table}")).await;
    }
    sql.text(&rows("events", "kind, metric, value, rating", "'vital', 'LCP', 1000, 'good'")).await;
    sql.text(&rows("errors", "fingerprint, source, message", "5, 'api', 'broken'")).await;
    for table in tables {
        sql.text(&format!("SYSTEM START TTL MERGES {table}")).await;
        sql.text(&format!("ALTER TABLE {table} MATERIALIZE TTL")).await;
        sql.text(&format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
    let left = |table: &str, at: &str| {
        format!(
            "SELECT retention_days, dateDiff('day', toDate({at}), today()) AS age, uniqExact(session_id) FROM {table} GROUP BY ALL ORDER BY ALL"
        )
    };
    let stay = "3\t0\t5\n3\t2\t5\n90\t0\t5\n90\t4\t5\n90\t89\t5";
    for (table, at) in [("events", "received_at"), ("errors", "received_at"), ("sessions", "day")] {
        until(&format!("the old {table} are gone"), async || (sql.text(&left(table, at)).await == stay).then_some(())).await;
    }
    // Parts of a class go whole: none is rewritten, and none mixes classes.
    let mixed = "SELECT count() FROM (SELECT _part FROM events GROUP BY _part HAVING uniqExact(retention_days) > 1)";
    assert_eq!(sql.text(mixed).await, "0");
    // All were counted, and are still: rollups have their own time.
    assert_eq!(sql.text("SELECT sum(count) FROM vitals_1h").await, "40");
    assert_eq!(sql.text("SELECT sum(count) FROM error_groups").await, "40");
    server.stop().await;
}
