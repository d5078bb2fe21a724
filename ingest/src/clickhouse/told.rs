//! From spool records to rows: a pure function, so that the same records give the same rows for ever.

use super::{
    error_rows::ErrorRow,
    ledger::{Ledger, OutcomeRow},
    rows::{EventRow, add},
};
use crate::accepted::{AcceptedBeacon, Record};

/// The rows of a segment, by table.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rows {
    /// Of sessions in the sample, for `events` and `errors`.
    pub(super) counted: Told,
    /// Of sessions outside it, for `kept_events` and `kept_errors`.
    pub(super) kept: Told,
    pub(super) outcomes: Vec<OutcomeRow>,
}

/// What pages told.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) events: Vec<EventRow>,
    pub(super) errors: Vec<ErrorRow>,
    /// For each row of `events`, where it came from.
    pub(super) event_origins: Vec<Origin>,
    /// For each row of `errors`, where it came from.
    pub(super) error_origins: Vec<Origin>,
}

/// Where a row came from: which of the records, which of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) record: usize,
    pub(super) event: usize,
}

/// Makes the rows of records, in their order. The ledger rows are summed over the whole.
pub(super) fn rows(records: &[Record]) -> Rows {
    let mut rows = Rows::default();
    let mut ledger = Ledger::default();
    for (number, record) in records.iter().enumerate() {
        match record {
            Record::Beacon(beacon) => {
                ledger.beacon(beacon);
                add_all(beacon, number, rows.told_by(beacon));
            }
            Record::Replayed(beacon) => add_all(beacon, number, rows.told_by(beacon)),
            Record::Refusals(refusals) => ledger.refusals(refusals),
            Record::Ledger(lines) => ledger.lines(lines),
        }
    }
    rows.outcomes = ledger.rows();
    rows
}

impl Rows {
    /// How many rows pages told.
    pub(super) fn told(&self) -> usize {
        [&self.counted, &self.kept].iter().map(|told| told.events.len() + told.errors.len()).sum()
    }

    fn told_by(&mut self, beacon: &AcceptedBeacon) -> &mut Told {
        if beacon.sample_rate > 0.0 { &mut self.counted } else { &mut self.kept }
    }
}

fn add_all(beacon: &AcceptedBeacon, record: usize, told: &mut Told) {
    for (event, accepted) in beacon.events.iter().enumerate() {
        add(accepted, beacon, told);
        told.event_origins.resize(told.events.len(), Origin { record, event });
        told.error_origins.resize(told.errors.len(), Origin { record, event });
    }
}
