//! A vital that is reported again replaces its earlier value in every rollup: in any order, in one batch or many, around merges and
//! restarts, days later. Compared with a model and with the raw rows, to the last bit.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{collections::BTreeMap, fmt::Write};

use beamline_tests::{Answer, Launch, Server, Service, now_ms};
use serde_json::{Value, json};

const DAY_MS: u64 = 86_400_000;
const VITALS: u64 = 400;
const BATCHES: u64 = 24;

/// A small generator (xorshift64), so that a failure can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// What is equal for all reports of one beacon.
struct Sender {
    user_agent: &'static str,
    device: &'static str,
    sample_rate: f64,
    /// Thousandths of a vital that one stands for.
    weight: i64,
    clock_ahead_ms: u64,
}

const SENDERS: [Sender; 3] = [
    Sender {
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
        device: "desktop",
        sample_rate: 1.0,
        weight: 1000,
        clock_ahead_ms: 0,
    },
    Sender {
        user_agent: "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
        device: "mobile",
        sample_rate: 0.1,
        weight: 10_000,
        clock_ahead_ms: 0,
    },
    // An hour ahead: its times are corrected.
    Sender { user_agent: "curl/8.5", device: "unknown", sample_rate: 0.3, weight: 3333, clock_ahead_ms: 3_600_000 },
];

/// Name, bounds of the ratings, and the largest value here in eighths.
const METRICS: [(&str, f64, f64, u64); 5] = [
    ("FCP", 1800.0, 3000.0, 40_000),
    ("LCP", 2500.0, 4000.0, 60_000),
    ("CLS", 0.1, 0.25, 6),
    ("INP", 200.0, 500.0, 8000),
    ("TTFB", 800.0, 1800.0, 20_000),
];

/// One report of a vital, as an event and the view it belongs to.
struct Report {
    sender: usize,
    view: Value,
    event: Value,
}

/// What a rollup's row must hold.
#[derive(Default)]
struct Expected {
    count: i64,
    weight: i64,
    sum: f64,
    ratings: [i64; 3],
    buckets: BTreeMap<i64, i64>,
}

/// Metric, page, device, start of the interval.
type Place = (&'static str, String, &'static str, u64);

/// Vitals with their reports, in the order they were made, and what the five-minute rollup must be after all of them.
fn vitals(dice: &mut Dice, now_ms: u64) -> (Vec<Report>, BTreeMap<Place, Expected>) {
    let (mut reports, mut expected) = (Vec::new(), BTreeMap::<Place, Expected>::new());
    for number in 0..VITALS {
        let sender = usize::try_from(dice.below(3)).unwrap();
        let (metric, good, middling, most) = METRICS[usize::try_from(dice.below(5)).unwrap()];
        let page = format!("/p{}", dice.below(4));
        // Days ago, in the middle of one of four intervals: what the network takes from or adds to a wrong clock moves nothing.
        let started_ms = ((now_ms - dice.below(7) * DAY_MS) / DAY_MS * DAY_MS + dice.below(4) * 300_000 + 150_000)
            .min(now_ms / 300_000 * 300_000 - 150_000);
        let clock = |ms: u64| ms + SENDERS[sender].clock_ahead_ms;
        let view = json!({"id": format!("{:x}", number + 1), "url": format!("https://shop.example{page}"), "page": page, "started_at_ms": clock(started_ms)});
        let mut previous: Option<f64> = None;
        let mut at_ms = started_ms;
        for _ in 0..=dice.below(7) {
            at_ms += 1 + dice.below((now_ms - at_ms) / 2);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let value = dice.below(most) as f64 / 8.0;
            let mut event = json!({"type": "vital", "at_ms": clock(at_ms), "metric": metric, "value": value, "metric_id": format!("m{number}")});
            if let Some(previous) = previous {
                event["prev_value"] = json!(previous);
            }
            reports.push(Report { sender, view: view.clone(), event });
            previous = Some(value);
        }
        let value = previous.unwrap();
        let row = expected.entry((metric, page, SENDERS[sender].device, started_ms / 300_000 * 300)).or_default();
        row.count += 1;
        row.weight += SENDERS[sender].weight;
        row.sum += value;
        row.ratings[usize::from(value > good) + usize::from(value > middling)] += 1;
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        let bucket = if value > 0.0 { (value.log2() * 64.0).ceil() as i64 } else { -32768 };
        *row.buckets.entry(bucket).or_default() += 1;
    }
    (reports, expected)
}

fn shuffle<T>(items: &mut [T], dice: &mut Dice) {
    for last in (1..items.len()).rev() {
        items.swap(last, usize::try_from(dice.below(last as u64 + 1)).unwrap());
    }
}

