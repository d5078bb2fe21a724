//! `cargo xtask dashboards`: Grafana dashboards from short descriptions, one file each for Prometheus and for ClickHouse.
//!
//! A description in `deploy/grafana/source` lists panels with their queries for either data source; a panel without a query for one is
//! not in that dashboard. What all panels share (layout, ids, thresholds of ratings, data source, filters) is added here.

mod json;
mod layout;
mod source;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tree;
use source::Dashboard;

/// What a dashboard reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Prometheus,
    ClickHouse,
}

impl Store {
    const ALL: [Self; 2] = [Self::Prometheus, Self::ClickHouse];

    /// End of the dashboard's uid and name of its folder.
    const fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::ClickHouse => "clickhouse",
        }
    }

    /// Grafana's type of the data source.
    const fn kind(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::ClickHouse => "grafana-clickhouse-datasource",
        }
    }
}

/// Writes all dashboards.
pub(crate) fn run() -> Result<()> {
    for (path, text) in files()? {
        let folder = path.parent().context("a dashboard has a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&path, text)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Every dashboard's file and text.
fn files() -> Result<Vec<(PathBuf, String)>> {
    let grafana = tree::root().join("deploy/grafana");
    let mut sources = fs::read_dir(grafana.join("source"))?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    sources.sort();
    let mut files = Vec::new();
    for source in sources {
        let text = fs::read_to_string(&source)?;
        let dashboard: Dashboard = toml::from_str(&text).with_context(|| source.display().to_string())?;
        for store in Store::ALL {
            let value: Value = json::dashboard(&dashboard, store).with_context(|| source.display().to_string())?;
            let path = grafana.join("dashboards").join(store.name()).join(format!("{}.json", dashboard.uid));
            files.push((path, format!("{}\n", serde_json::to_string_pretty(&value)?)));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_dashboards_are_those_of_the_committed_descriptions() {
        let files = files().unwrap();
        assert_eq!(files.len(), 18);
        for (path, text) in &files {
            let committed = fs::read_to_string(path).unwrap_or_default();
            assert!(committed == *text, "{} differs; run `cargo xtask dashboards`", path.display());
        }
        for store in Store::ALL {
            let folder = tree::root().join("deploy/grafana/dashboards").join(store.name());
            assert_eq!(fs::read_dir(folder).unwrap().count(), files.len() / 2, "a dashboard without a description");
        }
    }
}
