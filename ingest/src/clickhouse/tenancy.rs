//! Which tables and views hold whose rows.

use super::migrate::{MIGRATIONS, statements};

/// Tables that are the operator's business, although their rows belong to projects.
const OPERATORS: [&str; 1] = ["erasures"];

/// What a reader of single projects may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readable {
    /// The column that names the project, in every one of the tables.
    pub column: &'static str,
    /// Tables, each with the column.
    pub tables: Vec<String>,
    /// Views over them.
    pub views: Vec<String>,
}

/// The tables and views of this release's schema that a reader of single projects may be shown.
pub fn tables_with_projects() -> Readable {
    let column = "project_id";
    let (mut tables, mut views) = (Vec::new(), Vec::new());
    for statement in MIGRATIONS.iter().flat_map(|migration| statements(migration.up)) {
        let words = statement.split_whitespace().collect::<Vec<_>>();
        match words.as_slice() {
            ["CREATE", "TABLE", name, ..] if words.contains(&column) && !OPERATORS.contains(name) => {
                tables.push((*name).to_owned());
            }
            // A step may fill a table only to put it in the place of another, and may make a view again.
            ["DROP", "TABLE" | "VIEW", name] => {
                tables.retain(|table| table != name);
                views.retain(|view| view != name);
            }
            ["CREATE", "VIEW", name, ..] => views.push((*name).to_owned()),
            _ => {}
        }
    }
    Readable { column, tables, views }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_measurements_is_readable_and_the_list_of_erasures_is_not() {
        let Readable { tables, .. } = tables_with_projects();
        for table in [
            "events",
            "errors",
            "kept_events",
            "kept_errors",
            "ingest_outcomes",
            "vitals_5m",
            "vitals_1h",
            "vitals_1d",
            "vitals_site_1h",
            "vitals_page_1w",
            "vitals_site_1d",
        ] {
            assert!(tables.iter().any(|name| name == table), "{table}: {tables:?}");
        }
        assert!(!tables.iter().any(|name| name == "erasures" || name == "events_reordered"), "{tables:?}");
    }
}
