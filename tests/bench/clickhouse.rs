//! Loads generated events into the real schema of the embedded engine, and writes what they cost on disk and how long questions take: to the
//! file of the first argument, for each number of events that follows. Run by `cargo xtask bench clickhouse`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap ends the benchmark")]
#![expect(clippy::print_stderr, reason = "progress")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use beamline_tests::Server;
use serde_json::{Value, json};
use tokio::task::JoinSet;

mod layouts;
mod questions;

/// Rows of one insert, about those of a busy hour.
const CHUNK: u64 = 500_000;
/// Days over which the events are spread.
const DAYS: u32 = 70;

/// How long merges are waited for.
const MERGES_TIMEOUT: Duration = Duration::from_mins(15);

const EVENTS: &str = include_str!("events.sql");
const ERRORS: &str = include_str!("errors.sql");
/// One error for so many events.
const EVENTS_AN_ERROR: u64 = 100;
/// Parts of vitals alone, which the bytes of a vital are counted in.
const SAMPLE: &str = "vitals_sample";

/// The columns of `events` by what they are for.
const GROUPS: [(&str, &str); 7] = [
    ("event: kind, metric, key, id of the vital", "kind, metric, event_key, metric_id"),
    ("session and view", "session_id, view_id"),
    ("times", "ts, counted_at, received_at, skew_ms"),
    (
        "sender: device, browser, release, country …",
        "project_id, release, env, device, browser, browser_major, os, connection, country, sample_rate, retention_days",
    ),
    ("page, address, navigation", "page, url, navigation_type"),
    ("value, rating, what they replace", "value, rating, prev_value, prev_rating"),
    ("page view and action: timings, name, attributes", "timings, name, category, attributes"),
];

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap();
    let sizes = arguments.map(|size| size.parse().unwrap()).collect::<Vec<u64>>();
    let largest = sizes.iter().copied().max().unwrap();
    let mut found = Found::default();
    for events in sizes {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(dir.path()).await;
        server.migrate(dir.path()).await;
        found.measure(&server, dir.path(), events, events == largest).await;
        server.stop().await;
    }
    std::fs::write(file, serde_json::to_vec_pretty(&found.result(largest)).unwrap()).unwrap();
}

/// Rows of the tables of the result.
#[derive(Default)]
struct Found {
    version: String,
    loads: Vec<Value>,
    bytes: Vec<Value>,
    tables: Vec<Value>,
    layouts: Vec<Value>,
    questions: Vec<Value>,
    dashboards: Vec<Value>,
    readings: Vec<Value>,
}

impl Found {
    async fn measure(&mut self, server: &Server, dir: &Path, events: u64, is_largest: bool) {
        let seconds = load(server, events).await.as_secs_f64();
        self.version = server.reader.text("SELECT version()").await;
        #[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
        self.loads.push(json!([events, seconds, events as f64 / seconds]));
        merges_ended(server).await;
        self.questions.extend(questions::asked(server, events).await);
        self.dashboards.extend(questions::dashboards(server, events).await);
        self.readings.extend(questions::readings(server, dir, events).await);
        if is_largest {
            self.bytes = bytes_of_a_vital(server).await;
            self.tables = bytes_of_tables(server).await;
            self.layouts = layouts::compared(server).await;
        }
    }

    fn result(self, largest: u64) -> Value {
        let by_size = self.questions.iter().filter(|row| row[0] == "p75 of LCP by page, all");
        let by_size = by_size.map(|row| json!([row[1], row[2], row[4]])).collect::<Vec<_>>();
        let table = |id: &str, title: &str, note: &str, columns: Value, rows: Vec<Value>, plot: Value| json!({"id": id, "title": title, "note": note, "columns": columns, "rows": rows, "plot": plot});
        let column = |name: &str| json!({"name": name});
        let number = |name: &str, unit: &str, digits: u8| json!({"name": name, "unit": unit, "digits": digits});
        let count = |name: &str| json!({"name": name, "digits": 0});
        let events = count("events");
        json!({
            "title": "The store: bytes and questions",
            "versions": {"ClickHouse (embedded)": self.version},
            "tables": [
                table("load", "Loading", LOAD_NOTE, json!([events, number("time", "s", 0), number("rate", "events/s", 0)]), self.loads, Value::Null),
                table("questions", "Questions", QUESTIONS_NOTE, questions::asked_columns(), self.questions, Value::Null),
                table("by-size", "p75 of LCP by page, all days", "The median of the table above against the size of the store.",
                    json!([column("asked of"), events, number("median", "ms", 0)]), by_size,
                    json!({"kind": "lines", "series": 0, "x": 1, "y": 2, "log_x": true, "log_y": true})),
                table("dashboards", "Dashboards", DASHBOARDS_NOTE, questions::dashboards_columns(), self.dashboards, Value::Null),
                table("readings", "What a service reads for /metrics", "Mean of the rounds until all had come, by the service's own clock.",
                    json!([column("query"), events, number("mean", "ms", 0)]), self.readings, Value::Null),
                table("vital", &format!("Bytes of a vital, of {largest} events"), VITAL_NOTE,
                    json!([column("columns of `events`"), number("a vital", "B", 1)]), self.bytes, json!({"kind": "bars", "label": 0, "value": 1})),
                table("tables", &format!("Bytes of the tables, of {largest} events"), "After the merges that happened by themselves.",
                    json!([column("table"), count("rows"), number("size", "B", 0), number("an event", "B", 2)]), self.tables, Value::Null),
                table("layouts", &format!("Other orders, codecs and partitions, of {largest} events"), LAYOUTS_NOTE, layouts::columns(), self.layouts, Value::Null),
            ],
            "not_measured": [
                "Several servers: only the embedded engine ran, on the machine that also asked.",
                "Disks slower than memory: the tables of one question fit into the page cache.",
            ],
        })
    }
}

