//! What is measured, in which order, and as which tables.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    corpus::{Corpus, Encoding, Kind},
    dialect::Keeps,
    load::Pace,
    measure::{Bench, Measured, Times, measure, ready},
    process::pin_generator,
    report::{Report, Table, number, rounded, text},
    rungs::Rung,
    targets::{Answered, Durability, Subject, Sync},
};

/// A part of the benchmark: one table, in a few minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The floor ladder with beacons of 20 events.
    Ladder,
    /// The same, compressed.
    LadderGzip,
    /// The same with beacons of one event.
    LadderSmall,
    /// The durability classes and the peers, with beacons of 20 events.
    Peers,
    /// The same with beacons of one event.
    PeersSmall,
    /// Connections that are kept, and a new one for each beacon.
    Connections,
    /// Latency at shares of the capacity.
    Latency,
}

const PARTS: [Part; 7] =
    [Part::Ladder, Part::LadderGzip, Part::LadderSmall, Part::Peers, Part::PeersSmall, Part::Connections, Part::Latency];

/// The order of the tables in the result.
const ORDER: [&str; 8] = ["ladder", "ladder-gzip", "ladder-small", "peers", "peers-small", "connections", "latency", "soak"];

const NOT_MEASURED: [&str; 5] = [
    "Bugsink and other error trackers, because they take errors alone and no vitals, so that the corpus would have to be another",
    "HTTP/2 and TLS, because browsers speak them to the proxy in front, and the peers would be measured by their TLS libraries",
    "several machines and a ClickHouse server of its own, because everything here shares one machine of two cores",
    "NATS JetStream with a sync for each message, because the packaged release 2.9 cannot",
    "other disks: a group's sync costs what this machine's disk takes for it",
];

const TIMES: Times = Times { warm_up: Duration::from_secs(1), saturation: Duration::from_secs(5), latency: Duration::from_secs(5) };
const QUICK: Times =
    Times { warm_up: Duration::from_millis(200), saturation: Duration::from_secs(1), latency: Duration::from_secs(1) };

/// Shares of the capacity at which latencies are measured.
const SHARES: [f64; 6] = [0.1, 0.25, 0.5, 0.7, 0.8, 0.9];
/// Of the capacity, in a soak.
const SOAK_SHARE: f64 = 0.3;
/// Between two looks at the memory of a soak.
const SOAK_EVERY: Duration = Duration::from_secs(15);

const LARGE: Kind = Kind { events: 20, encoding: Encoding::Plain };
const COMPRESSED: Kind = Kind { events: 20, encoding: Encoding::Gzip };
const SMALL: Kind = Kind { events: 1, encoding: Encoding::Plain };

/// Measures the parts and writes the file after each.
pub(crate) fn run(out: &Path, quick: bool, only: &[Part], soak: Option<u64>) -> Result<()> {
    pin_generator()?;
    let times = if quick { QUICK } else { TIMES };
    let parts = if only.is_empty() && soak.is_none() { &PARTS } else { only };
    let mut report = Report::open(out)?;
    for part in parts {
        report.put(match part {
            Part::Ladder => ladder("ladder", LARGE, times)?,
            Part::LadderGzip => ladder("ladder-gzip", COMPRESSED, times)?,
            Part::LadderSmall => ladder("ladder-small", SMALL, times)?,
            Part::Peers => peers("peers", LARGE, times)?,
            Part::PeersSmall => peers("peers-small", SMALL, times)?,
            Part::Connections => connections(times)?,
            Part::Latency => latency(times)?,
        });
        report.write(out, &ORDER, &NOT_MEASURED)?;
    }
    if let Some(minutes) = soak {
        report.put(soaked(Duration::from_secs(minutes * 60), times)?);
        report.write(out, &ORDER, &NOT_MEASURED)?;
    }
    Ok(())
}

