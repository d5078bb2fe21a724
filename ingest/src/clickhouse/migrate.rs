//! The schema, as numbered steps up and down.

use serde::{Deserialize, Serialize};

use super::{ClickHouse, QueryError};

struct Migration {
    version: u32,
    name: &'static str,
    up: &'static str,
    down: &'static str,
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

const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_events",
    2 "0002_vitals",
    3 "0003_attribution",
    4 "0004_country_and_duplicates",
};

/// Applied versions, newest row wins. `state` tells a finished step from one that broke off.
const CREATE_HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (version UInt32, name String, state Enum8('started' = 1, \
     'applied' = 2, 'reverted' = 3), at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY (version, at)";

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
}

impl Migrator {
    /// A migrator for this database.
    pub const fn new(clickhouse: ClickHouse) -> Self {
        Self { clickhouse }
    }

    /// Where the schema stands. Makes the database if it is missing.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn status(&self) -> Result<Status, MigrateError> {
        self.prepare().await?;
        let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
        let applied: Vec<u32> = self
            .clickhouse
            .client
            .query("SELECT version FROM schema_migrations GROUP BY version HAVING argMax(state, (at, state)) = 'applied' ORDER BY version")
            .fetch_all()
            .await
            .map_err(|error| MigrateError::Query { step: "read the history".into(), source: error.into() })?;
        let applied = applied.last().copied().unwrap_or(0);
        if applied > known {
            return Err(MigrateError::Newer { found: applied, known });
        }
        Ok(Status { applied, known })
    }

    /// Applies every step up to `target`, or all. A step that broke off earlier is done again: what is already there is kept.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn up(&self, target: Option<u32>) -> Result<Status, MigrateError> {
        let status = self.status().await?;
        let target = target.unwrap_or(status.known);
        for migration in MIGRATIONS.iter().filter(|migration| migration.version > status.applied && migration.version <= target) {
            self.note(migration, STARTED).await?;
            for statement in statements(migration.up) {
                self.run(migration.name, &repeatable(statement)).await?;
            }
            self.note(migration, APPLIED).await?;
            tracing::info!(version = migration.version, name = migration.name, "schema migrated");
        }
        self.status().await
    }

    /// Reverts every step above `target`, newest first. The data of the removed tables and columns is gone.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn down(&self, target: u32) -> Result<Status, MigrateError> {
        let status = self.status().await?;
        for migration in
            MIGRATIONS.iter().rev().filter(|migration| migration.version <= status.applied && migration.version > target)
        {
            for statement in statements(migration.down) {
                self.run(migration.name, &repeatable(statement)).await?;
            }
            self.note(migration, REVERTED).await?;
            tracing::info!(version = migration.version, name = migration.name, "schema reverted");
        }
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
            let create = format!("CREATE DATABASE IF NOT EXISTS {database}");
            outside.query(&create).execute().await.map_err(named("make the database"))?;
        }
        self.clickhouse.client.query(CREATE_HISTORY).execute().await.map_err(named("make the history"))
    }

    async fn run(&self, name: &str, statement: &str) -> Result<(), MigrateError> {
        let step = || name.to_owned();
        // `??` is the client's escape for a question mark.
        let statement = statement.replace('?', "??");
        self.clickhouse
            .client
            .query(&statement)
            .execute()
            .await
            .map_err(|error| MigrateError::Query { step: step(), source: error.into() })
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

/// The statements of a file: each ends with a semicolon at the end of a line.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").map(without_leading_comments).filter(|statement| !statement.is_empty())
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
        ("DROP TABLE ", "DROP TABLE IF EXISTS "),
        ("DROP VIEW ", "DROP VIEW IF EXISTS "),
    ] {
        if let Some(rest) = statement.strip_prefix(plain) {
            return format!("{guarded}{rest}");
        }
    }
    if statement.starts_with("ALTER TABLE ") {
        return statement
            .replace("ADD COLUMN ", "ADD COLUMN IF NOT EXISTS ")
            .replace("DROP COLUMN ", "DROP COLUMN IF EXISTS ")
            .replace("MODIFY COLUMN ", "MODIFY COLUMN IF EXISTS ");
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
            for statement in statements(migration.up).chain(statements(migration.down)) {
                assert_ne!(repeatable(statement), statement, "{}", migration.name);
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
            assert_eq!(names(migration.up, "CREATE MATERIALIZED VIEW "), names(migration.down, "DROP VIEW "), "{}", migration.name);
            assert_eq!(names(migration.up, "ADD COLUMN "), names(migration.down, "DROP COLUMN "), "{}", migration.name);
        }
    }
}
