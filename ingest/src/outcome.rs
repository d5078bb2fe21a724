//! Outcomes without a spool record of their own, summed up until they are written to the ledger.
//!
//! Accepted events and single refused events reach the ledger with their beacon's own record. Refused requests and beacons that were
//! sent again have no record, so they are counted here and spooled as one small record a second at most: a flood of garbage must not
//! fill the disk. What was counted since the last record is lost when the process is killed.

use std::{collections::BTreeMap, sync::Mutex};

use rum_protocol::RejectReason;

use crate::accepted::LedgerLine;

/// Counts refused requests and duplicates by project and minute.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<BTreeMap<Key, u64>>,
}

/// Project, minute, outcome, reason and scope of a [`LedgerLine`].
type Key = (String, u32, i8, String, i8);

impl Tally {
    /// Counts one refused request. `now_ms` is Unix time.
    pub fn refused(&self, project_id: Option<&str>, reason: RejectReason, now_ms: u64) {
        let project_id = project_id.unwrap_or_default().to_owned();
        self.add((project_id, minute(now_ms), LedgerLine::REJECTED, reason.name().into(), LedgerLine::REQUESTS), 1);
    }

    /// Counts one beacon that was sent again, with so many events. `now_ms` is Unix time.
    pub fn duplicate(&self, project_id: &str, events: u64, now_ms: u64) {
        for (scope, count) in [(LedgerLine::REQUESTS, 1), (LedgerLine::EVENTS, events)] {
            self.add((project_id.into(), minute(now_ms), LedgerLine::DUPLICATE, String::new(), scope), count);
        }
    }

    /// Takes everything counted since the last call.
    pub fn take(&self) -> Vec<LedgerLine> {
        let counts = std::mem::take(&mut *self.lock());
        let line = |((project_id, minute, outcome, reason, scope), count)| LedgerLine {
            project_id,
            minute,
            outcome,
            reason,
            scope,
            count,
        };
        counts.into_iter().map(line).collect()
    }

    /// Puts counts back that could not be written.
    pub fn put_back(&self, lines: Vec<LedgerLine>) {
        for LedgerLine { project_id, minute, outcome, reason, scope, count } in lines {
            self.add((project_id, minute, outcome, reason, scope), count);
        }
    }

    fn add(&self, key: Key, count: u64) {
        *self.lock().entry(key).or_default() += count;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, u64>> {
        self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The minute the ledger counts a moment to, in seconds.
fn minute(now_ms: u64) -> u32 {
    u32::try_from(now_ms / 60_000 * 60).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_summed_by_project_minute_and_reason() {
        let tally = Tally::default();
        for now_ms in [60_000, 119_999, 120_000] {
            tally.refused(Some("shop"), RejectReason::NotJson, now_ms);
            tally.duplicate("shop", 5, now_ms);
        }
        tally.refused(None, RejectReason::UnknownKey, 60_000);
        let taken = tally.take();
        let shown =
            |line: &LedgerLine| (line.project_id.clone(), line.minute, line.outcome, line.reason.clone(), line.scope, line.count);
        let expected = [
            ("", 60, LedgerLine::REJECTED, "unknown_key", LedgerLine::REQUESTS, 1),
            ("shop", 60, LedgerLine::REJECTED, "not_json", LedgerLine::REQUESTS, 2),
            ("shop", 60, LedgerLine::DUPLICATE, "", LedgerLine::REQUESTS, 2),
            ("shop", 60, LedgerLine::DUPLICATE, "", LedgerLine::EVENTS, 10),
            ("shop", 120, LedgerLine::REJECTED, "not_json", LedgerLine::REQUESTS, 1),
            ("shop", 120, LedgerLine::DUPLICATE, "", LedgerLine::REQUESTS, 1),
            ("shop", 120, LedgerLine::DUPLICATE, "", LedgerLine::EVENTS, 5),
        ];
        let expected = expected.map(|(project, minute, outcome, reason, scope, count)| {
            (project.to_owned(), minute, outcome, reason.to_owned(), scope, count)
        });
        assert_eq!(taken.iter().map(shown).collect::<Vec<_>>(), expected);
        assert!(tally.take().is_empty());
        tally.put_back(taken.clone());
        assert_eq!(tally.take(), taken);
    }
}
