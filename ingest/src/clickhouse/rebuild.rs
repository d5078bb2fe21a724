//! Rollups of the vitals made again from the raw rows.
//!
//! Every column of a rollup is a sum. So nothing is deleted: the difference between what the raw rows give and what the rollup has is
//! inserted, and a rollup that is right is left alone.

use serde::Deserialize;

use super::{ClickHouse, QueryError};

/// A rollup of vitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollup {
    /// Its table.
    pub table: &'static str,
    dimensions: &'static str,
    /// Function that gives the start of an interval.
    start: &'static str,
    /// Days after which the table drops its rows.
    kept_days: u16,
    /// Days of an interval; 1 also for shorter ones.
    days: u32,
}

/// All of them.
pub const ROLLUPS: [Rollup; 6] = [
    Rollup { table: "vitals_5m", dimensions: "page, device", start: "toStartOfFiveMinutes", kept_days: 8, days: 1 },
    Rollup { table: "vitals_1h", dimensions: "page, device, release, env", start: "toStartOfHour", kept_days: 390, days: 1 },
    Rollup {
        table: "vitals_1d",
        dimensions: "page, device, release, env, browser, os",
        start: "toStartOfDay",
        kept_days: 760,
        days: 1,
    },
    Rollup { table: "vitals_site_1h", dimensions: "device, release, env", start: "toStartOfHour", kept_days: 390, days: 1 },
    Rollup { table: "vitals_page_1w", dimensions: "page, device", start: "toMonday", kept_days: 760, days: 7 },
    Rollup {
        table: "vitals_site_1d",
        dimensions: "device, release, env, browser, os",
        start: "toStartOfDay",
        kept_days: 760,
        days: 1,
    },
];

/// UTC days of one project, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The first, in days since 1970.
    pub day: u32,
    /// How many they are.
    pub days: u32,
    /// The project; absent for all.
    pub project: Option<String>,
}

/// What a rollup says of a vital on a day, and what the raw rows say.
#[derive(Clone, Debug, PartialEq, ::clickhouse::Row, Deserialize)]
pub struct Difference {
    /// The project.
    pub project_id: String,
    /// `FCP`, `LCP`, …
    pub metric: String,
    /// Rows of the rollup that differ.
    pub rows: u64,
    /// Vitals of these rows in the raw rows.
    pub raw: i64,
    /// Vitals of these rows in the rollup.
    pub kept: i64,
}

/// Each vital of the scope once, with its last report. A vital without an id is never corrected.
fn last_reports(scope: &str) -> String {
    const COLUMNS: [&str; 11] =
        ["counted_at", "page", "device", "release", "env", "browser", "os", "sample_rate", "value", "rating", "prev_rating"];
    let kept = COLUMNS.iter().enumerate().map(|(at, column)| format!("last.{} AS {column}", at + 1)).collect::<Vec<_>>().join(", ");
    let columns = COLUMNS.map(|column| format!("events.{column}")).join(", ");
    format!(
        "SELECT project_id, metric, {kept} FROM
            (
                SELECT project_id, metric, argMax(tuple({columns}), (ts, events.value, events.prev_rating, prev_value, event_key)) AS last
                FROM events WHERE {scope} AND metric_id != 0 GROUP BY project_id, metric, view_id, metric_id
            )
            UNION ALL SELECT project_id, metric, {} FROM events WHERE {scope} AND metric_id = 0",
        COLUMNS.join(", ")
    )
}

impl Scope {
    fn bounds(&self) -> (String, String) {
        let start_of = |day: u64| format!("toDateTime({}, 'UTC')", day * 86_400);
        (start_of(self.day.into()), start_of(u64::from(self.day) + u64::from(self.days)))
    }
}

impl Rollup {
    /// The days of the interval, or intervals, that this day is in: the first, and how many. The first Monday was the fourth of January 1970.
    pub const fn span(self, day: u32) -> (u32, u32) {
        (if self.days == 7 { day.saturating_sub((day + 3) % 7) } else { day }, self.days)
    }