const LOAD_NOTE: &str = "Events with the distributions of tests/bench/events.sql over 70 days, made by the engine itself and inserted in blocks of 500,000 into the real \
    schema, with all materialized views and their deduplication.";
const QUESTIONS_NOTE: &str = "Of one project, which has 70 % of the events, as a reader over HTTP; least and median of seven.";
const DASHBOARDS_NOTE: &str = "Every query of the ClickHouse dashboards for all pages, at the time each dashboard opens with; the slowest by dashboard, least and median of seven.";
const VITAL_NOTE: &str = "Of a copy of the vitals of two days, merged.";
const LAYOUTS_NOTE: &str =
    "About two million vitals, those of whole days, after OPTIMIZE … FINAL; p75 of LCP by page of all of them.";

async fn load(server: &Server, rows: u64) -> Duration {
    let begin = Instant::now();
    insert(server, EVENTS, "events", rows).await;
    insert(server, ERRORS, "errors", rows / EVENTS_AN_ERROR).await;
    begin.elapsed()
}

/// Questions are asked of a store at rest: what was loaded in minutes would have been merged over weeks.
async fn merges_ended(server: &Server) {
    let begin = Instant::now();
    while begin.elapsed() < MERGES_TIMEOUT && server.writer.text("SELECT count() FROM system.merges").await != "0" {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    eprintln!("merged in {} s", begin.elapsed().as_secs());
}

/// As many inserts at a time as there are processors.
async fn insert(server: &Server, statement: &str, table: &str, rows: u64) {
    let statement = statement.split_once("INSERT").map(|(_, insert)| format!("INSERT{insert}")).unwrap();
    let statement = statement.replace("{table}", table).replace("{rows}", &rows.to_string()).replace("{days}", &DAYS.to_string());
    let next = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..processors() {
        let (next, statement, writer, table) = (Arc::clone(&next), statement.clone(), server.writer.clone(), table.to_owned());
        writers.spawn(async move {
            loop {
                let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                if first >= rows {
                    return;
                }
                let count = CHUNK.min(rows - first);
                writer.text(&statement.replace("{first}", &first.to_string()).replace("{count}", &count.to_string())).await;
                eprint!("\r{} of {rows} {table}", first + count);
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    eprintln!();
}

/// By what the columns are for.
async fn bytes_of_a_vital(server: &Server) -> Vec<Value> {
    let sql = &server.writer;
    let day = sql.text("SELECT max(toDate(received_at)) - 10 FROM events").await;
    sql.text(&format!(
        "CREATE TABLE {SAMPLE} AS events ENGINE = MergeTree PARTITION BY (toDate(received_at), retention_days)
        ORDER BY (project_id, kind, toStartOfFifteenMinutes(counted_at), metric, prev_rating != '', counted_at, session_id, view_id)
        SETTINGS min_compress_block_size = 1048576, max_compress_block_size = 1048576, min_bytes_for_wide_part = 0"
    ))
    .await;
    sql.text(&format!(
        "INSERT INTO {SAMPLE} SELECT * FROM events WHERE kind = 'vital' AND toDate(received_at) IN ('{day}', toDate('{day}') + 1)"
    ))
    .await;
    sql.text(&format!("OPTIMIZE TABLE {SAMPLE} FINAL")).await;
    let quoted = |columns: &str| columns.split(", ").map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", ");
    let known = GROUPS.iter().map(|(_, columns)| quoted(columns)).collect::<Vec<_>>().join(", ");
    let named = GROUPS.iter().map(|(name, columns)| (*name, format!("column IN ({})", quoted(columns))));
    let all = named.chain([("what explains a vital", format!("column NOT IN ({known})")), ("all", "1".to_owned())]);
    let mut rows = Vec::new();
    for (name, columns) in all {
        let query = format!(
            "SELECT sum(column_data_compressed_bytes) / (SELECT count() FROM {SAMPLE}) FROM system.parts_columns
            WHERE database = currentDatabase() AND active AND table = '{SAMPLE}' AND {columns}"
        );
        rows.push(json!([name, sql.number(&query).await]));
    }
    sql.text(&format!("DROP TABLE {SAMPLE}")).await;
    rows
}

async fn bytes_of_tables(server: &Server) -> Vec<Value> {
    let tables = "SELECT table, toFloat64(sum(rows)), toFloat64(sum(data_compressed_bytes)), sum(data_compressed_bytes) / (SELECT count() FROM events)
        FROM system.parts WHERE database = currentDatabase() AND active AND table != 'schema_migrations' GROUP BY table ORDER BY table FORMAT JSONCompactEachRow";
    server.writer.text(tables).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}
