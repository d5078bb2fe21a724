//! What the service reads from ClickHouse.

use std::time::Duration;

use super::{ClickHouse, QueryError};

const LEDGER_TIMEOUT: Duration = Duration::from_secs(10);

impl ClickHouse {
    /// Events accepted on the day (UTC) of `now_ms`, by project, as far as they have reached the ledger.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn events_accepted_on(&self, now_ms: u64) -> Result<Vec<(String, u64)>, QueryError> {
        const ACCEPTED: &str = "SELECT project_id, sum(count) FROM ingest_outcomes
            WHERE outcome = 'accepted' AND scope = 'event' AND toDate(minute) = toDate(toDateTime(?, 'UTC')) GROUP BY project_id";
        let rows = self.client.query(ACCEPTED).bind(now_ms / 1000).fetch_all::<(String, u64)>();
        let answer = async { Ok(tokio::time::timeout(LEDGER_TIMEOUT, rows).await.map_err(|_| QueryError::TimedOut)??) };
        self.times.observe("events_accepted_on", answer).await
    }
}
