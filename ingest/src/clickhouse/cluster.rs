//! The same schema for a cluster: the statements of the migrations, rewritten.
//!
//! A migration is written for one server. On a cluster each table that stores rows becomes two: `<name>_local` on every server, replicated
//! within its shard, and `<name>`, which stands for all of them and sends each row to its shard. Materialized views work on each server by
//! itself, from local table to local table. So the writer and every query use the same names in both forms.

/// Appended to the name of the table that stores a shard's rows.
const LOCAL: &str = "_local";
/// A replica is known by its shard and its own name, macros that every server of a cluster has; a table by an id that `ON CLUSTER` makes
/// the same on all.
const REPLICA: &str = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'";
/// As long as an insert may be tried again; ClickHouse's own default is an hour.
const DEDUPLICATION: &str = "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800";
const DEDUPLICATION_OF_ONE: &str = "non_replicated_deduplication_window = 10000";

/// What every insert asks of a cluster: no answer before the shards have the rows, each on most of its replicas.
pub(super) const INSERT_SETTINGS: [(&str, &str); 2] = [("distributed_foreground_insert", "1"), ("insert_quorum", "auto")];
const SESSION_KEY: &str = "sipHash64(project_id, session_id)";
const PROJECT_KEY: &str = "sipHash64(project_id)";
/// Tables with a session that a migration may exchange.
const BY_SESSION: [&str; 1] = ["events"];

/// A statement of a migration that has no form for a cluster.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no form for a cluster: {0}")]
pub(super) struct Unclusterable(String);

/// What the statement is on this cluster: one or more statements, in order.
pub(super) fn for_cluster(statement: &str, cluster: &str) -> Result<Vec<String>, Unclusterable> {
    let on = format!(" ON CLUSTER {cluster}");
    let unknown = || Unclusterable(statement.lines().next().unwrap_or_default().to_owned());
    let after = |start: &str| statement.strip_prefix(start).and_then(name_and_rest);
    if let Some((name, rest)) = after("CREATE TABLE ") {
        let (columns, engine) = rest.split_once("\nENGINE = ").ok_or_else(unknown)?;
        let local = format!("CREATE TABLE {name}{LOCAL}{on}{columns}\nENGINE = {}", replicated(engine).ok_or_else(unknown)?);
        return Ok(vec![local, distributed(name, key_of(columns), cluster)]);
    }
    if let Some((name, rest)) = after("CREATE MATERIALIZED VIEW ") {
        let (target, query) = rest.strip_prefix(" TO ").and_then(name_and_rest).ok_or_else(unknown)?;
        return Ok(vec![format!("CREATE MATERIALIZED VIEW {name}{on} TO {target}{LOCAL}{}", from_local(query))]);
    }
    if let Some((name, change)) = after("ALTER TABLE ") {
        let change = change.trim_start();
        if let Some(query) = change.strip_prefix("MODIFY QUERY") {
            return Ok(vec![format!("ALTER TABLE {name}{on} MODIFY QUERY{}", from_local(query))]);
        }
        let of_columns = ["ADD COLUMN ", "DROP COLUMN ", "MODIFY COLUMN ", "COMMENT COLUMN "];
        let local = format!("ALTER TABLE {name}{LOCAL}{on} {change}");
        if name == "schema_migrations" {
            return Ok(vec![format!("ALTER TABLE {name}{on} {change}")]);
        }
        let both = of_columns.iter().any(|start| change.starts_with(start));
        return Ok(if both { vec![local, format!("ALTER TABLE {name}{on} {change}")] } else { vec![local] });
    }
    if let Some((name, "")) = after("TRUNCATE TABLE ") {
        return Ok(vec![format!("TRUNCATE TABLE {name}{LOCAL}{on}")]);
    }
    if let Some(table) = exchanged(statement) {
        let other = statement.rsplit(' ').next().ok_or_else(unknown)?;
        let exchange = format!("EXCHANGE TABLES {table}{LOCAL} AND {other}{LOCAL}{on}");
        return Ok([exchange].into_iter().chain(stand_in(table, cluster)).collect());
    }
    // One server does it for all: it asks every shard, and waits until each has its rows.
    if statement.starts_with("INSERT INTO ") && statement.contains("\nSETTINGS ") {
        return Ok(vec![format!("{statement}, distributed_foreground_insert = 1")]);
    }
    if let Some((name, rest)) = after("DROP TABLE ").filter(|(_, rest)| rest.is_empty()) {
        return Ok(vec![format!("DROP TABLE {name}{on}{rest} SYNC"), format!("DROP TABLE {name}{LOCAL}{on} SYNC")]);
    }
    // What is detached and attached again is a view, which is called the same in both forms.
    for start in ["CREATE VIEW ", "CREATE FUNCTION ", "DROP VIEW ", "DROP FUNCTION ", "DETACH TABLE ", "ATTACH TABLE "] {
        if let Some((name, rest)) = after(start) {
            return Ok(vec![format!("{start}{name}{on}{rest}")]);
        }
    }
    Err(unknown())
}

