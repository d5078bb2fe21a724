//! Refused requests, summed up until they are written to the ledger.
//!
//! Accepted events and single refused events reach the ledger with their beacon's own record. Refused requests have no record, so they
//! are counted here and spooled as one small record a minute at most: a flood of garbage must not fill the disk.

use std::{collections::BTreeMap, sync::Mutex};

use rum_protocol::RejectReason;

use crate::accepted::Refusal;

/// Counts refused requests by project, minute and reason.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<BTreeMap<(String, u32, RejectReason), u64>>,
}

impl Refusals {
    /// Counts one refused request. `now_ms` is Unix time.
    pub fn count(&self, project_id: Option<&str>, reason: RejectReason, now_ms: u64) {
        let minute = u32::try_from(now_ms / 60_000 * 60).unwrap_or(u32::MAX);
        let key = (project_id.unwrap_or_default().to_owned(), minute, reason);
        *self.lock().entry(key).or_default() += 1;
    }

    /// Takes everything counted since the last call.
    pub fn take(&self) -> Vec<Refusal> {
        std::mem::take(&mut *self.lock())
            .into_iter()
            .map(|((project_id, minute, reason), requests)| Refusal { project_id, minute, reason: reason.name().into(), requests })
            .collect()
    }

    /// Puts counts back that could not be written.
    pub fn put_back(&self, refusals: Vec<Refusal>) {
        let mut counts = self.lock();
        for refusal in refusals {
            if let Some(reason) = RejectReason::ALL.iter().find(|reason| reason.name() == refusal.reason) {
                *counts.entry((refusal.project_id, refusal.minute, *reason)).or_default() += refusal.requests;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, u32, RejectReason), u64>> {
        self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_summed_by_project_minute_and_reason() {
        let refusals = Refusals::default();
        for now_ms in [60_000, 119_999, 120_000] {
            refusals.count(Some("shop"), RejectReason::NotJson, now_ms);
        }
        refusals.count(None, RejectReason::UnknownKey, 60_000);
        let taken = refusals.take();
        assert_eq!(
            taken.iter().map(|r| (r.project_id.as_str(), r.minute, r.reason.as_str(), r.requests)).collect::<Vec<_>>(),
            [("", 60, "unknown_key", 1), ("shop", 60, "not_json", 2), ("shop", 120, "not_json", 1)]
        );
        assert!(refusals.take().is_empty());
        refusals.put_back(taken.clone());
        assert_eq!(refusals.take(), taken);
    }
}
