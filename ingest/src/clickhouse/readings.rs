//! What `/metrics` shows of the rollups, read in one go by a clock of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ClickHouse, QueryError};

/// The page or release that stands for all without a place of their own.
pub const OTHER: &str = "__other__";

const TIMEOUT: Duration = Duration::from_secs(30);

/// A name in a project: of a page or a release.
pub type Name = (String, String);

/// A vital of one page and device class on one day.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub struct VitalDay {
    /// The project.
    pub project_id: String,
    /// `FCP`, `LCP`, …
    pub metric: String,
    /// The page, or [`OTHER`].
    pub page: String,
    /// The device class.
    pub device: String,
    /// Days since 1970.
    pub day: u32,
    /// Good, needing improvement, poor.
    pub ratings: (i64, i64, i64),
    /// Sum of the values; milliseconds, CLS without unit.
    pub sum: f64,
    /// Counts by bucket, ascending.
    pub buckets: Vec<(i16, i64)>,
}

/// A vital of one page and device class over the window.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub struct VitalWindow {
    /// The project.
    pub project_id: String,
    /// `FCP`, `LCP`, …
    pub metric: String,
    /// The page, or [`OTHER`].
    pub page: String,
    /// The device class.
    pub device: String,
    /// Counts by bucket, ascending.
    pub buckets: Vec<(i16, i64)>,
}

/// What happened on one day.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub struct ActivityDay {
    /// The project.
    pub project_id: String,
    /// `page_view`, `action`, `error`, `request`, `failed_request`, `session` or `error_group`.
    pub kind: String,
    /// The page, or [`OTHER`]; empty where it is not told.
    pub page: String,
    /// The device class; empty where it is not told.
    pub device: String,
    /// The release, or [`OTHER`].
    pub release: String,
    /// Days since 1970.
    pub day: u32,
    /// How many.
    pub count: u64,
}

/// A business measure of one day: actions and measures with this name.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub struct MeasureDay {
    /// The project.
    pub project_id: String,
    /// Name of the action or measure.
    pub name: String,
    /// The device class.
    pub device: String,
    /// Days since 1970.
    pub day: u32,
    /// How many.
    pub count: u64,
    /// Sum of their values that are above zero.
    pub value: f64,
}

/// A poor vital of late.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Serialize, Deserialize)]
pub struct PoorVital {
    /// The project.
    pub project_id: String,
    /// `FCP`, `LCP`, …
    pub metric: String,
    /// The page.
    pub page: String,
    /// The device class.
    pub device: String,
    /// The page view.
    pub view_id: u64,
    /// Milliseconds, CLS without unit.
    pub value: f64,
    /// When it was measured, Unix milliseconds.
    pub at_ms: i64,
    /// The trace its beacon came in, 32 hexadecimal digits; empty if none is known.
    pub trace_id: String,
}

/// Days that are read: today (UTC) and two before, for what comes late.
const DAYS: &str = "toIntervalDay(2)";

