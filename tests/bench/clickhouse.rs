//! Loads generated events into the real schema of the embedded engine, and prints as Markdown what they cost on disk and how long
//! questions take. Run by `cargo xtask bench clickhouse`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap ends the benchmark")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is its result")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use beamline_tests::{Launch, Server, Service, until};
use tokio::task::JoinSet;

mod layouts;

/// Rows of one insert, about those of a busy hour.
const CHUNK: u64 = 500_000;
/// Days over which the events are spread.
const DAYS: u32 = 70;
/// How often each question is asked.
const TIMES: usize = 7;

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
    let rows: u64 = std::env::args().nth(1).and_then(|rows| rows.parse().ok()).unwrap_or(10_000_000);
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.migrate(dir.path()).await;

    let load = load(&server, rows).await;
    let version = server.reader.text("SELECT version()").await;
    let date = server.reader.text("SELECT today()").await;
    println!("{date}, ClickHouse {version} (embedded), {} processors, load average {}.", processors(), load_average());
    #[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
    let rate = rows as f64 / load.as_secs_f64();
    println!("{rows} events over {DAYS} days, made and inserted with all views in {} s: {rate:.0} a second.\n", load.as_secs());
    print_bytes(&server).await;
    layouts::print(&server).await;
    print_latencies(&server).await;
    print_readings(&server, dir.path()).await;
    server.stop().await;
}

async fn load(server: &Server, rows: u64) -> Duration {
    let begin = Instant::now();
    insert(server, EVENTS, "events", rows).await;
    insert(server, ERRORS, "errors", rows / EVENTS_AN_ERROR).await;
    begin.elapsed()
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

/// Bytes on disk: of vitals alone, merged, and of all tables after the merges that happened by themselves.
async fn print_bytes(server: &Server) {
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
    println!("| columns of `events` | bytes a vital |\n| --- | ---: |");
    let quoted = |columns: &str| columns.split(", ").map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", ");
    let known = GROUPS.iter().map(|(_, columns)| quoted(columns)).collect::<Vec<_>>().join(", ");
    let named = GROUPS.iter().map(|(name, columns)| (*name, format!("column IN ({})", quoted(columns))));
    let all = named.chain([("what explains a vital", format!("column NOT IN ({known})")), ("**all**", "1".to_owned())]);
    for (name, columns) in all {
        let query = format!(
            "SELECT sum(column_data_compressed_bytes) / (SELECT count() FROM {SAMPLE}) FROM system.parts_columns
            WHERE database = currentDatabase() AND active AND table = '{SAMPLE}' AND {columns}"
        );
        println!("| {name} | {:.1} |", sql.number(&query).await);
    }
    sql.text(&format!("DROP TABLE {SAMPLE}")).await;
    println!("\n| table | rows | bytes | bytes an event |\n| --- | ---: | ---: | ---: |");
    let tables = "SELECT concat('| `', table, '` | ', sum(rows), ' | ', formatReadableSize(sum(data_compressed_bytes)), ' | ',
            round(sum(data_compressed_bytes) / (SELECT count() FROM events), 2), ' |')
        FROM system.parts WHERE database = currentDatabase() AND active AND table != 'schema_migrations' GROUP BY table ORDER BY table";
    println!("{}\n", sql.text(tables).await);
}

