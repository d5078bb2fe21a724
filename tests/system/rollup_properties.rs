//! Whatever vitals come, in whichever batches and order, corrected or not, with merges between: every rollup, and every function that reads
//! a rollup, gives what the raw rows give, to the last bit.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{cell::Cell, fmt::Write};

use beamline_tests::Server;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};

/// Random sets of vitals, all in one engine.
const CASES: u32 = 12;
/// How often a failing case is made smaller: each time costs about as much as a case.
const SHRINKS: u32 = 60;

/// Name, and the bounds of its ratings.
const METRICS: [(&str, f64, f64); 3] = [("LCP", 2500.0, 4000.0), ("CLS", 0.1, 0.25), ("INP", 200.0, 500.0)];

/// A vital, with its reports in the order in which the sender made them.
#[derive(Clone, Debug)]
struct Vital {
    metric: usize,
    page: u8,
    device: u8,
    release: u8,
    browser: u8,
    /// 1, 0.5 or 0.1 of all sessions are sent.
    sampling: u8,
    /// When its page view began, in steps of four minutes.
    began: u32,
    /// Value in eighths, and the batch that brings it.
    reports: Vec<(u32, usize)>,
}

const BATCHES: usize = 4;

fn vitals() -> impl Strategy<Value = (Vec<Vital>, Vec<bool>)> {
    let value = prop_oneof![Just(0), 1..8_u32, 8..40_000_u32];
    let vital = (0..METRICS.len(), 0..3_u8, 0..2_u8, 0..2_u8, 0..2_u8, 0..3_u8, 0..900_u32, vec((value, 0..BATCHES), 1..6));
    let vital = vital.prop_map(|(metric, page, device, release, browser, sampling, began, reports)| Vital {
        metric,
        page,
        device,
        release,
        browser,
        sampling,
        began,
        reports,
    });
    (vec(vital, 1..80), vec(any::<bool>(), BATCHES))
}

/// The rows of each batch, as values of an INSERT.
fn batches(project: &str, vitals: &[Vital]) -> Vec<String> {
    let mut batches = vec![String::new(); BATCHES];
    for (number, vital) in vitals.iter().enumerate() {
        let Vital { page, device, release, browser, sampling, began, .. } = vital;
        let (metric, good, middling) = METRICS[vital.metric];
        let rated = |value: f64| {
            if value <= good {
                "good"
            } else if value <= middling {
                "needs-improvement"
            } else {
                "poor"
            }
        };
        let mut previous = None;
        for (report, (eighths, batch)) in vital.reports.iter().enumerate() {
            let value = f64::from(*eighths) / 8.0;
            let (prev_value, prev_rating) = previous.map_or((0.0, ""), |value| (value, rated(value)));
            let start = format!("toStartOfDay(now() - toIntervalDay(3)) + {began} * 240");
            let rate = ["1", "0.5", "0.1"][usize::from(*sampling)];
            write!(
                batches[*batch],
                "('{project}', 'vital', '{metric}', {start} + {report} + 1, {start}, now(), {view}, 7, {value}, '{}', {prev_value}, '{prev_rating}',
                '/{page}', 'd{device}', '{release}', 'production', 'b{browser}', 'os', {rate}, 90),",
                rated(value),
                view = number + 1,
            )
            .unwrap();
            previous = Some(value);
        }
    }
    batches
}

const COLUMNS: &str = "project_id, kind, metric, ts, counted_at, received_at, view_id, metric_id, value, rating, prev_value, prev_rating, page, device, \
     release, env, browser, os, sample_rate, retention_days";

/// Table, its dimensions, and the start of its interval.
const ROLLUPS: [(&str, &str, &str); 6] = [
    ("vitals_5m", "page, device", "toStartOfFiveMinutes"),
    ("vitals_1h", "page, device, release, env", "toStartOfHour"),
    ("vitals_1d", "page, device, release, env, browser, os", "toStartOfDay"),
    ("vitals_site_1h", "device, release, env", "toStartOfHour"),
    ("vitals_page_1w", "page, device", "toMonday"),
    ("vitals_site_1d", "device, release, env, browser, os", "toStartOfDay"),
];

/// Every row of a rollup.
fn rollup(project: &str, (table, dimensions, _): (&str, &str, &str)) -> String {
    format!(
        "SELECT toString(metric), {dimensions}, toUnixTimestamp(t), sum(count) AS n, sum(estimated_count), sum(sum), sum(good),
            sum(needs_improvement), sum(poor), mapSort(mapFilter((bucket, n) -> n != 0, sumMap(buckets))) AS filled
        FROM {table} WHERE project_id = '{project}' GROUP BY metric, {dimensions}, t HAVING n != 0 OR notEmpty(filled) ORDER BY ALL"
    )
}

/// The last report of every vital.
fn last(project: &str) -> String {
    format!("(SELECT * FROM events WHERE project_id = '{project}' ORDER BY ts DESC LIMIT 1 BY view_id, metric, metric_id)")
}