    /// Rows that, added to the rollup's, make it what the raw rows give; with the vitals of both.
    fn missing(self, scope: &Scope) -> String {
        let Self { table, dimensions, start, .. } = self;
        let (since, until) = scope.bounds();
        let project = if scope.project.is_some() { " AND project_id = {project:String}" } else { "" };
        let raw = format!("kind = 'vital' AND counted_at >= {since} AND counted_at < {until}{project}");
        let of_table = format!("t >= {since} AND t < {until}{project}");
        format!(
            "SELECT project_id, metric, {dimensions}, t, sum(n) AS d_count, sum(weight) AS d_estimated_count, sum(total) AS d_sum, sum(g) AS d_good,
                sum(m) AS d_needs_improvement, sum(p) AS d_poor, mapFilter((bucket, n) -> n != 0, sumMap(b)) AS d_buckets,
                sumIf(n, is_raw) AS raw_count, -sumIf(n, NOT is_raw) AS kept_count
            FROM
            (
                SELECT project_id, metric, {dimensions}, toDateTime({start}(counted_at), 'UTC') AS t, toInt64(1) AS n,
                    toDecimal128(round(1 / greatest(sample_rate, 0.000001), 3), 3) AS weight, value AS total, toInt64(rating = 'good') AS g,
                    toInt64(rating = 'needs-improvement') AS m, toInt64(rating = 'poor') AS p,
                    map(if(value > 0, toInt16(greatest(-32767, ceil(log2(value) * 64))), toInt16(-32768)), toInt64(1)) AS b, 1 AS is_raw
                FROM ({last})
                UNION ALL
                SELECT project_id, metric, {dimensions}, t, -{table}.count, -{table}.estimated_count, -{table}.sum, -{table}.good,
                    -{table}.needs_improvement, -{table}.poor, mapApply((bucket, n) -> (bucket, -n), {table}.buckets), 0
                FROM {table} WHERE {of_table}
            )
            GROUP BY project_id, metric, {dimensions}, t
            HAVING d_count != 0 OR d_estimated_count != 0 OR d_good != 0 OR d_needs_improvement != 0 OR d_poor != 0 OR notEmpty(d_buckets)
                OR abs(d_sum) > 1e-9 * sum(abs(total))",
            last = last_reports(&raw)
        )
    }

    /// Whether rows of this day would be dropped at once.
    pub const fn forgets(self, day: u32, today: u32) -> bool {
        today.saturating_sub(day) >= self.kept_days as u32
    }
}

impl ClickHouse {
    /// Where the rollup differs from what the raw rows give.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn differences(&self, rollup: Rollup, scope: &Scope) -> Result<Vec<Difference>, QueryError> {
        let query = format!(
            "SELECT toString(project_id) AS project_id, toString(metric) AS metric, count() AS rows, sum(raw_count) AS raw, sum(kept_count) AS kept
            FROM ({}) GROUP BY project_id, metric ORDER BY project_id, metric",
            rollup.missing(scope)
        );
        self.of_project(scope).query_raw(&query).fetch_all().await.map_err(Into::into)
    }

    /// Makes the rollup what the raw rows give. No vital may come in meanwhile.
    ///
    /// # Errors
    /// [`QueryError`]. Doing it again is harmless.
    pub async fn rebuild(&self, rollup: Rollup, scope: &Scope) -> Result<(), QueryError> {
        const SUMS: [&str; 7] = ["count", "estimated_count", "sum", "good", "needs_improvement", "poor", "buckets"];
        let Rollup { table, dimensions, .. } = rollup;
        // The same difference may be missing twice; it is no repetition.
        let statement = format!(
            "INSERT INTO {table} (project_id, metric, {dimensions}, t, {}) SELECT project_id, metric, {dimensions}, t, {} FROM ({})
            SETTINGS insert_deduplicate = 0, distributed_foreground_insert = 1",
            SUMS.join(", "),
            SUMS.map(|sum| format!("d_{sum}")).join(", "),
            rollup.missing(scope)
        );
        self.of_project(scope).query_raw(&statement).execute().await.map_err(Into::into)
    }

    /// How many reports of vitals there are of this scope, to see whether any came in.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn reports(&self, scope: &Scope) -> Result<u64, QueryError> {
        let (since, until) = scope.bounds();
        let query = format!("SELECT count() FROM events WHERE kind = 'vital' AND counted_at >= {since} AND counted_at < {until}");
        self.client.query_raw(&query).fetch_one().await.map_err(Into::into)
    }

    fn of_project(&self, scope: &Scope) -> ::clickhouse::Client {
        let client = self.client.clone();
        match &scope.project {
            Some(project) => client.with_setting("param_project", project),
            None => client,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rollup_drops_at_once_is_not_made_again() {
        let five_minutes = ROLLUPS[0];
        assert!(!five_minutes.forgets(20_000, 20_007) && five_minutes.forgets(20_000, 20_008));
        assert!(!ROLLUPS[1].forgets(20_001, 20_000), "a day that has not come");
    }

    #[test]
    fn a_week_begins_on_monday() {
        let weekly = ROLLUPS.into_iter().find(|rollup| rollup.table == "vitals_page_1w").unwrap();
        // The first of January 2024 was a Monday.
        for day in 19_723..19_730 {
            assert_eq!(weekly.span(day), (19_723, 7), "{day}");
        }
        assert_eq!((weekly.span(19_730), ROLLUPS[1].span(19_725)), ((19_730, 7), (19_725, 1)));
    }

    #[test]
    fn a_project_is_bound_not_written() {
        let scope = Scope { day: 1, days: 1, project: Some("sh'op".into()) };
        let sql = ROLLUPS[1].missing(&scope);
        assert!(sql.contains("{project:String}") && !sql.contains("sh'op") && sql.contains("toDateTime(86400, 'UTC')"), "{sql}");
    }
}
