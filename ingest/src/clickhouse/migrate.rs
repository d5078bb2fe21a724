//! The schema, as numbered steps up and down.

use serde::{Deserialize, Serialize};

use super::{ClickHouse, QueryError, cluster, schema_lock};

pub(super) struct Migration {
    version: u32,
    name: &'static str,
    pub(super) up: &'static str,
    pub(super) down: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal,)+) => {
        &[$(Migration {
            version: $version,
            name: $name,
            up: include_str!(concat!("../../migrations/", $name, ".up.sql")),
            down: include_str!(concat!("../../migrations/", $name, ".down.sql")),
        },)+]
    };
}

pub(super) const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_events",
    2 "0002_vitals",
    3 "0003_attribution",
    4 "0004_country_and_duplicates",
    5 "0005_corrections",
    6 "0006_groups_and_sessions",
    7 "0007_comments",
    8 "0008_quantiles",
    9 "0009_views",
    10 "0010_erasures",
    11 "0011_activity",
    12 "0012_requests",
    13 "0013_compact",
    14 "0014_hourly_rollup",
    15 "0015_request_views",
    16 "0016_wide_ranges",
    17 "0017_kept_sessions",
};

/// Applied versions, newest row wins. `state` tells a finished step from one that broke off.
const HISTORY: &str = "(version UInt32, name String, state Enum8('started' = 1, 'applied' = 2, 'reverted' = 3), \
     at DateTime64(3, 'UTC') DEFAULT now64(3))";
/// On a cluster every server has the whole history.
const REPLICATED_HISTORY: &str = "ReplicatedMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}')";

/// A migration could not be done.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The server refused, or cannot be reached.
    #[error("migration {step}: {source}")]
    Query {
        /// What was being done.
        step: String,
        /// Why it failed.
        source: QueryError,
    },
    /// A statement cannot be done on a cluster.
    #[error("migration {step}: {why}")]
    Cluster {
        /// What was being done.
        step: String,
        /// Why not.
        why: String,
    },
    /// The database was made by a newer release.
    #[error(
        "the database is at schema version {found}, this release knows {known}; use the newer release, or migrate down with it first"
    )]
    Newer {
        /// The database's version.
        found: u32,
        /// The newest version here.
        known: u32,
    },
}

/// Where the schema stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The last applied version; 0 for an empty database.
    pub applied: u32,
    /// The newest version this release knows.
    pub known: u32,
}

#[derive(::clickhouse::Row, Serialize, Deserialize)]
struct HistoryRow {
    version: u32,
    name: String,
    state: i8,
}

const STARTED: i8 = 1;
const APPLIED: i8 = 2;
const REVERTED: i8 = 3;

/// Moves the schema.
#[derive(Debug)]
pub struct Migrator {
    clickhouse: ClickHouse,
    /// Name of its lock, the same in every attempt: one that broke off is taken up by the next.
    lock: String,
}

impl Migrator {
    /// A migrator for this database.
    pub fn new(clickhouse: ClickHouse) -> Self {
        Self { clickhouse, lock: schema_lock::name() }
    }

