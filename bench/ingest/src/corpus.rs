//! The frozen corpus: beacons recorded from real visits, replayed with ids of their own so that none is a repetition of another.
//!
//! Only ids and times change, and none changes its length: every target gets the same bytes otherwise. Times are moved once to the
//! present, as a page's own would be. Compressed bodies are made with the level that browsers use.

use std::{
    io::Write as _,
    ops::Range,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use rand::Rng as _;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Events in each beacon: 1, 5 or 20.
    pub(crate) events: usize,
    /// How the body is written.
    pub(crate) encoding: Encoding,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
        }
    }
}

/// The beacons of one kind.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// What these are.
    pub(crate) kind: Kind,
    templates: Vec<Template>,
}

/// A recorded beacon and where its ids are.
#[derive(Debug)]
struct Template {
    text: Vec<u8>,
    /// For each id, every place where it is written.
    ids: Vec<Vec<Range<usize>>>,
}

/// Keys whose values are ids.
const ID_KEYS: [&str; 5] = ["beacon_id", "id", "metric_id", "trace_id", "action_id"];
/// Digits of a time in Unix milliseconds, until the year 2286.
const TIME_DIGITS: usize = 13;

impl Corpus {
    /// Reads the recorded beacons of one size.
    pub(crate) fn open(kind: Kind) -> Result<Self> {
        let path = directory().join(format!("{}.jsonl", kind.events));
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; record it with `node bench/ingest/record.mjs`", path.display()))?;
        let templates = text.lines().map(Template::of).collect::<Result<Vec<_>>>()?;
        ensure!(!templates.is_empty(), "{} is empty; record it with `node bench/ingest/record.mjs`", path.display());
        Ok(Self { kind, templates })
    }

    /// The `number`th body: the recorded beacons in turn, each with new ids.
    pub(crate) fn body(&self, number: usize) -> Vec<u8> {
        let text = self.templates[number % self.templates.len()].text_with_new_ids();
        match self.kind.encoding {
            Encoding::Plain => text,
            Encoding::Gzip => gzip(&text),
        }
    }

    /// Mean bytes of a body as it is sent.
    pub(crate) fn mean_bytes(&self) -> usize {
        let bytes: usize = (0..self.templates.len()).map(|number| self.body(number).len()).sum();
        bytes / self.templates.len()
    }
}

impl Template {
    fn of(line: &str) -> Result<Self> {
        let beacon: serde_json::Value = serde_json::from_str(line).context("the corpus has a line that is no JSON")?;
        let sent_at_ms = beacon["sent_at_ms"].as_u64().context("a recorded beacon lacks sent_at_ms")?;
        let mut ids = Vec::new();
        collect_ids(&beacon, &mut ids);
        ids.sort();
        ids.dedup();
        let ids = ids.iter().map(|id| line.match_indices(id.as_str()).map(|(at, _)| at..at + id.len()).collect()).collect();
        Ok(Self { text: moved(line, now_ms().saturating_sub(sent_at_ms)).into_bytes(), ids })
    }

    fn text_with_new_ids(&self) -> Vec<u8> {
        let mut text = self.text.clone();
        let mut random = rand::rng();
        for places in &self.ids {
            let mut digits: u128 = random.random();
            let Some(first) = places.first() else { continue };
            for byte in text[first.clone()].iter_mut().filter(|byte| **byte != b'-') {
                *byte = b"0123456789abcdef"[usize::try_from(digits & 15).unwrap_or_default()];
                digits = digits.rotate_right(4);
            }
            for place in &places[1..] {
                text.copy_within(first.clone(), place.start);
            }
        }
        text
    }
}

fn collect_ids(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                match member.as_str() {
                    Some(text) if ID_KEYS.contains(&key.as_str()) => found.push(text.to_owned()),
                    _ => collect_ids(member, found),
                }
            }
        }
        serde_json::Value::Array(members) => members.iter().for_each(|member| collect_ids(member, found)),
        _ => {}
    }
}

/// The text with all times `by_ms` later.
fn moved(text: &str, by_ms: u64) -> String {
    const KEY: &str = "at_ms\":";
    let mut parts = text.split(KEY);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(KEY);
        match part.split_at_checked(TIME_DIGITS).and_then(|(time, rest)| Some((time.parse::<u64>().ok()?, rest))) {
            Some((time, rest)) => {
                out.push_str(&(time + by_ms).to_string());
                out.push_str(rest);
            }
            None => out.push_str(part),
        }
    }
    out
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::with_capacity(text.len() / 2), Compression::default());
    // A vector takes everything.
    let _ = out.write_all(text);
    out.finish().unwrap_or_default()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rum_ingest::{
        config::Project,
        pipeline::{Body, Head, Pipeline, Sender},
    };
    use std::time::Instant;

    struct NoTimer;
    impl rum_ingest::pipeline::StepTimer for NoTimer {
        fn took(&self, _: &'static str, _: std::time::Duration) {}
    }

    #[test]
    fn the_service_takes_every_event_of_every_recorded_beacon() {
        let mut project = Project::open_default();
        (project.rate_limit_per_second, project.event_limit_per_second) = (1_000_000, 1_000_000);
        let pipeline = Pipeline::new(&[project]);
        let head = Head { key: Some("default"), ..Head::default() };
        let admitted = pipeline.admit(head, Instant::now(), &NoTimer).unwrap();
        for (events, beacons) in [(1, 60), (5, 12), (20, 3)] {
            for (encoding, header) in [(Encoding::Plain, None), (Encoding::Gzip, Some("gzip"))] {
                let corpus = Corpus::open(Kind { events, encoding }).unwrap();
                assert_eq!(corpus.templates.len(), beacons);
                for number in 0..beacons {
                    let bytes = corpus.body(number);
                    let body = Body { bytes: &bytes, encoding: header, sender: Sender::default(), received: Instant::now() };
                    let acceptance = pipeline.accept(&admitted, body, now_ms(), &NoTimer).unwrap();
                    assert_eq!((acceptance.beacon.events.len(), acceptance.rejected.len()), (events, 0));
                    assert_eq!(acceptance.beacon.skew_ms, 0, "times are of the present");
                }
            }
        }
    }

    #[test]
    fn a_beacon_sent_twice_differs_in_its_ids_alone() {
        let corpus = Corpus::open(Kind { events: 20, encoding: Encoding::Plain }).unwrap();
        let [first, second] = [corpus.body(0), corpus.body(3)].map(|body| String::from_utf8(body).unwrap());
        assert_eq!(first.len(), second.len());
        assert_ne!(first, second);
        let [first, second] = [first, second].map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
        assert_ne!(first["beacon_id"], second["beacon_id"]);
        assert_ne!(first["views"][0]["id"], second["views"][0]["id"]);
        assert_eq!(first["events"][0], second["events"][0]);
        assert_eq!(first["events"][1]["value"], second["events"][1]["value"]);
    }
}