impl ClickHouse {
    /// The pages with the most vitals and page views of the last seven days, most first: up to `most` of each project.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn top_pages(&self, most: u32) -> Result<Vec<Name>, QueryError> {
        const QUERY: &str = "SELECT project_id, page FROM
            (
                SELECT project_id, page, sum(count) AS n FROM vitals_1d WHERE t >= today() - toIntervalDay(7) GROUP BY project_id, page
                UNION ALL
                SELECT project_id, page, toInt64(sum(count)) AS n FROM activity_1h
                WHERE t >= today() - toIntervalDay(7) AND kind = 'page_view' GROUP BY project_id, page
            )
            GROUP BY project_id, page ORDER BY project_id, sum(n) DESC, page LIMIT ? BY project_id";
        self.names("top_pages", QUERY, most).await
    }

    /// The releases with the most page views of the last seven days, most first: up to `most` of each project.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn top_releases(&self, most: u32) -> Result<Vec<Name>, QueryError> {
        const QUERY: &str = "SELECT project_id, release FROM activity_1h
            WHERE t >= today() - toIntervalDay(7) AND kind = 'page_view' AND release != ''
            GROUP BY project_id, release ORDER BY project_id, sum(count) DESC, release LIMIT ? BY project_id";
        self.names("top_releases", QUERY, most).await
    }

    async fn names(&self, name: &'static str, query: &str, most: u32) -> Result<Vec<Name>, QueryError> {
        self.read(name, self.client.query(query).bind(most).fetch_all::<Name>()).await
    }

    async fn read<T>(
        &self,
        name: &'static str,
        answer: impl Future<Output = Result<T, ::clickhouse::error::Error>>,
    ) -> Result<T, QueryError> {
        let answer = async { Ok(tokio::time::timeout(TIMEOUT, answer).await.map_err(|_| QueryError::TimedOut)??) };
        self.times.observe(name, answer).await
    }

    /// Vitals by day. Pages that are not among `pages` are one.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn vitals_by_day(&self, pages: &[Name]) -> Result<Vec<VitalDay>, QueryError> {
        let query = format!(
            "SELECT project_id, toString(metric) AS metric, page_shown AS page, device, day, ratings, total AS sum, counts AS buckets FROM
            (
                SELECT project_id, metric, {} AS page_shown, device, toUInt32(toDate(t)) AS day,
                    tuple(sum(good), sum(needs_improvement), sum(poor)) AS ratings, sum(vitals_1d.sum) AS total,
                    mapSort(sumMap(vitals_1d.buckets)) AS counts
                FROM vitals_1d WHERE t >= today() - {DAYS}
                GROUP BY project_id, metric, page_shown, device, day
            )",
            folded("page")
        );
        self.read("vitals_by_day", self.client.query(&query).bind(listed(pages)).fetch_all::<VitalDay>()).await
    }

    /// Vitals of the last `minutes`. Pages that are not among `pages` are one.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn vitals_of_window(&self, minutes: u32, pages: &[Name]) -> Result<Vec<VitalWindow>, QueryError> {
        let query = format!(
            "SELECT project_id, toString(metric) AS metric, page_shown AS page, device, counts AS buckets FROM
            (
                SELECT project_id, metric, {} AS page_shown, device, mapSort(sumMap(vitals_5m.buckets)) AS counts
                FROM vitals_5m WHERE t > now() - toIntervalMinute(?)
                GROUP BY project_id, metric, page_shown, device
            )",
            folded("page")
        );
        self.read("vitals_of_window", self.client.query(&query).bind(listed(pages)).bind(minutes).fetch_all::<VitalWindow>()).await
    }

    /// Page views, actions, errors, requests, sessions and new groups of errors by day. Pages and releases that are not listed are one each.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn activity_by_day(&self, pages: &[Name], releases: &[Name]) -> Result<Vec<ActivityDay>, QueryError> {
        let query = format!(
            "SELECT toString(project_id) AS project_id, kind_shown AS kind, page_shown AS page, toString(device_shown) AS device,
                release_shown AS release, day, n AS count
            FROM
            (
                SELECT project_id, toString(kind) AS kind_shown, {page} AS page_shown, toString(device) AS device_shown,
                    {release} AS release_shown, toUInt32(toDate(t)) AS day, sum(count) AS n
                FROM activity_1h WHERE t >= today() - {DAYS} AND kind != 'measure'
                GROUP BY project_id, kind_shown, page_shown, device_shown, release_shown, day
                UNION ALL
                SELECT project_id, 'session' AS kind_shown, '' AS page_shown, of_session AS device_shown, {release} AS release_shown,
                    toUInt32(first_day) AS day, count() AS n
                FROM
                (
                    SELECT project_id, session_id, min(sessions.day) AS first_day, toString(max(sessions.device)) AS of_session,
                        max(sessions.release) AS release
                    FROM sessions WHERE sessions.day >= today() - {DAYS} GROUP BY project_id, session_id
                )
                GROUP BY project_id, device_shown, release_shown, day
                UNION ALL
                SELECT project_id, 'error_group' AS kind_shown, '' AS page_shown, '' AS device_shown, '' AS release_shown,
                    toUInt32(toDate(first)) AS day, count() AS n
                FROM (SELECT project_id, fingerprint, min(first_seen) AS first FROM error_groups GROUP BY project_id, fingerprint)
                WHERE first >= today() - {DAYS}
                GROUP BY project_id, day
            )",
            page = folded("page"),
            release = folded("release")
        );
        let (pages, releases) = (listed(pages), listed(releases));
        self.read(
            "activity_by_day",
            self.client.query(&query).bind(pages).bind(&releases).bind(&releases).fetch_all::<ActivityDay>(),
        )
        .await
    }

    /// The listed measures by day: names of actions and measures.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn measures_by_day(&self, measures: &[Name]) -> Result<Vec<MeasureDay>, QueryError> {
        let query = format!(
            "SELECT project_id, name, device, day, n AS count, total AS value FROM
            (
                SELECT project_id, name, device, toUInt32(toDate(t)) AS day, sum(activity_1h.count) AS n, sum(activity_1h.value) AS total
                FROM activity_1h WHERE t >= today() - {DAYS} AND kind IN ('action', 'measure') AND (project_id, name) IN ?
                GROUP BY project_id, name, device, day
            )"
        );
        self.read("measures_by_day", self.client.query(&query).bind(listed(measures)).fetch_all::<MeasureDay>()).await
    }

    /// The last poor vital of each page and device class that came within ten minutes.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn poor_vitals(&self, pages: &[Name]) -> Result<Vec<PoorVital>, QueryError> {
        const QUERY: &str =
            "SELECT project_id, toString(metric) AS metric, page, device, last.1 AS view_id, last.2 AS value, last.3 AS at_ms,
                last.4 AS trace_id FROM
            (
                SELECT project_id, metric, page, device, argMax((view_id, events.value, toUnixTimestamp64Milli(ts), events.trace_id), ts) AS last
                FROM events
                WHERE toDate(received_at) >= today() - 1 AND received_at > now64(3) - toIntervalMinute(10) AND kind = 'vital'
                    AND rating = 'poor' AND view_id != 0 AND (project_id, page) IN ?
                GROUP BY project_id, metric, page, device
            )";
        self.read("poor_vitals", self.client.query(QUERY).bind(listed(pages)).fetch_all::<PoorVital>()).await
    }
}

/// `column`, or [`OTHER`] for what is not in the list to be bound; empty stays empty.
fn folded(column: &str) -> String {
    format!("if({column} = '' OR (project_id, {column}) IN ?, {column}, '{OTHER}')")
}

/// A list that is never empty, as a literal of one type.
fn listed(names: &[Name]) -> Vec<(&str, &str)> {
    let names = names.iter().map(|(project, name)| (project.as_str(), name.as_str()));
    [("", "")].into_iter().chain(names).collect()
}