/// As ClickHouse writes the same as tab-separated text.
fn written(expected: &BTreeMap<Place, Expected>) -> String {
    let mut text = String::new();
    for ((metric, page, device, start), row) in expected {
        let buckets = row.buckets.iter().map(|(bucket, n)| format!("{bucket}:{n}")).collect::<Vec<_>>().join(",");
        let [good, middling, poor] = row.ratings;
        writeln!(
            text,
            "{metric}\t{page}\t{device}\t{start}\t{}\t{}\t{}\t{good}\t{middling}\t{poor}\t{{{buckets}}}",
            row.count, row.weight, row.sum
        )
        .unwrap();
    }
    text.trim_end().to_owned()
}

/// A rollup, each row once.
fn rollup(table: &str, dimensions: &str) -> String {
    format!(
        "SELECT toString(metric), {dimensions}, toUnixTimestamp(t), sum(count) AS n, toInt64(sum(estimated_count) * 1000),
            sum(sum), sum(good), sum(needs_improvement), sum(poor), mapFilter((bucket, n) -> n != 0, sumMap(buckets)) AS filled
        FROM {table} GROUP BY metric, {dimensions}, t HAVING n != 0 OR notEmpty(filled) ORDER BY ALL"
    )
}

/// The same from the raw rows: the last report of each vital.
fn recomputed(dimensions: &str, start: &str) -> String {
    format!(
        "SELECT toString(metric), {dimensions}, toUnixTimestamp(toDateTime({start}(counted_at), 'UTC')) AS began, count(),
            toInt64(sum(toDecimal64(round(1 / sample_rate, 3), 3)) * 1000), sum(value), countIf(rating = 'good'),
            countIf(rating = 'needs-improvement'), countIf(rating = 'poor'), sumMap(map(vital_bucket(value), toInt64(1)))
        FROM (SELECT * FROM events WHERE kind = 'vital' AND counted_at > toDateTime(0) ORDER BY ts DESC LIMIT 1 BY view_id, metric, metric_id)
        GROUP BY metric, {dimensions}, began ORDER BY ALL"
    )
}

const FINE: &str = "page, device";
const MIDDLE: &str = "page, device, release, env";
const COARSE: &str = "page, device, release, env, browser, os";
const SITE: &str = "device, release, env, browser, os";

/// The questions to the server.
trait Checks {
    async fn optimize(&self);
    async fn rows(&self, count: usize);
    async fn assert_rollups_equal_raw(&self, when: &str);
}

impl Checks for Server {
    async fn optimize(&self) {
        for table in ["vitals_5m", "vitals_1h", "vitals_1d", "vitals_site_1h", "vitals_page_1w", "vitals_site_1d", "events"] {
            self.writer.text(&format!("OPTIMIZE TABLE {table} FINAL")).await;
        }
    }

    async fn rows(&self, count: usize) {
        let query = "SELECT count() FROM events";
        beamline_tests::until("all rows", async || (self.reader.ask(query).await == Ok(count.to_string())).then_some(())).await;
    }

    async fn assert_rollups_equal_raw(&self, when: &str) {
        for (table, dimensions, start) in [
            ("vitals_5m", FINE, "toStartOfFiveMinutes"),
            ("vitals_1h", MIDDLE, "toStartOfHour"),
            ("vitals_1d", COARSE, "toStartOfDay"),
            ("vitals_site_1h", "device, release, env", "toStartOfHour"),
            ("vitals_page_1w", FINE, "toMonday"),
            ("vitals_site_1d", SITE, "toStartOfDay"),
        ] {
            let (kept, raw) =
                (self.reader.text(&rollup(table, dimensions)).await, self.reader.text(&recomputed(dimensions, start)).await);
            assert!(!raw.is_empty());
            assert_eq!(kept, raw, "{table} {when}");
        }
    }
}