/// The same rows from the raw ones.
fn recomputed(project: &str, (_, dimensions, start): (&str, &str, &str)) -> String {
    format!(
        "SELECT toString(metric), {dimensions}, toUnixTimestamp(toDateTime({start}(counted_at), 'UTC')) AS began, count(),
            sum(toDecimal64(round(1 / sample_rate, 3), 3)), sum(value), countIf(rating = 'good'), countIf(rating = 'needs-improvement'),
            countIf(rating = 'poor'), mapSort(sumMap(map(vital_bucket(value), toInt64(1))))
        FROM {} GROUP BY metric, {dimensions}, began ORDER BY ALL",
        last(project)
    )
}

const LEVELS: &str = "[0., 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.]";
const BOUNDS: &str = "[0., 0.1, 0.25, 200., 500., 2500., 4000., 1e9]";

/// What the functions say of a rollup, in bits.
fn functions(project: &str, table: &str) -> String {
    format!(
        "SELECT toString(metric), arrayMap(x -> reinterpretAsUInt64(x), vital_quantiles({LEVELS}, maps)),
            reinterpretAsUInt64(vital_quantile(0.75, maps)),
            arrayMap(bound -> reinterpretAsUInt64(vital_share_within(bound, maps)), {BOUNDS}), vital_histogram(maps)
        FROM (SELECT metric, sumMap(buckets) AS maps FROM {table} WHERE project_id = '{project}' GROUP BY metric) ORDER BY metric"
    )
}

/// The same by sorting the values, each as the middle of its bucket, and counting.
fn functions_of_values(project: &str) -> String {
    format!(
        "WITH (level, sorted) -> sorted[toUInt32(floor(level * (length(sorted) - 1))) + 1]
                + (sorted[toUInt32(ceil(level * (length(sorted) - 1))) + 1] - sorted[toUInt32(floor(level * (length(sorted) - 1))) + 1])
                * (level * (length(sorted) - 1) - floor(level * (length(sorted) - 1))) AS between
        SELECT toString(metric),
            arrayMap(level -> reinterpretAsUInt64(between(level, middles)), {LEVELS}), reinterpretAsUInt64(between(0.75, middles)),
            arrayMap(bound -> reinterpretAsUInt64(arrayCount(x -> vital_bucket(x) <= vital_bucket(bound), taken) / length(taken)), {BOUNDS}),
            arrayMap(bucket -> (if(bucket = -32768, 0, exp2(bucket / 64)), toInt64(countEqual(placed, bucket))), arraySort(arrayDistinct(placed)))
        FROM
        (
            SELECT metric, groupArray(value) AS taken, arrayMap(x -> vital_bucket(x), taken) AS placed,
                arraySort(arrayMap(x -> toFloat64(vital_bucket_value(vital_bucket(x))), taken)) AS middles
            FROM {} GROUP BY metric
        )
        ORDER BY metric",
        last(project)
    )
}

/// How far the quantiles of the rollup are from those of the values: a share of the latter.
fn farthest(project: &str) -> String {
    format!(
        "SELECT max(arrayMax(arrayMap((a, b) -> if(b = 0, abs(a), abs(a / b - 1)), ours, theirs))) FROM
        (SELECT metric, vital_quantiles([0.5, 0.75, 0.9, 0.99], sumMap(buckets)) AS ours FROM vitals_1d WHERE project_id = '{project}' GROUP BY metric) AS a
        JOIN (SELECT metric, quantilesExactInclusive(0.5, 0.75, 0.9, 0.99)(value) AS theirs FROM {} GROUP BY metric) AS b USING metric",
        last(project)
    )
}

async fn check(server: &Server, project: &str, vitals: &[Vital], merges: &[bool]) -> Result<(), TestCaseError> {
    let sql = &server.writer;
    for (rows, merge) in batches(project, vitals).iter().zip(merges) {
        if !rows.is_empty() {
            sql.text(&format!("INSERT INTO events ({COLUMNS}) VALUES {}", rows.trim_end_matches(','))).await;
        }
        if *merge {
            for (table, ..) in ROLLUPS {
                sql.text(&format!("OPTIMIZE TABLE {table} FINAL")).await;
            }
        }
    }
    let of_values = sql.text(&functions_of_values(project)).await;
    for of in ROLLUPS {
        prop_assert_eq!(sql.text(&rollup(project, of)).await, sql.text(&recomputed(project, of)).await, "{}", of.0);
        prop_assert_eq!(&sql.text(&functions(project, of.0)).await, &of_values, "{}", of.0);
    }
    let off = sql.number(&farthest(project)).await;
    prop_assert!(off <= 0.0055, "{}", off);
    Ok(())
}

#[test]
fn rollups_and_what_reads_them_equal_the_raw_rows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let server = runtime.block_on(Server::start(dir.path()));
    runtime.block_on(server.migrate(dir.path()));
    let config = Config { cases: CASES, max_shrink_iters: SHRINKS, failure_persistence: None, ..Config::default() };
    let number = Cell::new(0);
    let result = TestRunner::new(config).run(&vitals(), |(vitals, merges)| {
        number.set(number.get() + 1);
        runtime.block_on(check(&server, &format!("case{}", number.get()), &vitals, &merges))
    });
    runtime.block_on(server.stop());
    result.unwrap();
}
