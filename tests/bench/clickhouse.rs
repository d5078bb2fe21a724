//! Loads generated events into the real schema of the embedded engine, and prints as Markdown what they cost on disk and how long
//! questions take. Run by `cargo xtask bench clickhouse`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap ends the benchmark")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is its result")]

use std::time::{Duration, Instant};

use beamline_tests::{Server, beamline};

/// Rows of one insert, about those of a busy hour.
const CHUNK: u64 = 500_000;
/// Days over which the events are spread.
const DAYS: u32 = 70;
/// How often each question is asked.
const TIMES: usize = 7;

const EVENTS: &str = include_str!("events.sql");

/// The columns of `events` by what they are for, and which rows have them.
const GROUPS: [(&str, &str, &str); 7] = [
    ("ids of event, session and view", "event_id, session_id, view_id", "1"),
    ("times", "ts, counted_at, received_at, skew_ms", "1"),
    (
        "sender: device, browser, release, country …",
        "project_id, kind, metric, release, env, device, browser, browser_major, os, connection, country, sample_rate, retention_days",
        "1",
    ),
    ("page, address, navigation", "page, url, navigation_type", "1"),
    ("id of the vital", "metric_id", "kind = 'vital'"),
    ("value, rating, what they replace", "value, rating, prev_value, prev_rating", "kind = 'vital'"),
    ("page view and action: timings, name, attributes", "timings, name, category, attributes", "kind != 'vital'"),
];

#[tokio::main]
async fn main() {
    let rows: u64 = std::env::args().nth(1).and_then(|rows| rows.parse().ok()).unwrap_or(10_000_000);
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let launch = server.launch();
    let config = dir.path().join("beamline.toml");
    std::fs::write(&config, &launch.config).unwrap();
    let mut migrate = std::process::Command::new(beamline());
    migrate.args(["migrate", "up", "--config"]).arg(&config).envs(launch.env).env("BEAMLINE_DATA__DIR", dir.path().join("data"));
    assert!(migrate.output().unwrap().status.success());

    let load = load(&server, rows).await;
    let version = server.reader.text("SELECT version()").await;
    let date = server.reader.text("SELECT today()").await;
    println!("{date}, ClickHouse {version} (embedded), {} processors, load average {}.", processors(), load_average());
    #[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
    let rate = rows as f64 / load.as_secs_f64();
    println!("{rows} events over {DAYS} days, made and inserted with all views in {} s: {rate:.0} a second.\n", load.as_secs());
    print_bytes(&server).await;
    print_latencies(&server).await;
    server.stop().await;
}

async fn load(server: &Server, rows: u64) -> Duration {
    let begin = Instant::now();
    let statement = EVENTS.split_once("INSERT").map(|(_, insert)| format!("INSERT{insert}")).unwrap();
    let statement =
        statement.replace("{table}", "events").replace("{rows}", &rows.to_string()).replace("{days}", &DAYS.to_string());
    for first in (0..rows).step_by(usize::try_from(CHUNK).unwrap()) {
        let count = CHUNK.min(rows - first);
        server.writer.text(&statement.replace("{first}", &first.to_string()).replace("{count}", &count.to_string())).await;
        eprint!("\r{} of {rows} events", first + count);
    }
    eprintln!();
    begin.elapsed()
}

/// Bytes on disk, after the merges that happened by themselves.
async fn print_bytes(server: &Server) {
    let sql = &server.reader;
    println!("| columns of `events` | bytes a row that has them | bytes a vital |\n| --- | ---: | ---: |");
    let attribution =
        GROUPS.iter().map(|(_, columns, _)| columns.split(", ").map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", "));
    let others = attribution.collect::<Vec<_>>().join(", ");
    let named = GROUPS.iter().map(|(name, columns, condition)| {
        let columns = columns.split(", ").map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", ");
        (*name, format!("column IN ({columns})"), *condition)
    });
    let all = named.chain([("what explains a vital", format!("column NOT IN ({others})"), "kind = 'vital'")]);
    let mut of_vital = 0.0;
    for (name, columns, condition) in all {
        let query = format!(
            "SELECT (SELECT sum(column_data_compressed_bytes) FROM system.parts_columns WHERE database = currentDatabase() AND active
                AND table = 'events' AND part_type = 'Wide' AND {columns})
            / (SELECT count() FROM events WHERE {condition} AND _part IN
                (SELECT name FROM system.parts WHERE database = currentDatabase() AND active AND table = 'events' AND part_type = 'Wide'))"
        );
        let bytes = sql.number(&query).await;
        let counts = condition != "kind != 'vital'";
        of_vital += if counts { bytes } else { 0.0 };
        println!("| {name} | {bytes:.1} | {} |", if counts { format!("{bytes:.1}") } else { String::new() });
    }
    println!("| **a vital, all columns** | | **{of_vital:.1}** |\n");
    println!("| table | rows | bytes | bytes an event |\n| --- | ---: | ---: | ---: |");
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
        ("all vitals and their shares, all", "vitals_1d", format!("SELECT metric, {quantile}, sum(good) / sum(count) FROM vitals_1d WHERE project_id = 'shop' GROUP BY metric")),
        ("LCP of the site by hour, a week", "vitals_1h", format!("SELECT t, {quantile} FROM vitals_1h WHERE project_id = 'shop' AND metric = 'LCP' AND t >= {since} GROUP BY t")),
        ("LCP of one page by hour, a week", "vitals_1h", format!("SELECT t, {quantile} FROM vitals_1h WHERE project_id = 'shop' AND metric = 'LCP' AND page = '/page/3' AND t >= {since} GROUP BY t")),
        ("LCP by release and device, all", "vitals_1d", format!("SELECT release, device, {quantile} FROM vitals_1d WHERE project_id = 'shop' AND metric = 'LCP' GROUP BY release, device")),
        ("slow interactions, a day", "`slow_interactions`", "SELECT * FROM slow_interactions(project = 'shop', since = today() - 2, until = now()) ORDER BY interactions DESC LIMIT 20".into()),
    ] {
        print_latency(server, question, &format!("`{}`", table.trim_matches('`')), &query).await;
    }
}

async fn print_latency(server: &Server, question: &str, asked_of: &str, query: &str) {
    let mut taken = Vec::new();
    for _ in 0..TIMES {
        let begin = Instant::now();
        server.reader.text(query).await;
        taken.push(begin.elapsed().as_millis());
    }
    taken.sort_unstable();
    println!("| {question} | {asked_of} | {} ms | {} ms |", taken[0], taken[TIMES / 2]);
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

fn load_average() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(3).collect::<Vec<_>>().join(", ")
}