/// The table that such a statement puts another in the place of.
pub(super) fn exchanged(statement: &str) -> Option<&str> {
    statement.strip_prefix("EXCHANGE TABLES ").and_then(name_and_rest).map(|(table, _)| table)
}

/// The distributed table again, with the columns its local ones have now.
pub(super) fn stand_in(table: &str, cluster: &str) -> Vec<String> {
    let drop = format!("DROP TABLE {table} ON CLUSTER {cluster} SYNC");
    let key = if BY_SESSION.contains(&table) { SESSION_KEY } else { PROJECT_KEY };
    vec![drop, distributed(table, key, cluster)]
}

fn name_and_rest(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `SummingMergeTree(count)` and what follows, replicated.
fn replicated(engine: &str) -> Option<String> {
    let (family, rest) = name_and_rest(engine)?;
    let (arguments, rest) = match rest.strip_prefix('(') {
        Some(inner) => inner.split_once(')').map(|(arguments, rest)| (format!(", {arguments}"), rest))?,
        None => (String::new(), rest),
    };
    let deduplicated = rest.replace(DEDUPLICATION_OF_ONE, DEDUPLICATION);
    family.ends_with("MergeTree").then(|| format!("Replicated{family}({REPLICA}{arguments}){deduplicated}"))
}

/// What the rows of a table with these columns are sharded by.
fn key_of(columns: &str) -> &'static str {
    let has_session = columns.lines().any(|line| line.trim_start().starts_with("session_id "));
    if has_session { SESSION_KEY } else { PROJECT_KEY }
}

/// All rows of a session are in one shard, so that views see what belongs together, and a token always goes where it went before.
fn distributed(name: &str, key: &str, cluster: &str) -> String {
    format!(
        "CREATE TABLE {name} ON CLUSTER {cluster} AS {name}{LOCAL} ENGINE = Distributed({cluster}, currentDatabase(), {name}{LOCAL}, {key})"
    )
}

