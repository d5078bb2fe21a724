//! The form of a result, the same for every benchmark: bench/results/SUBJECT.json.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::report;
use crate::tree;

/// One benchmark's result, with all that a reader needs to judge it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BenchResult {
    /// What was measured, as the file is called.
    pub(super) subject: String,
    pub(super) title: String,
    /// The day in UTC, as in 2026-11-22.
    pub(super) date: String,
    pub(super) machine: Machine,
    pub(super) load_average: LoadAverage,
    /// The version of everything that took part, by its name.
    pub(super) versions: BTreeMap<String, String>,
    pub(super) tables: Vec<Table>,
    /// Sentences: what a reader might look for here, and why it is not there.
    pub(super) not_measured: Vec<String>,
}

/// What a benchmark's program finds out; the rest of a result is the same for all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Findings {
    title: String,
    versions: BTreeMap<String, String>,
    pub(super) tables: Vec<Table>,
    not_measured: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) processors: usize,
    pub(super) memory_gib: u64,
    pub(super) kernel: String,
}

/// Processes that ran or waited for the disk, over 1, 5 and 15 minutes.
#[derive(Serialize, Deserialize)]
pub(super) struct LoadAverage {
    pub(super) before: [f64; 3],
    pub(super) after: [f64; 3],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// Unique in the result; part of the picture's name.
    pub(super) id: String,
    pub(super) title: String,
    /// How it was measured, in plain words.
    pub(super) note: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Option<Cell>>>,
    #[serde(default)]
    pub(super) plot: Option<Plot>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    /// Digits after the decimal point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digits: Option<usize>,
}

/// A measured value; none at all means that it was not measured.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Cell {
    Number(Number),
    Text(String),
}

/// How a table is drawn. The numbers are of columns, from 0.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Plot {
    /// One bar a row.
    Bars { label: usize, value: usize },
    /// A line through the rows that have the same text in `series`.
    Lines {
        series: usize,
        x: usize,
        y: usize,
        #[serde(default)]
        log_x: bool,
        #[serde(default)]
        log_y: bool,
    },
}

impl BenchResult {
    /// Reads a result.
    ///
    /// # Errors
    /// When the file is not of this form.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let result: Self = serde_json::from_slice(&text).with_context(|| format!("{} is not a result", path.display()))?;
        for table in &result.tables {
            table.check().with_context(|| format!("table `{}` in {}", table.id, path.display()))?;
        }
        Ok(result)
    }

    fn write(&self) -> Result<PathBuf> {
        let path = folder().join(format!("{}.json", self.subject));
        fs::create_dir_all(folder()).with_context(|| format!("cannot create {}", folder().display()))?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

impl Table {
    /// Whether every row has every column, and the plot's columns are there.
    fn check(&self) -> Result<()> {
        let width = self.columns.len();
        for (index, row) in self.rows.iter().enumerate() {
            ensure!(row.len() == width, "row {index} has {} cells for {width} columns", row.len());
        }
        let named = match &self.plot {
            None => vec![],
            Some(Plot::Bars { label, value }) => vec![*label, *value],
            Some(Plot::Lines { series, x, y, .. }) => vec![*series, *x, *y],
        };
        ensure!(named.iter().all(|column| *column < width), "its plot names a column that is not there");
        Ok(())
    }
}

impl Cell {
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            Self::Text(_) => None,
        }
    }
}

/// Measures `subject`, writes its result and renders the report.
///
/// # Errors
/// When the measurement fails, or what it found is not of the form.
pub(crate) fn record(subject: &str, measure: impl FnOnce() -> Result<Findings>) -> Result<()> {
    let before = load_average()?;
    let Findings { title, versions, tables, not_measured } = measure()?;
    let result = BenchResult {
        subject: subject.to_owned(),
        title,
        date: today()?,
        machine: Machine::this()?,
        load_average: LoadAverage { before, after: load_average()? },
        versions,
        tables,
        not_measured,
    };
    let path = result.write()?;
    // Read again: what cannot be rendered shall fail here, not in the next test.
    BenchResult::read(&path)?;
    println!("  {}", path.display());
    report::run()
}

/// Where the results are.
pub(super) fn folder() -> PathBuf {
    tree::root().join("bench/results")
}

impl Machine {
    fn this() -> Result<Self> {
        let cpu = read("/proc/cpuinfo")?;
        let memory = read("/proc/meminfo")?;
        let kibibytes: u64 = value(&memory, "MemTotal").trim_end_matches(" kB").parse().context("no MemTotal in /proc/meminfo")?;
        Ok(Self {
            cpu: value(&cpu, "model name").to_owned(),
            processors: std::thread::available_parallelism()?.get(),
            memory_gib: kibibytes >> 20,
            kernel: version(&read("/proc/sys/kernel/osrelease")?).to_owned(),
        })
    }
}

/// The numbers that a kernel's release begins with; what follows names its build.
fn version(release: &str) -> &str {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    &release[..end]
}

/// What stands behind `name` and a colon; nothing where it is not there.
fn value<'t>(text: &'t str, name: &str) -> &'t str {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
}

fn load_average() -> Result<[f64; 3]> {
    let text = read("/proc/loadavg")?;
    let mut values = text.split_whitespace().map_while(|word| word.parse().ok());
    let mut next = || values.next().context("/proc/loadavg has fewer than three numbers");
    Ok([next()?, next()?, next()?])
}

fn today() -> Result<String> {
    let date = tree::output("date", ["-u", "+%F"]).context("cannot run `date`")?;
    Ok(date.trim().to_owned())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}; benchmarks run on Linux"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &str, plot: &str, expected: Option<&str>) {
        let table = format!(
            r#"{{"id": "t", "title": "T", "note": "", "columns": [{{"name": "a"}}, {{"name": "b"}}], "rows": {rows}, "plot": {plot}}}"#
        );
        let error = serde_json::from_str::<Table>(&table).unwrap().check().err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), expected);
    }

    #[test]
    fn a_cell_is_text_a_number_or_nothing() {
        check(r#"[["x", 1], ["y", null], ["z", 2.5]]"#, r#"{"kind": "bars", "label": 0, "value": 1}"#, None);
    }

    #[test]
    fn every_row_has_every_column() {
        check(r#"[["x"]]"#, "null", Some("row 0 has 1 cells for 2 columns"));
    }

    #[test]
    fn a_plot_names_columns_that_are_there() {
        check(
            r#"[["x", 1]]"#,
            r#"{"kind": "lines", "series": 0, "x": 1, "y": 2}"#,
            Some("its plot names a column that is not there"),
        );
    }

    #[test]
    fn a_kernel_is_named_by_its_version() {
        assert_eq!(version("6.1.0-18-amd64\n"), "6.1.0");
        assert_eq!(version("6.12.3"), "6.12.3");
    }

    #[test]
    fn the_machine_is_described() {
        let machine = Machine::this().unwrap();
        assert!(!machine.kernel.is_empty() && machine.memory_gib > 0 && machine.processors > 0);
        assert!(load_average().unwrap()[0] >= 0.0);
        assert_eq!(today().unwrap().len(), "2026-11-22".len());
    }
}
