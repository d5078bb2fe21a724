//! One target, measured: how much it takes at most, how fast it answers below that, and whether all of it is there afterwards.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use rustix::process::Signal;

use crate::{
    corpus::{Corpus, Encoding, Kind},
    dialect::Keeps,
    load::{Outcome, Pace, Stock, Way, load},
    process::Used,
    stored::Counted,
    targets::{Subject, Target},
};

/// Connections of a load. As many wait for one group's sync, so few would measure the disk's latency instead.
const CONNECTIONS: usize = 256;
/// Compressed bodies made for a second of load; what is beyond them is compressed by the generator as it goes.
const READY_PER_SECOND: u64 = 16_000;

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// At full speed before anything is counted: the same for every target.
    pub(crate) warm_up: Duration,
    /// At full speed.
    pub(crate) saturation: Duration,
    /// At half of that.
    pub(crate) latency: Duration,
}

/// What was measured of a target.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) subject: Subject,
    pub(crate) events_per_second: f64,
    pub(crate) beacons_per_second: f64,
    /// Of the target without the engine, at full speed.
    pub(crate) cpu_us_per_event: f64,
    /// Of the engine, what it did after the load included.
    pub(crate) engine_us_per_event: Option<f64>,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    /// After the load at full speed, without the engine.
    pub(crate) rss_bytes: u64,
    pub(crate) written_bytes_per_event: f64,
    /// Acknowledged less stored, in what the target counts.
    pub(crate) missing: Option<i64>,
    /// Events a second from the first beacon until the last of a load at full speed could be queried.
    pub(crate) queryable_per_second: Option<f64>,
    pub(crate) refused: u64,
}

/// A target under measurement, and what it has acknowledged.
pub(crate) struct Bench {
    target: Target,
    corpus: Arc<Corpus>,
    ready: Arc<[Vec<u8>]>,
    used: usize,
    acknowledged: u64,
    refused: u64,
}

/// Compressed bodies for one target after the other: none gets one twice.
pub(crate) fn ready(corpus: &Corpus, times: Times) -> Arc<[Vec<u8>]> {
    let seconds = (times.warm_up + times.saturation + times.latency / 2).as_secs();
    let bodies = if corpus.kind.encoding == Encoding::Gzip { READY_PER_SECOND * seconds } else { 0 };
    (0..usize::try_from(bodies).unwrap_or_default()).map(|number| corpus.body(number)).collect()
}

impl Bench {
    pub(crate) fn start(subject: Subject, corpus: Arc<Corpus>, ready: Arc<[Vec<u8>]>) -> Result<Self> {
        Ok(Self { target: Target::start(subject)?, corpus, ready, used: 0, acknowledged: 0, refused: 0 })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.corpus.kind
    }

    /// Sends, and counts what was acknowledged.
    pub(crate) fn send(&mut self, pace: Pace, keeps: Keeps, length: Duration) -> Result<Outcome> {
        let way = Way { address: self.target.address, dialect: self.target.dialect, keeps, connections: CONNECTIONS };
        let stock = Stock::new(self.corpus.clone(), self.ready.clone(), self.used);
        let (outcome, used) = load(way, stock, pace, length)?;
        self.used = used;
        self.acknowledged += outcome.taken;
        self.refused += outcome.refused;
        Ok(outcome)
    }

    pub(crate) fn used(&self) -> (Used, Used) {
        self.target.used()
    }

    /// Waits until all that was acknowledged is stored: how much is missing. Absent if the target stores nothing that can be counted.
    pub(crate) fn drain(&self) -> Result<Option<i64>> {
        let Some(counted) = self.target.stored.counted() else { return Ok(None) };
        let each = if counted == Counted::Events { self.corpus.kind.events as u64 } else { 1 };
        let expected = self.acknowledged * each;
        let stored = self.target.stored.drained(expected)?;
        Ok(Some(i64::try_from(expected)? - i64::try_from(stored)?))
    }

    /// Ends the target as its operator would.
    pub(crate) fn stop(self) -> Result<()> {
        self.target.stop(Signal::TERM)
    }
}

/// Everything about one target.
pub(crate) fn measure(
    subject: Subject,
    corpus: &Arc<Corpus>,
    ready: &Arc<[Vec<u8>]>,
    keeps: Keeps,
    times: Times,
) -> Result<Measured> {
    let mut bench = Bench::start(subject, corpus.clone(), ready.clone())?;
    bench.send(Pace::Saturating, keeps, times.warm_up)?;
    bench.drain()?;
    let (before, engine_before) = bench.used();
    let begin = std::time::Instant::now();
    let full = bench.send(Pace::Saturating, keeps, times.saturation)?;
    let after = bench.used().0;
    let missing = bench.drain()?;
    let until_queryable = begin.elapsed();
    let (drained, engine_after) = bench.used();
    let half = bench.send(Pace::PerSecond(full.per_second() / 2.0), keeps, times.latency)?;
    let missing = bench.drain()?.or(missing);
    let refused = bench.refused;
    bench.stop()?;
    ensure!(full.taken > 0 && half.taken > 0, "{subject:?} took nothing");
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let (events, each) = ((full.taken * corpus.kind.events as u64) as f64, corpus.kind.events as f64);
    let engine = engine_after.since(engine_before);
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let written = (drained.since(before).written_bytes + engine.written_bytes) as f64;
    Ok(Measured {
        subject,
        events_per_second: full.per_second() * each,
        beacons_per_second: full.per_second(),
        cpu_us_per_event: drained.since(before).cpu.as_secs_f64() * 1e6 / events,
        engine_us_per_event: (engine_after.rss_bytes > 0).then(|| engine.cpu.as_secs_f64() * 1e6 / events),
        p50_ms: half.quantile_ms(0.5),
        p99_ms: half.quantile_ms(0.99),
        p999_ms: half.quantile_ms(0.999),
        rss_bytes: after.rss_bytes,
        written_bytes_per_event: written / events,
        missing,
        queryable_per_second: missing.map(|_| events / until_queryable.as_secs_f64()),
        refused,
    })
}