/// A view's query, from the server's own tables.
fn from_local(query: &str) -> String {
    let mut lines = Vec::new();
    for line in query.split('\n') {
        match line.trim_start().strip_prefix("FROM ").and_then(name_and_rest) {
            Some((table, rest)) => lines.push(format!("FROM {table}{LOCAL}{rest}")),
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clickhouse::migrate::{MIGRATIONS, statements};

    fn check(statement: &str, expected: &[&str]) {
        assert_eq!(for_cluster(statement, "c").unwrap(), expected, "{statement}");
    }

    #[test]
    fn a_table_becomes_a_replicated_and_a_distributed_one() {
        check(
            "CREATE TABLE t\n(\n    project_id String,\n    session_id UInt64\n)\nENGINE = MergeTree\nORDER BY project_id\nSETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1",
            &[
                "CREATE TABLE t_local ON CLUSTER c\n(\n    project_id String,\n    session_id UInt64\n)\nENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')\nORDER BY project_id\nSETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, fsync_after_insert = 1",
                "CREATE TABLE t ON CLUSTER c AS t_local ENGINE = Distributed(c, currentDatabase(), t_local, sipHash64(project_id, session_id))",
            ],
        );
        let sums =
            for_cluster("CREATE TABLE s\n(\n    project_id String\n)\nENGINE = SummingMergeTree(count)\nORDER BY project_id", "c")
                .unwrap();
        assert!(
            sums[0].contains("ENGINE = ReplicatedSummingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', count)\n"),
            "{}",
            sums[0]
        );
        assert!(sums[1].ends_with("sipHash64(project_id))"), "{}", sums[1]);
        assert!(for_cluster("CREATE TABLE t (a UInt8) ENGINE = Memory", "c").is_err());
    }

    #[test]
    fn views_go_from_local_to_local_table() {
        check(
            "CREATE MATERIALIZED VIEW v TO t AS\nSELECT a\nFROM events\nARRAY JOIN b",
            &["CREATE MATERIALIZED VIEW v ON CLUSTER c TO t_local AS\nSELECT a\nFROM events_local\nARRAY JOIN b"],
        );
        check(
            "ALTER TABLE v MODIFY QUERY\nSELECT a\nFROM events",
            &["ALTER TABLE v ON CLUSTER c MODIFY QUERY\nSELECT a\nFROM events_local"],
        );
        check("CREATE VIEW v AS\nSELECT a\nFROM events", &["CREATE VIEW v ON CLUSTER c AS\nSELECT a\nFROM events"]);
    }

    #[test]
    fn columns_change_in_both_tables_and_other_things_where_rows_are() {
        check(
            "ALTER TABLE t\n    ADD COLUMN a UInt8",
            &["ALTER TABLE t_local ON CLUSTER c ADD COLUMN a UInt8", "ALTER TABLE t ON CLUSTER c ADD COLUMN a UInt8"],
        );
        check("ALTER TABLE t MODIFY TTL a", &["ALTER TABLE t_local ON CLUSTER c MODIFY TTL a"]);
        check("DROP TABLE t", &["DROP TABLE t ON CLUSTER c SYNC", "DROP TABLE t_local ON CLUSTER c SYNC"]);
        check("DROP VIEW v", &["DROP VIEW v ON CLUSTER c"]);
        check("CREATE FUNCTION f AS x -> x", &["CREATE FUNCTION f ON CLUSTER c AS x -> x"]);
        check("DETACH TABLE v_mv", &["DETACH TABLE v_mv ON CLUSTER c"]);
        check("TRUNCATE TABLE t", &["TRUNCATE TABLE t_local ON CLUSTER c"]);
        check(
            "INSERT INTO t (a)\nSELECT a FROM s\nSETTINGS b = 1",
            &["INSERT INTO t (a)\nSELECT a FROM s\nSETTINGS b = 1, distributed_foreground_insert = 1"],
        );
        check(
            "EXCHANGE TABLES events AND events_new",
            &[
                "EXCHANGE TABLES events_local AND events_new_local ON CLUSTER c",
                "DROP TABLE events ON CLUSTER c SYNC",
                "CREATE TABLE events ON CLUSTER c AS events_local ENGINE = Distributed(c, currentDatabase(), events_local, sipHash64(project_id, session_id))",
            ],
        );
        assert!(for_cluster("OPTIMIZE TABLE t", "c").is_err());
    }

    #[test]
    fn every_migration_has_a_form_for_a_cluster() {
        for migration in MIGRATIONS {
            for statement in statements(migration.up).chain(statements(migration.down)) {
                let clustered = for_cluster(statement, "c").unwrap();
                let everywhere = |statement: &String| statement.contains(" ON CLUSTER c") || statement.starts_with("INSERT INTO ");
                assert!(clustered.iter().all(everywhere), "{clustered:?}");
                assert!(!clustered.iter().any(|statement| statement.contains("non_replicated")), "{clustered:?}");
            }
        }
    }
}