    /// Where the schema stands. Makes the database if it is missing.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn status(&self) -> Result<Status, MigrateError> {
        self.prepare().await?;
        let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
        let applied = self.applied().await?.last().copied().unwrap_or(0);
        if applied > known {
            return Err(MigrateError::Newer { found: applied, known });
        }
        Ok(Status { applied, known })
    }

    async fn applied(&self) -> Result<Vec<u32>, MigrateError> {
        self.clickhouse
            .client
            .query("SELECT version FROM schema_migrations GROUP BY version HAVING argMax(state, (at, state)) = 'applied' ORDER BY version")
            .fetch_all()
            .await
            .map_err(|error| MigrateError::Query { step: "read the history".into(), source: error.into() })
    }

    /// Applies every step up to `target`, or all, one process at a time. A step that broke off earlier is done again: what is already
    /// there is kept.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn up(&self, target: Option<u32>) -> Result<Status, MigrateError> {
        let status = self.status().await?;
        let target = target.unwrap_or(status.known);
        if self.missing(target).await?.is_empty() {
            return Ok(status);
        }
        self.alone(async {
            // Another may have been faster.
            self.status().await?;
            for migration in self.missing(target).await? {
                self.note(migration, STARTED).await?;
                for step in steps(migration.up) {
                    self.run_step(migration.name, &step).await?;
                }
                self.note(migration, APPLIED).await?;
                tracing::info!(version = migration.version, name = migration.name, "schema migrated");
            }
            Ok(())
        })
        .await?;
        self.status().await
    }

    async fn missing(&self, target: u32) -> Result<Vec<&'static Migration>, MigrateError> {
        let applied = self.applied().await?;
        let is_missing = |migration: &&Migration| migration.version <= target && !applied.contains(&migration.version);
        Ok(MIGRATIONS.iter().filter(is_missing).collect())
    }

    async fn alone(&self, work: impl Future<Output = Result<(), MigrateError>>) -> Result<(), MigrateError> {
        let locked = schema_lock::alone(&self.clickhouse, &self.lock, work).await;
        locked.map_err(|source| MigrateError::Query { step: "lock the schema".into(), source })?
    }

    /// Makes the functions of every step again that is done: they belong to the server, and no backup of a database has them.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn make_functions(&self) -> Result<(), MigrateError> {
        let applied = self.status().await?.applied;
        for migration in MIGRATIONS.iter().filter(|migration| migration.version <= applied) {
            for statement in statements(migration.up).filter(|statement| statement.starts_with("CREATE FUNCTION ")) {
                self.run(migration.name, statement).await?;
            }
        }
        Ok(())
    }

    /// Reverts every step above `target`, newest first. The data of the removed tables and columns is gone.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn down(&self, target: u32) -> Result<Status, MigrateError> {
        self.status().await?;
        self.alone(async {
            let applied = self.applied().await?;
            let is_above = |migration: &&Migration| migration.version > target && applied.contains(&migration.version);
            for migration in MIGRATIONS.iter().rev().filter(is_above) {
                for step in steps(migration.down) {
                    self.run_step(migration.name, &step).await?;
                }
                self.note(migration, REVERTED).await?;
                tracing::info!(version = migration.version, name = migration.name, "schema reverted");
            }
            Ok(())
        })
        .await?;
        self.status().await
    }

    async fn prepare(&self) -> Result<(), MigrateError> {
        let database = &self.clickhouse.database;
        let named = |step: &str| {
            let step = step.to_owned();
            move |error: ::clickhouse::error::Error| MigrateError::Query { step, source: error.into() }
        };
        let outside = self.clickhouse.client.clone().with_database("system");
        let exists: u64 = outside
            .query("SELECT count() FROM system.databases WHERE name = ?")
            .bind(database)
            .fetch_one()
            .await
            .map_err(named("look for the database"))?;
        if exists == 0 {
            let create = format!("CREATE DATABASE IF NOT EXISTS {database}{}", self.clickhouse.on_cluster());
            outside.query(&create).execute().await.map_err(named("make the database"))?;
        }
        let engine = if self.clickhouse.cluster.is_some() { REPLICATED_HISTORY } else { "MergeTree" };
        let on_cluster = self.clickhouse.on_cluster();
        let create =
            format!("CREATE TABLE IF NOT EXISTS schema_migrations{on_cluster} {HISTORY} ENGINE = {engine} ORDER BY (version, at)");
        self.clickhouse.client.query_raw(&create).execute().await.map_err(named("make the history"))
    }

    /// Does what the statement says, unless its condition says that it is done already.
    async fn run_step(&self, name: &str, step: &Step<'_>) -> Result<(), MigrateError> {
        let is_done = match step.unless {
            None => false,
            Some(condition) => {
                let answer = self.clickhouse.client.query_raw(condition).fetch_one::<u8>().await;
                answer.map_err(|error| MigrateError::Query { step: name.to_owned(), source: error.into() })? != 0
            }
        };
        if !is_done {
            return self.run(name, step.statement).await;
        }
        match (&self.clickhouse.cluster, cluster::exchanged(step.statement)) {
            // Another process may have been cut off before it made these.
            (Some(cluster), Some(table)) => self.run_forms(name, &cluster::stand_in(table, cluster)).await,
            _ => Ok(()),
        }
    }

    /// Does what the statement says, on this server or on all of the cluster's, unless it is done already.
    async fn run(&self, name: &str, statement: &str) -> Result<(), MigrateError> {
        let forms = match &self.clickhouse.cluster {
            None => vec![statement.to_owned()],
            Some(cluster) => cluster::for_cluster(statement, cluster)
                .map_err(|error| MigrateError::Cluster { step: name.to_owned(), why: error.to_string() })?,
        };
        self.run_forms(name, &forms).await
    }

    async fn run_forms(&self, name: &str, forms: &[String]) -> Result<(), MigrateError> {
        for form in forms {
            let done = self.clickhouse.client.query_raw(&repeatable(form)).execute().await;
            done.map_err(|error| MigrateError::Query { step: name.to_owned(), source: error.into() })?;
        }
        Ok(())
    }

    async fn note(&self, migration: &Migration, state: i8) -> Result<(), MigrateError> {
        let written = async {
            let mut insert = self.clickhouse.client.insert::<HistoryRow>("schema_migrations").await?;
            insert.write(&HistoryRow { version: migration.version, name: migration.name.into(), state }).await?;
            insert.end().await
        };
        written.await.map_err(|error| MigrateError::Query { step: "write the history".into(), source: error.into() })
    }
}

