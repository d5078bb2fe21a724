//! How long answers take: questions asked of raw rows and of rollups, the panels of the dashboards, and what a service reads.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use beamline_tests::{
    Launch, Server, Service,
    grafana::{Chosen, queries},
    until,
};
use serde_json::{Value, json};

/// How often each question is asked.
const TIMES: usize = 7;
const MS: [&str; 2] = ["least", "median"];

/// The least and the median of the times an answer takes, in milliseconds.
pub(crate) async fn milliseconds(server: &Server, query: &str) -> [f64; 2] {
    let mut taken = Vec::new();
    for _ in 0..TIMES {
        let begin = Instant::now();
        server.reader.text(query).await;
        taken.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    taken.sort_by(f64::total_cmp);
    [taken[0], taken[TIMES / 2]]
}

/// Questions in SQL with what they are asked of.
fn questions() -> Vec<(String, &'static str, String)> {
    let mut questions = Vec::new();
    for (range, days) in [("a day", 1), ("a week", 7), ("all", 80)] {
        let question = format!("p75 of LCP by page, {range}");
        let raw = format!(
            "SELECT page, quantile(0.75)(value) FROM events WHERE project_id = 'shop' AND kind = 'vital' AND metric = 'LCP'
             AND ts >= today() - 1 - {days} GROUP BY page"
        );
        questions.push((question.clone(), "events", raw));
        for table in ["vitals_1h", "vitals_1d", "vitals_page_1w"] {
            let rollup = format!(
                "SELECT page, vital_quantile(0.75, sumMap(buckets)) FROM {table} WHERE project_id = 'shop' AND metric = 'LCP'
                 AND t >= today() - 1 - {days} GROUP BY page"
            );
            questions.push((question.clone(), table, rollup));
        }
    }
    let asked = |question: &str, table, columns: &str, more: &str| {
        let query = format!(
            "SELECT {columns}vital_quantile(0.75, sumMap(buckets)), sum(good) / sum({table}.count) FROM {table} WHERE project_id = 'shop'{more}"
        );
        (question.to_owned(), table, query)
    };
    let week = " AND t >= today() - 8";
    questions.extend([
        asked("all vitals and their shares, a day", "vitals_5m", "metric, ", " AND t >= today() - 2 GROUP BY metric"),
        asked("all vitals and their shares, a week", "vitals_1h", "metric, ", &format!("{week} GROUP BY metric")),
        asked("all vitals and their shares, a week", "vitals_site_1h", "metric, ", &format!("{week} GROUP BY metric")),
        asked("all vitals and their shares, all", "vitals_site_1d", "metric, ", " GROUP BY metric"),
        asked("LCP of the site by hour, a week", "vitals_site_1h", "t, ", &format!(" AND metric = 'LCP'{week} GROUP BY t")),
        asked(
            "LCP of one page by hour, a week",
            "vitals_1h",
            "t, ",
            &format!(" AND metric = 'LCP' AND page = '/page/3'{week} GROUP BY t"),
        ),
        asked(
            "LCP by release and device, all",
            "vitals_site_1d",
            "release, device, ",
            " AND metric = 'LCP' GROUP BY release, device",
        ),
    ]);
    let slow =
        "SELECT * FROM slow_interactions(project = 'shop', since = today() - 2, until = now()) ORDER BY interactions DESC LIMIT 20";
    questions.push(("slow interactions, a day".to_owned(), "slow_interactions", slow.to_owned()));
    questions
}

/// Each question: how many events there are, the question, what it is asked of, and the times.
pub(crate) async fn asked(server: &Server, events: u64) -> Vec<Value> {
    let mut rows = Vec::new();
    for (question, table, query) in questions() {
        let [least, median] = milliseconds(server, &query).await;
        eprintln!("{question}, {table}: {least:.0} ms, {median:.0} ms");
        rows.push(json!([question, table, events, least, median]));
    }
    rows
}

/// Column names of [`asked`].
pub(crate) fn asked_columns() -> Value {
    let times = MS.map(|name| json!({"name": name, "unit": "ms", "digits": 0}));
    json!([{"name": "question, one project"}, {"name": "asked of"}, {"name": "events", "digits": 0}, times[0], times[1]])
}

/// Panels of the ClickHouse dashboards at the range each opens with: by dashboard and store asked, how many there are and which is slowest.
pub(crate) async fn dashboards(server: &Server, events: u64) -> Vec<Value> {
    let last_event: u64 = server
        .reader
        .text("SELECT toUnixTimestamp(max(counted_at)) FROM events WHERE project_id = 'shop' AND counted_at < now()")
        .await
        .parse()
        .unwrap();
    let mut rows = Vec::new();
    for path in paths() {
        let dashboard = path.file_stem().unwrap().to_string_lossy().into_owned();
        let seconds = range(&path);
        let chosen = Chosen {
            from: last_event - seconds,
            to: last_event,
            interval: (seconds / 168).max(300),
            variables: vec![("project", vec!["shop"])],
        };
        let mut slowest = BTreeMap::<&str, (usize, [f64; 2], String)>::new();
        for query in queries(&path) {
            let asked_of = if query.text.contains("FROM vitals_") { "rollups" } else { "other tables" };
            let times = milliseconds(server, &chosen.sql(&query.text)).await;
            eprintln!("{}: {:.0} ms, {:.0} ms", query.place, times[0], times[1]);
            let entry = slowest.entry(asked_of).or_insert((0, [0.0; 2], String::new()));
            entry.0 += 1;
            if times[1] >= entry.1[1] {
                (entry.1, entry.2) = (times, query.place);
            }
        }
        for (asked_of, (panels, [least, median], place)) in slowest {
            let place = place.split_once(": ").map_or(place.as_str(), |(_, title)| title);
            rows.push(json!([format!("{dashboard}, {} h", seconds / 3600), asked_of, events, panels, place, least, median]));
        }
    }
    rows
}

/// Column names of [`dashboards`].
pub(crate) fn dashboards_columns() -> Value {
    let times = MS.map(|name| json!({"name": name, "unit": "ms", "digits": 0}));
    json!([
        {"name": "dashboard, range"}, {"name": "asked of"}, {"name": "events", "digits": 0}, {"name": "queries", "digits": 0}, {"name": "slowest"},
        times[0], times[1]
    ])
}

fn paths() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/grafana/dashboards/clickhouse");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Seconds a dashboard shows when it is opened: `now-7d`, `now-24h`.
fn range(path: &Path) -> u64 {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let from = dashboard["time"]["from"].as_str().unwrap().trim_start_matches("now-").to_owned();
    let (number, unit) = from.split_at(from.len() - 1);
    number.parse::<u64>().unwrap() * if unit == "d" { 86_400 } else { 3600 }
}

/// What the service reads for `/metrics`, by its own clock.
pub(crate) async fn readings(server: &Server, dir: &Path, events: u64) -> Vec<Value> {
    let launch = server.launch();
    let service = Service::start(&dir.join("service"), &Launch { config: launch.config, env: launch.env });
    let times = until("the readings", async || {
        let text = service.fetch("/metrics").await.text;
        let of = |suffix: &str| {
            let prefix = format!("beamline_clickhouse_query_duration_seconds_{suffix}{{query=\"");
            let lines = text.lines().filter_map(move |line| line.strip_prefix(&prefix)?.split_once("\"} "));
            lines.map(|(query, number)| (query.to_owned(), number.parse::<f64>().unwrap())).collect::<BTreeMap<_, _>>()
        };
        let (sums, counts) = (of("sum"), of("count"));
        sums.contains_key("poor_vitals").then(|| {
            let mean = |(query, sum): (String, f64)| json!([query, events, sum / counts[&query] * 1000.0]);
            sums.into_iter().map(mean).collect::<Vec<_>>()
        })
    });
    let times = times.await;
    service.stop().await;
    times
}