fn ladder(id: &str, kind: Kind, times: Times) -> Result<Table> {
    let rungs = Rung::ALL.map(Subject::Rung);
    let service = [Subject::ServiceAlone(Durability::Fsync), Subject::Service(Durability::Fsync)];
    let measured = measure_all(id, kind, rungs.into_iter().chain(service), Keeps::Open, times)?;
    let floor = measured.first().map_or(f64::NAN, |first| first.events_per_second);
    let title = |measured: &Measured| match measured.subject {
        Subject::ServiceAlone(_) => "the service, ClickHouse away".to_owned(),
        Subject::Service(_) => "the service with its ClickHouse on the same core".to_owned(),
        subject => subject.title(),
    };
    let rows = measured.iter().map(|rung| {
        let mut row =
            vec![json!(title(rung)), rounded(rung.events_per_second, 0), rounded(rung.events_per_second / floor * 100.0, 1)];
        row.extend(cells(rung));
        row
    });
    let columns = [text("server"), number("events a second and core", "", 0), number("of the first", "%", 1)];
    Ok(Table {
        id: id.into(),
        title: format!("What each step costs: {}", named(kind)),
        note: format!(
            "{} One server for each line, which does one thing more than the one above it, with the service's own functions. {}",
            described(kind)?,
            method(times)
        ),
        columns: columns.into_iter().chain(columns_of_cells()).collect(),
        rows: rows.collect(),
        plot: json!({"kind": "bars", "label": 0, "value": 1}),
    })
}

fn peers(id: &str, kind: Kind, times: Times) -> Result<Table> {
    let subjects = [
        Subject::Service(Durability::Memory),
        Subject::Fastify(Answered::FromMemory),
        Subject::Service(Durability::Os),
        Subject::Nginx,
        Subject::Redis(Sync::EverySecond),
        Subject::Nats,
        Subject::Service(Durability::Fsync),
        Subject::Redis(Sync::Always),
        Subject::Postgres,
        Subject::Fastify(Answered::FromDatabase),
    ];
    let measured = measure_all(id, kind, subjects, Keeps::Open, times)?;
    let rows = measured.iter().map(|peer| {
        let mut row = vec![json!(peer.subject.title()), json!(peer.subject.class()), rounded(peer.events_per_second, 0)];
        row.push(peer.queryable_per_second.filter(|_| is_queryable(peer.subject)).map_or(Value::Null, |rate| rounded(rate, 0)));
        row.extend(cells(peer));
        row
    });
    let columns = [
        text("target"),
        text("class"),
        number("acknowledged events a second and core", "", 0),
        number("queryable events a second and core", "", 0),
    ];
    Ok(Table {
        id: id.into(),
        title: format!("Beside others: {}", named(kind)),
        note: format!(
            "{} Compare within a class only: an answer means D0 in memory, D1 written, D2 synced to disk, D3 in the database. nginx, Redis, NATS and \
             PostgreSQL keep the body as it came: nothing is parsed, checked, enriched, scrubbed or ready for a question. nginx writes its line just \
             after the answer. fastify checks the version alone and inserts into one table without rollups. ClickHouse is the same embedded engine \
             for Beamline and fastify and has the target's core too. Queryable counts the time until the last event could be asked for. {}",
            described(kind)?,
            method(times)
        ),
        columns: columns.into_iter().chain(columns_of_cells()).collect(),
        rows: rows.collect(),
        plot: json!({"kind": "bars", "label": 0, "value": 2}),
    })
}