/// All statements of the schema in order, as they are done on one server or on a cluster.
///
/// # Errors
/// [`MigrateError::Cluster`].
pub fn schema_statements(cluster: Option<&str>) -> Result<Vec<String>, MigrateError> {
    let mut all = Vec::new();
    for migration in MIGRATIONS {
        for statement in statements(migration.up) {
            match cluster {
                None => all.push(statement.to_owned()),
                Some(cluster) => all.extend(
                    cluster::for_cluster(statement, cluster)
                        .map_err(|error| MigrateError::Cluster { step: migration.name.to_owned(), why: error.to_string() })?,
                ),
            }
        }
    }
    Ok(all)
}

/// A statement of a migration.
struct Step<'a> {
    /// A question that a step which cannot run twice is preceded by: any answer but 0 says that it is done.
    unless: Option<&'a str>,
    statement: &'a str,
}

/// Begins the line with the condition of the statement after it.
const UNLESS: &str = "-- unless: ";

/// The statements of a file with their conditions: each ends with a semicolon at the end of a line.
fn steps(sql: &str) -> impl Iterator<Item = Step<'_>> {
    let steps = sql.split(";\n").map(|text| Step {
        unless: text
            .lines()
            .take_while(|line| line.is_empty() || line.starts_with("--"))
            .find_map(|line| line.strip_prefix(UNLESS)),
        statement: without_leading_comments(text),
    });
    steps.filter(|step| !step.statement.is_empty())
}

/// The statements of a file.
pub(super) fn statements(sql: &str) -> impl Iterator<Item = &str> {
    steps(sql).map(|step| step.statement)
}

fn without_leading_comments(statement: &str) -> &str {
    let mut rest = statement.trim();
    while let Some(comment) = rest.strip_prefix("--") {
        rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    rest
}

/// The statement in a form that may run twice.
fn repeatable(statement: &str) -> String {
    for (plain, guarded) in [
        ("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS "),
        ("CREATE MATERIALIZED VIEW ", "CREATE MATERIALIZED VIEW IF NOT EXISTS "),
        ("CREATE VIEW ", "CREATE VIEW IF NOT EXISTS "),
        ("CREATE FUNCTION ", "CREATE FUNCTION IF NOT EXISTS "),
        ("DROP TABLE ", "DROP TABLE IF EXISTS "),
        ("DROP VIEW ", "DROP VIEW IF EXISTS "),
        ("DROP FUNCTION ", "DROP FUNCTION IF EXISTS "),
        ("DETACH TABLE ", "DETACH TABLE IF EXISTS "),
        ("ATTACH TABLE ", "ATTACH TABLE IF NOT EXISTS "),
    ] {
        if let Some(rest) = statement.strip_prefix(plain) {
            return format!("{guarded}{rest}");
        }
    }
    if statement.starts_with("ALTER TABLE ") {
        return statement
            .replace("ADD COLUMN ", "ADD COLUMN IF NOT EXISTS ")
            .replace("DROP COLUMN ", "DROP COLUMN IF EXISTS ")
            .replace("MODIFY COLUMN ", "MODIFY COLUMN IF EXISTS ")
            .replace("COMMENT COLUMN ", "COMMENT COLUMN IF EXISTS ");
    }
    statement.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise_and_every_statement_can_run_twice() {
        assert!(MIGRATIONS.windows(2).all(|pair| pair[0].version < pair[1].version));
        for migration in MIGRATIONS {
            for Step { unless, statement } in steps(migration.up).chain(steps(migration.down)) {
                let repeats_itself = statement.contains(" MODIFY QUERY\n") || unless.is_some();
                assert!(repeats_itself || repeatable(statement) != statement, "{}: {statement}", migration.name);
            }
        }
    }

    #[test]
    fn what_goes_up_comes_down() {
        for migration in MIGRATIONS {
            let names = |sql: &'static str, verb: &str| {
                let mut names = statements(sql)
                    .flat_map(|statement| statement.split(verb).skip(1))
                    .filter_map(|rest| rest.split_whitespace().next())
                    .map(|name| name.trim_end_matches([';', ',']))
                    .collect::<Vec<_>>();
                names.sort_unstable();
                names
            };
            assert_eq!(names(migration.up, "CREATE TABLE "), names(migration.down, "DROP TABLE "), "{}", migration.name);
            let mut views = [names(migration.up, "CREATE VIEW "), names(migration.up, "CREATE MATERIALIZED VIEW ")].concat();
            views.sort_unstable();
            assert_eq!(views, names(migration.down, "DROP VIEW "), "{}", migration.name);
            assert_eq!(names(migration.up, "CREATE FUNCTION "), names(migration.down, "DROP FUNCTION "), "{}", migration.name);
            assert_eq!(names(migration.up, "ADD COLUMN "), names(migration.down, "DROP COLUMN "), "{}", migration.name);
        }
    }
}
