use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::accepted::{AcceptedBeacon, LedgerLine, Refusal};

/// A row of `ingest_outcomes`.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub(super) struct OutcomeRow {
    project_id: String,
    minute: u32,
    outcome: i8,
    reason: String,
    scope: i8,
    count: u64,
}

impl OutcomeRow {
    /// What puts this row back.
    pub(super) fn line(&self) -> LedgerLine {
        let Self { project_id, minute, outcome, reason, scope, count } = self.clone();
        LedgerLine { project_id, minute, outcome, reason, scope, count }
    }
}

/// What became of requests and events, by project, minute, outcome, reason and scope.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<(String, u32, i8, String, i8), u64>);

impl Ledger {
    /// A beacon and its events.
    pub(super) fn beacon(&mut self, beacon: &AcceptedBeacon) {
        let minute = u32::try_from(beacon.received_at_ms / 60_000 * 60).unwrap_or(u32::MAX);
        self.count(&beacon.project_id, minute, LedgerLine::ACCEPTED, "", LedgerLine::REQUESTS, 1);
        self.count(&beacon.project_id, minute, LedgerLine::ACCEPTED, "", LedgerLine::EVENTS, beacon.events.len() as u64);
        for reason in &beacon.rejected {
            self.count(&beacon.project_id, minute, LedgerLine::REJECTED, reason, LedgerLine::EVENTS, 1);
        }
    }

    /// Refused requests.
    pub(super) fn refusals(&mut self, refusals: &[Refusal]) {
        for Refusal { project_id, minute, reason, requests } in refusals {
            self.count(project_id, *minute, LedgerLine::REJECTED, reason, LedgerLine::REQUESTS, *requests);
        }
    }

    /// Lines that are put back.
    pub(super) fn lines(&mut self, lines: &[LedgerLine]) {
        for LedgerLine { project_id, minute, outcome, reason, scope, count } in lines {
            self.count(project_id, *minute, *outcome, reason, *scope, *count);
        }
    }

    fn count(&mut self, project_id: &str, minute: u32, outcome: i8, reason: &str, scope: i8, count: u64) {
        *self.0.entry((project_id.to_owned(), minute, outcome, reason.to_owned(), scope)).or_default() += count;
    }

    /// The sums, in a fixed order.
    pub(super) fn rows(self) -> Vec<OutcomeRow> {
        let row = |((project_id, minute, outcome, reason, scope), count)| OutcomeRow {
            project_id,
            minute,
            outcome,
            reason,
            scope,
            count,
        };
        self.0.into_iter().map(row).collect()
    }
}