async fn print_latencies(server: &Server) {
    println!("| question, one project | asked of | least | median |\n| --- | --- | ---: | ---: |");
    for (range, days) in [("a day", 1), ("a week", 7), ("all", 80)] {
        let raw = format!(
            "SELECT page, quantile(0.75)(value) FROM events WHERE project_id = 'shop' AND kind = 'vital' AND metric = 'LCP'
             AND ts >= today() - 1 - {days} GROUP BY page"
        );
        print_latency(server, &format!("p75 of LCP by page, {range}"), "`events`", &raw).await;
        for table in ["vitals_1h", "vitals_1d"] {
            let rollup = format!(
                "SELECT page, vital_quantile(0.75, sumMap(buckets)) FROM {table} WHERE project_id = 'shop' AND metric = 'LCP'
                 AND t >= today() - 1 - {days} GROUP BY page"
            );
            print_latency(server, &format!("p75 of LCP by page, {range}"), &format!("`{table}`"), &rollup).await;
        }
    }
    let since = "today() - 8";
    let quantile = "vital_quantile(0.75, sumMap(buckets))";
    for (question, table, query) in [
        ("all vitals and their shares, a day", "vitals_5m", format!("SELECT metric, {quantile}, sum(good) / sum(count) FROM vitals_5m WHERE project_id = 'shop' AND t >= today() - 2 GROUP BY metric")),
        ("all vitals and their shares, a week", "vitals_1h", format!("SELECT metric, {quantile}, sum(good) / sum(count) FROM vitals_1h WHERE project_id = 'shop' AND t >= {since} GROUP BY metric")),
        ("all vitals and their shares, all", "vitals_site_1d", format!("SELECT metric, {quantile}, sum(good) / sum(count) FROM vitals_site_1d WHERE project_id = 'shop' GROUP BY metric")),
        ("LCP of the site by hour, a week", "vitals_1h", format!("SELECT t, {quantile} FROM vitals_1h WHERE project_id = 'shop' AND metric = 'LCP' AND t >= {since} GROUP BY t")),
        ("LCP of one page by hour, a week", "vitals_1h", format!("SELECT t, {quantile} FROM vitals_1h WHERE project_id = 'shop' AND metric = 'LCP' AND page = '/page/3' AND t >= {since} GROUP BY t")),
        ("LCP by release and device, all", "vitals_site_1d", format!("SELECT release, device, {quantile} FROM vitals_site_1d WHERE project_id = 'shop' AND metric = 'LCP' GROUP BY release, device")),
        ("slow interactions, a day", "`slow_interactions`", "SELECT * FROM slow_interactions(project = 'shop', since = today() - 2, until = now()) ORDER BY interactions DESC LIMIT 20".into()),
    ] {
        print_latency(server, question, &format!("`{}`", table.trim_matches('`')), &query).await;
    }
}

async fn print_latency(server: &Server, question: &str, asked_of: &str, query: &str) {
    let (least, median) = milliseconds(server, query).await;
    println!("| {question} | {asked_of} | {least} ms | {median} ms |");
}

/// How long an answer takes: the least and the median.
async fn milliseconds(server: &Server, query: &str) -> (u128, u128) {
    let mut taken = Vec::new();
    for _ in 0..TIMES {
        let begin = Instant::now();
        server.reader.text(query).await;
        taken.push(begin.elapsed().as_millis());
    }
    taken.sort_unstable();
    (taken[0], taken[TIMES / 2])
}

/// What the service reads for `/metrics`, by its own clock.
async fn print_readings(server: &Server, dir: &std::path::Path) {
    let launch = server.launch();
    let service = Service::start(&dir.join("service"), &Launch { config: launch.config, env: launch.env });
    println!("\n| what a service reads for `/metrics` | once |\n| --- | ---: |");
    let times = until("the readings", async || {
        let text = service.fetch("/metrics").await.text;
        let of = |suffix: &str| {
            let prefix = format!("beamline_clickhouse_query_duration_seconds_{suffix}{{query=\"");
            let lines = text.lines().filter_map(move |line| line.strip_prefix(&prefix)?.split_once("\"} "));
            lines
                .map(|(query, number)| (query.to_owned(), number.parse::<f64>().unwrap()))
                .collect::<std::collections::BTreeMap<_, _>>()
        };
        let (sums, counts) = (of("sum"), of("count"));
        sums.contains_key("poor_vitals")
            .then(|| sums.into_iter().map(|(query, sum)| (sum / counts[&query], query)).collect::<Vec<_>>())
    });
    for (seconds, query) in times.await {
        println!("| `{query}` | {:.0} ms |", seconds * 1000.0);
    }
    service.stop().await;
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

fn load_average() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(3).collect::<Vec<_>>().join(", ")
}
