//! The same vitals in other orders, codecs and partitions: what each costs on disk, and how long it takes to ask it.

use beamline_tests::Server;
use serde_json::{Value, json};

use crate::questions::milliseconds;

/// About so many vitals are compared, those of whole days.
const VITALS: u32 = 2_000_000;

const CODED: &str = "AS events";
const MONTHS: &str = "toYYYYMM(received_at)";
const ARRIVAL: &str = "(toDate(received_at), retention_days)";
const LARGE_BLOCKS: &str = "SETTINGS min_compress_block_size = 1048576, max_compress_block_size = 1048576";

/// What is tried: description, columns, partition, order after project and kind, settings.
const LAYOUTS: [(&str, &str, &str, &str, &str); 9] = [
    ("in use: 15 minutes, metric, corrections apart, start, session, view", CODED, ARRIVAL, IN_USE, LARGE_BLOCKS),
    ("the same with blocks of 64 KiB", CODED, ARRIVAL, IN_USE, ""),
    ("the same, partitions of a month", CODED, MONTHS, IN_USE, LARGE_BLOCKS),
    (
        "an hour instead of 15 minutes",
        CODED,
        ARRIVAL,
        "toStartOfHour(counted_at), metric, prev_rating != '', counted_at, session_id, view_id",
        LARGE_BLOCKS,
    ),
    (
        "corrections among the others",
        CODED,
        ARRIVAL,
        "toStartOfFifteenMinutes(counted_at), metric, counted_at, session_id, view_id",
        LARGE_BLOCKS,
    ),
    (
        "15 minutes of ts, not of the page view",
        CODED,
        ARRIVAL,
        "toStartOfFifteenMinutes(ts), metric, prev_rating != '', counted_at, session_id, view_id",
        LARGE_BLOCKS,
    ),
    ("all vitals of a view side by side", CODED, ARRIVAL, "toStartOfHour(ts), counted_at, session_id, view_id, ts", LARGE_BLOCKS),
    ("metric, hour, page, session, ts (version 12's order)", CODED, ARRIVAL, BEFORE, ""),
    ("version 12's order, ZSTD(1) for every column, floats of 64 bits", "plain", ARRIVAL, BEFORE, ""),
];

const IN_USE: &str = "toStartOfFifteenMinutes(counted_at), metric, prev_rating != '', counted_at, session_id, view_id";
const BEFORE: &str = "metric, toStartOfHour(ts), page, session_id, ts";

/// Description, bytes a vital, and the times of a question.
pub(crate) async fn compared(server: &Server) -> Vec<Value> {
    let sql = &server.writer;
    let days = format!(
        "SELECT concat('(\\'', arrayStringConcat(arraySlice(groupArray(toString(day)), 6, toUInt32(greatest(1, {VITALS} / avg(n)))), '\\', \\''), '\\')')
        FROM (SELECT toDate(received_at) AS day, count() AS n FROM events WHERE kind = 'vital' GROUP BY day ORDER BY day DESC) FORMAT TSVRaw"
    );
    let days = sql.text(&days).await;
    let mut rows = Vec::new();
    for (name, columns, partition, order, settings) in LAYOUTS {
        let columns = if columns == CODED { CODED.to_owned() } else { plain_columns(server).await };
        sql.text("DROP TABLE IF EXISTS layout").await;
        sql.text(&format!("CREATE TABLE layout {columns} ENGINE = MergeTree PARTITION BY {partition} ORDER BY (project_id, kind, {order}) {settings}")).await;
        sql.text(&format!("INSERT INTO layout SELECT * FROM events WHERE kind = 'vital' AND toDate(received_at) IN {days}")).await;
        sql.text("OPTIMIZE TABLE layout FINAL").await;
        let bytes = sql.number(&format!("SELECT round(sum(data_compressed_bytes) / sum(rows), 1) {PARTS}")).await;
        let query = "SELECT page, quantile(0.75)(value) FROM layout WHERE project_id = 'shop' AND kind = 'vital' AND metric = 'LCP' GROUP BY page";
        let [least, median] = milliseconds(server, query).await;
        rows.push(json!([name, bytes, least, median]));
        if order == IN_USE && settings == LARGE_BLOCKS && partition == ARRIVAL {
            print_columns(server).await;
        }
    }
    sql.text("DROP TABLE layout").await;
    rows
}

/// Column names of [`compared`].
pub(crate) fn columns() -> Value {
    json!([
        {"name": "order after project and kind"}, {"name": "a vital", "unit": "B", "digits": 1}, {"name": "least", "unit": "ms", "digits": 0},
        {"name": "median", "unit": "ms", "digits": 0}
    ])
}

const PARTS: &str = "FROM system.parts WHERE database = currentDatabase() AND table = 'layout' AND active";

/// The columns of `events` as they would be without a thought, in the same order.
async fn plain_columns(server: &Server) -> String {
    let columns = "SELECT arrayStringConcat(groupArray(concat(name, ' ',
            if(startsWith(type, 'Nullable(Decimal'), 'Nullable(Float64)', type), if(name = 'event_key', '', ' CODEC(ZSTD(1))'))), ', ')
        FROM (SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'events' AND default_kind != 'ALIAS' ORDER BY position)
        FORMAT TSVRaw";
    format!("({})", server.writer.text(columns).await)
}

/// The bytes of a vital by column, on standard error: the table is for whoever wants to make it smaller.
async fn print_columns(server: &Server) {
    let query = "SELECT column, round(sum(column_data_compressed_bytes) / sum(rows), 2) AS bytes FROM system.parts_columns
        WHERE database = currentDatabase() AND table = 'layout' AND active GROUP BY column HAVING bytes >= 0.05 ORDER BY bytes DESC FORMAT TSV";
    eprintln!("bytes a vital by column:\n{}", server.writer.text(query).await);
}
