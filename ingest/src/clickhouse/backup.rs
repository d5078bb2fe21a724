//! Backups of the embedded engine: ClickHouse's own, and what tells that a restored one is the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ClickHouse, QueryError};

/// One part of a table: what its files hold is told by their hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, ::clickhouse::Row, Serialize, Deserialize)]
pub struct Part {
    /// The table.
    pub table: String,
    /// The part's name, which a restored one need not have.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// ClickHouse's hash of all its files.
    pub hash: String,
}

/// What a backup holds, as the file beside it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's form.
    pub form: u32,
    /// When it was made, Unix milliseconds.
    pub made_at_ms: u64,
    /// The database it was made of.
    pub database: String,
    /// The schema's version.
    pub schema: u32,
    /// The engine's version.
    pub engine: String,
    /// All parts of all tables.
    pub parts: Vec<Part>,
}

impl Manifest {
    /// The form this release writes and reads.
    pub const FORM: u32 = 1;

    /// Rows by table.
    pub fn rows(&self) -> BTreeMap<&str, u64> {
        let mut rows = BTreeMap::new();
        for part in &self.parts {
            *rows.entry(part.table.as_str()).or_insert(0) += part.rows;
        }
        rows
    }

    /// The tables whose parts are not the same as these, whatever their names.
    pub fn differences(&self, restored: &[Part]) -> Vec<String> {
        let content = |parts: &[Part]| {
            let mut by_table = BTreeMap::<String, Vec<(u64, String)>>::new();
            for Part { table, rows, hash, .. } in parts {
                by_table.entry(table.clone()).or_default().push((*rows, hash.clone()));
            }
            for parts in by_table.values_mut() {
                parts.sort_unstable();
            }
            by_table
        };
        let (wanted, found) = (content(&self.parts), content(restored));
        let names = wanted.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
        names.into_iter().filter(|name| wanted.get(*name) != found.get(*name)).cloned().collect()
    }
}

/// Parts that are merged away stay for minutes, so those of a backup just made are still known.
const PARTS: &str = "SELECT table, name, rows, hash_of_all_files AS hash FROM system.parts WHERE database = currentDatabase()";
const STORED_TABLES: &str =
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name";

impl ClickHouse {
    /// The database all tables live in.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Writes the whole database to a folder of this name where the engine keeps backups. Equal files are written as often as they
    /// are there, so that every part has a folder of its own.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn back_up_to(&self, name: &str) -> Result<(), QueryError> {
        self.statement(&format!("BACKUP DATABASE {} TO File('{name}') SETTINGS deduplicate_files = 0", self.database)).await
    }

    /// Takes all tables and rows from a folder of this name where the engine keeps backups, into a database without rows. Merges rest
    /// until [`ClickHouse::resume_merges`], so that what came back can be compared.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn restore_from(&self, name: &str, database: &str) -> Result<(), QueryError> {
        self.drop_tables().await?;
        let restore = format!("RESTORE DATABASE {database} AS {} FROM File('{name}')", self.database);
        self.statement(&format!("{restore} SETTINGS structure_only = 1")).await?;
        for table in self.stored_tables().await? {
            self.statement(&format!("SYSTEM STOP MERGES {}.{table}", self.database)).await?;
        }
        self.statement(&format!("{restore} SETTINGS allow_non_empty_tables = 1")).await
    }

    /// Views first, because a view keeps its table from going.
    async fn drop_tables(&self) -> Result<(), QueryError> {
        let sql = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY engine LIKE '%View' DESC, name";
        for table in self.client.query_raw(sql).fetch_all::<String>().await? {
            self.statement(&format!("DROP TABLE {}.{table} SYNC", self.database)).await?;
        }
        Ok(())
    }

    /// Lets merges go on after [`ClickHouse::restore_from`].
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn resume_merges(&self) -> Result<(), QueryError> {
        for table in self.stored_tables().await? {
            self.statement(&format!("SYSTEM START MERGES {}.{table}", self.database)).await?;
        }
        Ok(())
    }

    /// All parts, those merged away lately included.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn parts(&self) -> Result<Vec<Part>, QueryError> {
        self.client.query_raw(PARTS).fetch_all().await.map_err(Into::into)
    }

    /// The parts that hold rows now.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn active_parts(&self) -> Result<Vec<Part>, QueryError> {
        self.client.query_raw(&format!("{PARTS} AND active")).fetch_all().await.map_err(Into::into)
    }

    async fn stored_tables(&self) -> Result<Vec<String>, QueryError> {
        self.client.query_raw(STORED_TABLES).fetch_all().await.map_err(Into::into)
    }

    async fn statement(&self, sql: &str) -> Result<(), QueryError> {
        self.client.clone().with_database("system").query_raw(sql).execute().await.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(table: &str, name: &str, rows: u64, hash: &str) -> Part {
        Part { table: table.into(), name: name.into(), rows, hash: hash.into() }
    }

    #[test]
    fn a_restored_table_differs_by_what_is_in_its_parts_and_not_by_their_names() {
        let parts = vec![part("events", "a_1", 2, "x"), part("events", "a_2", 3, "y"), part("errors", "b_1", 1, "z")];
        let (database, engine) = ("beamline".to_owned(), "26.7".to_owned());
        let manifest = Manifest { form: Manifest::FORM, made_at_ms: 0, database, schema: 4, engine, parts };
        assert_eq!(manifest.rows(), BTreeMap::from([("events", 5), ("errors", 1)]));
        let same = [part("errors", "b_9", 1, "z"), part("events", "a_8", 3, "y"), part("events", "a_9", 2, "x")];
        assert_eq!(manifest.differences(&same), Vec::<String>::new());
        assert_eq!(manifest.differences(&same[..2]), ["events"]);
        assert_eq!(manifest.differences(&same[1..]), ["errors"]);
        let other = [part("errors", "b_9", 1, "z"), part("events", "a_8", 3, "y"), part("events", "a_9", 2, "w")];
        assert_eq!(manifest.differences(&other), ["events"]);
    }
}