async fn send(service: &Service, sender: &Sender, reports: &[&Report], id: u64) {
    let mut views = Vec::<Value>::new();
    let events = reports.iter().map(|report| {
        let place = views.iter().position(|view| *view == report.view).unwrap_or_else(|| {
            views.push(report.view.clone());
            views.len() - 1
        });
        let mut event = report.event.clone();
        event["view"] = json!(place);
        event
    });
    let events = events.collect::<Vec<_>>();
    let beacon = json!({
        "v": 1, "beacon_id": format!("019a0b1c-2d3e-7f40-8a5b-{id:012x}"), "sent_at_ms": now_ms() + sender.clock_ahead_ms, "release": "1.0",
        "session": {"id": "5e55", "started_at_ms": now_ms(), "sample_rate": sender.sample_rate}, "views": views, "events": events,
    });
    let answer = Answer::to(service.post(beacon.to_string()).header("user-agent", sender.user_agent)).await;
    assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{beacon}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_thousand_random_corrections_every_rollup_equals_its_recomputation() {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let data = dir.path().join("data");
    let mut service = Service::start(&data, &server.launch());
    let mut dice = Dice(SEED);
    let (mut reports, expected) = vitals(&mut dice, now_ms());
    let corrections = reports.iter().filter(|report| !report.event["prev_value"].is_null()).count();
    assert!(corrections > 1000, "{corrections}");
    shuffle(&mut reports, &mut dice);
    let (mut id, mut sent) = (0, 0);
    let size = reports.len().div_ceil(usize::try_from(BATCHES).unwrap());
    for (number, batch) in reports.chunks(size).enumerate() {
        for (place, sender) in SENDERS.iter().enumerate() {
            let of_sender = batch.iter().filter(|report| report.sender == place).collect::<Vec<_>>();
            for part in of_sender.chunks(1 + usize::try_from(dice.below(40)).unwrap()) {
                id += 1;
                send(&service, sender, part, id).await;
            }
        }
        sent += batch.len();
        match number % 8 {
            // The next batches come after a restart: nothing but what ClickHouse keeps is remembered.
            2 => {
                service.stop().await;
                service = Service::start(&data, &server.launch());
            }
            4 => {
                server.rows(sent).await;
                server.optimize().await;
            }
            6 => {
                service.kill();
                service = Service::start(&data, &server.launch());
            }
            _ => {}
        }
    }
    server.rows(sent).await;
    service.stop().await;
    let model = written(&expected);
    assert_eq!(server.reader.text(&rollup("vitals_5m", FINE)).await, model, "seed {SEED:#x}");
    server.assert_rollups_equal_raw("before merges").await;
    server.optimize().await;
    assert_eq!(server.reader.text(&rollup("vitals_5m", FINE)).await, model, "seed {SEED:#x}");
    server.assert_rollups_equal_raw("after merges").await;

    // The view that gives each vital once agrees with the rollup, and quantiles of buckets with those of the values.
    let views = "SELECT
        (SELECT (count(), sum(value)) FROM vital_values(project = 'default', since = now() - INTERVAL 20 DAY, until = now())),
        (SELECT (sum(count), sum(sum)) FROM vitals_1d)"
        .replace("shop", "default");
    let answer = server.reader.text(&views).await;
    let (values, rollup) = answer.split_once('\t').unwrap();
    assert_eq!(values, rollup);
    assert!(values.starts_with(&format!("({VITALS},")), "{values}");
    let off = "SELECT max(if(z.2 = 0, abs(z.1), abs(z.1 / z.2 - 1))) FROM
        (
            SELECT metric, page, arrayJoin(arrayZip(
                vital_quantiles([0.5, 0.75, 0.9, 0.95, 0.99], sumMap(map(vital_bucket(value), toInt64(1)))),
                quantilesExactInclusive(0.5, 0.75, 0.9, 0.95, 0.99)(value))) AS z
            FROM vital_values(project = 'default', since = now() - INTERVAL 20 DAY, until = now()) GROUP BY metric, page
        )";
    let off = server.reader.number(off).await;
    assert!(off <= 0.0055, "{off}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_view_of_more_than_two_weeks_keeps_the_value_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    let (now_ms, sender) = (now_ms(), &SENDERS[0]);
    let view = |days| json!({"id": "1", "url": "https://shop.example/", "page": "/", "started_at_ms": now_ms - days * DAY_MS});
    let event = |id: &str, value: f64, prev: Option<f64>| {
        let mut event = json!({"type": "vital", "at_ms": now_ms, "metric": "INP", "metric_id": id, "value": value});
        if let Some(prev) = prev {
            event["prev_value"] = json!(prev);
        }
        event
    };
    for (id, (days, event)) in [
        (15, event("old", 100.0, None)),
        (15, event("old", 900.0, Some(100.0))),
        (13, event("young", 300.0, None)),
        (13, event("young", 700.0, Some(300.0))),
        // Nobody could tell later what this one replaced.
        (13, {
            let mut nameless = event("", 50.0, Some(20.0));
            nameless.as_object_mut().unwrap().remove("metric_id");
            nameless
        }),
    ]
    .into_iter()
    .enumerate()
    {
        send(&service, sender, &[&Report { sender: 0, view: view(days), event }], id as u64).await;
    }
    service.until_sql("SELECT count() FROM events", "5").await;
    let kept = "SELECT dateDiff('day', t, now()) > 1 AS long_ago, sum(count), sum(sum), sum(good), sum(poor) FROM vitals_1d GROUP BY ALL ORDER BY ALL";
    service.until_sql(kept, "0\t1\t100\t1\t0\n1\t2\t750\t1\t1").await;
    service.stop().await;
}