fn connections(times: Times) -> Result<Table> {
    let subjects =
        [Subject::Rung(Rung::Read), Subject::ServiceAlone(Durability::Fsync), Subject::Service(Durability::Fsync), Subject::Nginx];
    let mut rows = Vec::new();
    for (keeps, name) in [(Keeps::Open, "kept"), (Keeps::Closed, "a new one each")] {
        for measured in measure_all(name, SMALL, subjects, keeps, times)? {
            let mut row = vec![json!(measured.subject.title()), json!(name), rounded(measured.beacons_per_second, 0)];
            row.extend(cells(&measured));
            rows.push(row);
        }
    }
    let columns = [text("target"), text("connections"), number("beacons a second and core", "", 0)];
    Ok(Table {
        id: "connections".into(),
        title: format!("Connections kept and new: {}", named(SMALL)),
        note: format!("{} {}", described(SMALL)?, method(times)),
        columns: columns.into_iter().chain(columns_of_cells()).collect(),
        rows,
        plot: Value::Null,
    })
}

fn latency(times: Times) -> Result<Table> {
    let subjects = [
        Subject::Service(Durability::Memory),
        Subject::Service(Durability::Os),
        Subject::Service(Durability::Fsync),
        Subject::Nginx,
        Subject::Fastify(Answered::FromMemory),
        Subject::Fastify(Answered::FromDatabase),
    ];
    let corpus = Arc::new(Corpus::open(LARGE)?);
    let mut rows = Vec::new();
    for subject in subjects {
        let mut bench = Bench::start(subject, corpus.clone(), ready(&corpus, times))?;
        bench.send(Pace::Saturating, Keeps::Open, times.warm_up)?;
        let capacity = bench.send(Pace::Saturating, Keeps::Open, times.saturation)?.per_second();
        bench.drain()?;
        for share in SHARES {
            let outcome = bench.send(Pace::PerSecond(capacity * share), Keeps::Open, times.latency)?;
            let events = outcome.per_second() * 20.0;
            println!("  latency, {}: {events:.0} events/s, p99 {:.2} ms", subject.title(), outcome.quantile_ms(0.99));
            let mut row = vec![json!(subject.title()), rounded(share * 100.0, 0), rounded(events, 0)];
            row.extend([0.5, 0.99, 0.999].map(|quantile| rounded(outcome.quantile_ms(quantile), 2)));
            rows.push(row);
        }
        bench.drain()?;
        bench.stop()?;
    }
    let columns = vec![
        text("target"),
        number("of its capacity", "%", 0),
        number("events a second", "", 0),
        number("p50", "ms", 2),
        number("p99", "ms", 2),
        number("p99.9", "ms", 2),
    ];
    Ok(Table {
        id: "latency".into(),
        title: format!("Latency under load: {}", named(LARGE)),
        note: format!("{} {}", described(LARGE)?, method(times)),
        columns,
        rows,
        plot: json!({"kind": "lines", "series": 0, "x": 2, "y": 4, "log_x": true, "log_y": true}),
    })
}

fn soaked(length: Duration, times: Times) -> Result<Table> {
    let corpus = Arc::new(Corpus::open(LARGE)?);
    let mut bench = Bench::start(Subject::Service(Durability::Fsync), corpus, Arc::default())?;
    bench.send(Pace::Saturating, Keeps::Open, times.warm_up)?;
    let capacity = bench.send(Pace::Saturating, Keeps::Open, times.saturation)?.per_second();
    bench.drain()?;
    let (mut rows, mut passed) = (Vec::new(), Duration::ZERO);
    while passed < length {
        let step = SOAK_EVERY.min(length.saturating_sub(passed));
        let outcome = bench.send(Pace::PerSecond(capacity * SOAK_SHARE), Keeps::Open, step)?;
        passed += step;
        let (service, engine) = bench.used();
        let minutes = passed.as_secs_f64() / 60.0;
        println!("  soak, {minutes:.2} min: {:.0} beacons/s, service {} MiB", outcome.per_second(), service.rss_bytes >> 20);
        for (name, used) in [("service", service), ("engine", engine)] {
            rows.push(vec![
                json!(name),
                rounded(minutes, 2),
                rounded(mib(used.rss_bytes), 1),
                rounded(outcome.quantile_ms(0.99), 2),
            ]);
        }
    }
    let missing = bench.drain()?;
    let each = bench.kind().events;
    bench.stop()?;
    Ok(Table {
        id: "soak".into(),
        title: format!("Memory over {} minutes: {}", length.as_secs() / 60, named(LARGE)),
        note: format!(
            "{:.0} beacons of {each} events a second, {:.0} % of what was taken at full speed before. Events acknowledged and not stored after \
             the drain: {}.",
            capacity * SOAK_SHARE,
            SOAK_SHARE * 100.0,
            missing.unwrap_or_default()
        ),
        columns: vec![text("process"), number("minutes", "", 2), number("memory", "MiB", 1), number("p99 of all answers", "ms", 2)],
        rows,
        plot: json!({"kind": "lines", "series": 0, "x": 1, "y": 2, "log_x": false, "log_y": false}),
    })
}

