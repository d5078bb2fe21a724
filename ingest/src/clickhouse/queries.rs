//! What the service reads from ClickHouse.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ClickHouse, QueryError};

/// The quantiles of every summary, as labels and in the order of [`VitalSummary::quantiles`].
pub const QUANTILES: [f64; 5] = [0.5, 0.75, 0.9, 0.95, 0.99];

/// The page that stands for all pages without series of their own.
pub const OTHER_PAGES: &str = "__other__";

const SUMMARY_TIMEOUT: Duration = Duration::from_secs(30);

/// One vital on one page and device class.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub struct VitalSummary {
    /// The project.
    pub project_id: String,
    /// `FCP`, `LCP`, …
    pub metric: String,
    /// The page, or [`OTHER_PAGES`].
    pub page: String,
    /// The device class.
    pub device: String,
    /// Quantiles over the window, by nearest rank and within 0.55 %; NaN when the window is empty. Milliseconds, CLS without unit.
    pub quantiles: Vec<f64>,
    /// Sum of all values kept.
    pub sum: f64,
    /// Number of all values kept.
    pub count: i64,
}

/// Bucket counts are summed first; the bucket of a rank is the first whose running count reaches it; its value is the middle
/// of the bucket on the logarithmic scale. Bucket -32768 holds zeros.
const SUMMARIES: &str = "
WITH
    top AS
    (
        SELECT project_id, page FROM vitals_1d GROUP BY project_id, page
        ORDER BY project_id, sum(count) DESC, page LIMIT ? BY project_id
    ),
    recent AS
    (
        SELECT
            project_id, metric, if((project_id, page) IN top, page, '__other__') AS shown_page, device,
            mapSort(mapFilter((bucket, n) -> n > 0, sumMap(buckets))) AS filled,
            arrayCumSum(mapValues(filled)) AS ranks,
            arrayMap(q -> mapKeys(filled)[arrayFirstIndex(rank -> rank >= greatest(1, ceil(q * ranks[-1])), ranks)], ?) AS found,
            arrayMap(bucket -> if(bucket = -32768, 0, exp2((bucket - 0.5) / 64)), found) AS quantiles
        FROM vitals_5m
        WHERE t > now() - toIntervalMinute(?)
        GROUP BY project_id, metric, shown_page, device
        HAVING notEmpty(filled)
    )
SELECT
    kept.project_id AS project_id, toString(kept.metric) AS metric, kept.shown_page AS page, kept.device AS device,
    if(empty(recent.quantiles), arrayMap(q -> nan, ?), recent.quantiles) AS quantiles,
    kept.total AS sum, kept.n AS count
FROM
(
    SELECT
        project_id, metric, if((project_id, page) IN top, page, '__other__') AS shown_page, device,
        sum(vitals_1d.sum) AS total, sum(vitals_1d.count) AS n
    FROM vitals_1d
    GROUP BY project_id, metric, shown_page, device
) AS kept
LEFT JOIN recent USING (project_id, metric, shown_page, device)
ORDER BY project_id, metric, page, device";

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
        Ok(tokio::time::timeout(LEDGER_TIMEOUT, rows).await.map_err(|_| QueryError::TimedOut)??)
    }

    /// The summaries of all vitals: quantiles over the last `window_minutes`, sums and counts over all that is kept. The `top_pages`
    /// pages with the most values stand alone, the rest share [`OTHER_PAGES`].
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn vital_summaries(&self, window_minutes: u32, top_pages: u32) -> Result<Vec<VitalSummary>, QueryError> {
        let rows = self
            .client
            .query(SUMMARIES)
            .bind(top_pages)
            .bind(&QUANTILES[..])
            .bind(window_minutes)
            .bind(&QUANTILES[..])
            .fetch_all::<VitalSummary>();
        Ok(tokio::time::timeout(SUMMARY_TIMEOUT, rows).await.map_err(|_| QueryError::TimedOut)??)
    }
}
