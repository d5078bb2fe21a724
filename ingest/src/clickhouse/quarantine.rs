//! What ClickHouse refused for good: which blocks were halved, which rows were set aside, and the file an operator finds.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    errors::{InsertError, Reason},
    told::{Origin, Rows},
};
use crate::{
    accepted::{AcceptedBeacon, Record},
    spool::Sealed,
};

/// Most refusals of one segment that are looked into. Beyond them a refused block is set aside whole.
const MOST_DECISIONS: usize = 2_000;

/// What was done about a block that ClickHouse refused for good. Noted on disk before anything follows from it: if the block were
/// tried again after its halves were stored, and the refusal had gone meanwhile, its rows would be stored twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decision {
    /// The block.
    pub(super) token: String,
    pub(super) then: Then,
    pub(super) reason: String,
    pub(super) code: Option<u32>,
    pub(super) error: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Then {
    /// Its halves are blocks of their own.
    Halved,
    /// Its rows are in quarantine.
    SetAside,
}

/// All decisions about one segment.
#[derive(Debug, Default)]
pub(super) struct Decisions(BTreeMap<String, Decision>);

impl Decisions {
    /// Reads the lines noted so far. A line that was cut short was not acted on.
    pub(super) fn parse(lines: &str) -> Self {
        let decisions = lines.lines().filter_map(|line| serde_json::from_str::<Decision>(line).ok());
        Self(decisions.map(|decision| (decision.token.clone(), decision)).collect())
    }

    pub(super) fn of(&self, token: &str) -> Option<&Decision> {
        self.0.get(token)
    }

    /// Decides about a refused block of so many rows.
    pub(super) fn decide(&self, token: &str, rows: usize, reason: Reason, error: &InsertError) -> Decision {
        let then = if rows > 1 && self.0.len() < MOST_DECISIONS { Then::Halved } else { Then::SetAside };
        Decision { token: token.into(), then, reason: reason.name().into(), code: error.code, error: error.text.clone() }
    }

    pub(super) fn add(&mut self, decision: Decision) {
        self.0.insert(decision.token.clone(), decision);
    }
}

/// Rows of one table that were refused.
#[derive(Debug)]
pub(super) struct RefusedRows {
    pub(super) table: &'static str,
    pub(super) rows: Range<usize>,
    pub(super) decision: Decision,
}

/// A line of a quarantine file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refused {
    /// The table that refused; empty for a record that could not be read.
    pub table: String,
    /// [`Reason::name`].
    pub reason: String,
    /// ClickHouse's number of the error.
    #[serde(default)]
    pub code: Option<u32>,
    /// What was said against it.
    pub error: String,
    /// What puts exactly the refused rows back, as a spool record.
    #[serde(default)]
    pub record: Option<Box<RawValue>>,
    /// The record's bytes in hexadecimal digits, if they are not one line of JSON.
    #[serde(default)]
    pub record_hex: Option<String>,
}

impl Refused {
    /// The spool record that puts it back.
    pub fn to_record(&self) -> Option<Vec<u8>> {
        match (&self.record, &self.record_hex) {
            (Some(record), _) => Some(record.get().as_bytes().to_vec()),
            (None, Some(hex)) => from_hex(hex),
            (None, None) => None,
        }
    }

    fn new(table: &str, decision: &Decision, record: &Record) -> Option<Self> {
        let Decision { reason, code, error, .. } = decision.clone();
        let record = serde_json::value::to_raw_value(record).ok()?;
        Some(Self { table: table.into(), reason, code, error, record: Some(record), record_hex: None })
    }

    fn unreadable(bytes: &[u8], error: &serde_json::Error) -> Self {
        let one_line = !bytes.contains(&b'\n') && !bytes.contains(&b'\r');
        let record = std::str::from_utf8(bytes).ok().filter(|_| one_line).and_then(|text| RawValue::from_string(text.into()).ok());
        let record_hex = record.is_none().then(|| hex(bytes));
        let (reason, error) = (Reason::Unreadable.name().into(), error.to_string());
        Self { table: String::new(), reason, code: None, error, record, record_hex }
    }
}

/// The lines for a segment's quarantine file.
pub(super) fn lines(sealed: &Sealed, rows: &Rows, refused: &[RefusedRows]) -> Vec<u8> {
    let (records, unreadable) = records(sealed);
    let mut lines = unreadable;
    for RefusedRows { table, rows: range, decision } in refused {
        match *table {
            "events" => lines.extend(beacons(&records, &rows.counted.event_origins[range.clone()], table, decision)),
            "errors" => lines.extend(beacons(&records, &rows.counted.error_origins[range.clone()], table, decision)),
            "kept_events" => lines.extend(beacons(&records, &rows.kept.event_origins[range.clone()], table, decision)),
            "kept_errors" => lines.extend(beacons(&records, &rows.kept.error_origins[range.clone()], table, decision)),
            _ => {
                let ledger = rows.outcomes[range.clone()].iter().map(super::ledger::OutcomeRow::line).collect();
                lines.extend(Refused::new(table, decision, &Record::Ledger(ledger)));
            }
        }
    }
    let mut out = Vec::new();
    for line in lines.iter().filter_map(|line| serde_json::to_vec(line).ok()) {
        out.extend(line);
        out.push(b'\n');
    }
    out
}

/// The readable records of a segment, and a line for each that is not.
pub(super) fn records(sealed: &Sealed) -> (Vec<Record>, Vec<Refused>) {
    let mut unreadable = Vec::new();
    let read = |bytes| serde_json::from_slice(bytes).inspect_err(|error| unreadable.push(Refused::unreadable(bytes, error))).ok();
    let records = sealed.records().filter_map(read).collect();
    (records, unreadable)
}

/// The beacons of some rows, each with the events of these rows only.
fn beacons(records: &[Record], origins: &[Origin], table: &str, decision: &Decision) -> Vec<Refused> {
    let mut lines = Vec::new();
    for of_one in origins.chunk_by(|one, next| one.record == next.record) {
        let Some(Record::Beacon(beacon) | Record::Replayed(beacon)) = of_one.first().and_then(|origin| records.get(origin.record))
        else {
            continue;
        };
        let events = of_one.iter().filter_map(|origin| beacon.events.get(origin.event).cloned()).collect();
        let part = AcceptedBeacon { events, rejected: Vec::new(), ..(**beacon).clone() };
        lines.extend(Refused::new(table, decision, &Record::Replayed(Box::new(part))));
    }
    lines
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs =
        text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_cannot_be_read_comes_back_byte_by_byte() {
        for bytes in [&b"{\"later\":{\"x\":1}}"[..], b"\xff\x00no", b"{\n}", b""] {
            let error = serde_json::from_slice::<Record>(bytes).unwrap_err();
            let line = serde_json::to_string(&Refused::unreadable(bytes, &error)).unwrap();
            let read: Refused = serde_json::from_str(&line).unwrap();
            assert_eq!(read.to_record().as_deref(), Some(bytes));
        }
    }

    #[test]
    fn a_decision_cut_short_is_none() {
        let error = InsertError::transient("text");
        let decision = Decisions::default().decide("a-events-0", 2, Reason::Type, &error);
        assert_eq!(decision.then, Then::Halved);
        let line = serde_json::to_string(&decision).unwrap();
        let decisions = Decisions::parse(&format!("\n{line}\n\n{}", &line.replace("events", "errors")[..30]));
        assert_eq!(decisions.of("a-events-0"), Some(&decision));
        assert_eq!(decisions.0.len(), 1);
    }
}