fn measure_all(
    what: &str,
    kind: Kind,
    subjects: impl IntoIterator<Item = Subject>,
    keeps: Keeps,
    times: Times,
) -> Result<Vec<Measured>> {
    let corpus = Arc::new(Corpus::open(kind)?);
    let ready = ready(&corpus, times);
    let mut all = Vec::new();
    for subject in subjects {
        let measured = measure(subject, &corpus, &ready, keeps, times)?;
        let Measured { events_per_second, cpu_us_per_event, p99_ms, missing, .. } = measured;
        println!(
            "  {what}, {}: {events_per_second:.0} events/s, {cpu_us_per_event:.2} µs CPU an event, p99 {p99_ms:.2} ms, missing {missing:?}",
            subject.title()
        );
        all.push(measured);
    }
    Ok(all)
}

/// The columns that tables of targets share.
fn columns_of_cells() -> [Value; 9] {
    [
        number("CPU an event", "µs", 2),
        number("CPU of the engine an event", "µs", 2),
        number("p50 at half", "ms", 2),
        number("p99 at half", "ms", 2),
        number("p99.9 at half", "ms", 2),
        number("memory", "MiB", 1),
        number("written an event", "B", 0),
        number("acknowledged, not stored", "", 0),
        number("refused", "", 0),
    ]
}

fn cells(measured: &Measured) -> [Value; 9] {
    [
        rounded(measured.cpu_us_per_event, 2),
        measured.engine_us_per_event.map_or(Value::Null, |time| rounded(time, 2)),
        rounded(measured.p50_ms, 2),
        rounded(measured.p99_ms, 2),
        rounded(measured.p999_ms, 2),
        rounded(mib(measured.rss_bytes), 1),
        rounded(measured.written_bytes_per_event, 0),
        measured.missing.map_or(Value::Null, |missing| json!(missing)),
        json!(measured.refused),
    ]
}

const fn is_queryable(subject: Subject) -> bool {
    matches!(subject, Subject::Service(_) | Subject::Fastify(_))
}

fn named(kind: Kind) -> String {
    let events = if kind.events == 1 { "one event".to_owned() } else { format!("{} events", kind.events) };
    format!("beacons of {events}{}", if kind.encoding == Encoding::Gzip { ", gzip" } else { "" })
}

fn described(kind: Kind) -> Result<String> {
    let bytes = Corpus::open(kind)?.mean_bytes();
    Ok(format!("Recorded {}, {} ({bytes} B a body).", named(kind), kind.encoding.name()))
}

fn method(times: Times) -> String {
    format!(
        "The target has one core, the generator the other. Full speed: 256 connections, the next beacon as soon as one is answered, {} s after {} s \
         of warm-up. Latency: open loop at half of that, {} s, from the moment a beacon was due. CPU, memory and bytes are the target's processes \
         without the engine; CPU includes the work after the answer.",
        times.saturation.as_secs_f64(),
        times.warm_up.as_secs_f64(),
        times.latency.as_secs_f64()
    )
}

#[expect(clippy::cast_precision_loss, reason = "a size")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
