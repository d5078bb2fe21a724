//! The results as a page for people: docs/benchmarks.md, and a picture for each table that asks for one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::plot;
use super::result::{self, BenchResult, Cell, Column, Table};
use crate::tree;

/// The page, from the root.
const PAGE: &str = "docs/benchmarks.md";
/// The folder of its pictures. Nothing else is in it.
const PICTURES: &str = "docs/benchmarks";

const HEAD: &str = "# Benchmarks

<!-- Written by `cargo xtask bench report` from bench/results; what is changed here is lost. -->

What Beamline costs, beside what others cost, measured by programs in this repository: `cargo xtask bench all` does it again, and
`cargo xtask bench --help` says what one part needs. Times belong to the machine they were measured on; compare the rows of a table with
each other, not with figures from elsewhere. An empty cell (–) was not measured.
";

/// `cargo xtask bench report`: writes the page and its pictures.
///
/// # Errors
/// When a result is not of the form, or a file cannot be written.
pub(super) fn run() -> Result<()> {
    let pictures = tree::root().join(PICTURES);
    fs::create_dir_all(&pictures).with_context(|| format!("cannot create {}", pictures.display()))?;
    let files = rendered()?;
    for name in drawn(&pictures)?.into_iter().filter(|name| !files.contains_key(name)) {
        fs::remove_file(tree::root().join(name))?;
    }
    for (name, text) in &files {
        fs::write(tree::root().join(name), text).with_context(|| format!("cannot write {name}"))?;
    }
    println!("  {PAGE}");
    Ok(())
}

/// What is to be in each file, by its path from the root.
fn rendered() -> Result<BTreeMap<String, String>> {
    let mut paths = files_in(&result::folder())?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let results = paths.iter().map(|path| BenchResult::read(path)).collect::<Result<Vec<_>>>()?;

    let mut files = BTreeMap::from([(PAGE.to_owned(), page(&results))]);
    for result in &results {
        for table in &result.tables {
            if let Some(picture) = plot::svg(table) {
                files.insert(format!("{PICTURES}/{}-{}.svg", result.subject, table.id), picture);
            }
        }
    }
    Ok(files)
}

/// The files in the folder of pictures, as paths from the root.
fn drawn(pictures: &Path) -> Result<Vec<String>> {
    let names = files_in(pictures)?.into_iter().filter_map(|path| Some(path.file_name()?.display().to_string()));
    Ok(names.map(|name| format!("{PICTURES}/{name}")).collect())
}

/// The files in `folder`; none where nothing was written to it yet.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn page(results: &[BenchResult]) -> String {
    let mut page = HEAD.to_owned();
    for result in results {
        section(&mut page, result);
    }
    page
}

fn section(page: &mut String, result: &BenchResult) {
    let BenchResult { title, date, machine, load_average, versions, .. } = result;
    let _ = writeln!(page, "\n## {title}\n");
    let _ = writeln!(
        page,
        "{date}, `cargo xtask bench {}`. {} with {} processors, {} GiB of memory, Linux {}; load average {} before, {} after.",
        result.subject,
        machine.cpu,
        machine.processors,
        machine.memory_gib,
        machine.kernel,
        load(load_average.before),
        load(load_average.after),
    );
    let versions: Vec<_> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    if !versions.is_empty() {
        let _ = writeln!(page, "\nVersions: {}.", versions.join(" · "));
    }
    for table in &result.tables {
        let _ = writeln!(page, "\n### {}\n\n{}\n", table.title, table.note);
        if table.plot.is_some() {
            let _ = writeln!(page, "![{}](benchmarks/{}-{}.svg)\n", table.title, result.subject, table.id);
        }
        page.push_str(&markdown(table));
    }
    if !result.not_measured.is_empty() {
        let _ = writeln!(page, "\n### Not measured\n");
        for sentence in &result.not_measured {
            let _ = writeln!(page, "- {sentence}");
        }
    }
}

fn load(values: [f64; 3]) -> String {
    values.map(|value| format!("{value:.2}")).join(" ")
}

fn markdown(table: &Table) -> String {
    let is_number = |index: usize| table.rows.iter().any(|row| matches!(row[index], Some(Cell::Number(_))));
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = row(table.columns.iter().map(heading).collect());
    text.push_str(&row((0..table.columns.len()).map(|index| if is_number(index) { "---:" } else { "---" }.to_owned()).collect()));
    for cells in &table.rows {
        let cells = cells.iter().zip(&table.columns).map(|(cell, column)| shown(cell.as_ref(), column));
        text.push_str(&row(cells.map(|cell| if is_ours(&cell) { format!("**{cell}**") } else { cell }).collect()));
    }
    text
}

/// Whether a row is about this project.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with("Beamline")
}

/// A column's name, with its unit.
pub(super) fn heading(column: &Column) -> String {
    column.unit.as_ref().map_or_else(|| column.name.clone(), |unit| format!("{}, {unit}", column.name))
}

/// A cell as its column wants it.
pub(super) fn shown(cell: Option<&Cell>, column: &Column) -> String {
    match cell {
        None => "–".to_owned(),
        Some(Cell::Text(text)) => text.replace('|', "\\|"),
        Some(Cell::Number(number)) => grouped(number.as_f64().unwrap_or_default(), column.digits.unwrap_or_default()),
    }
}

/// `12,345.6`
fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let is_zero = !text.contains(|c: char| c.is_ascii_digit() && c != '0');
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    format!("{sign}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_page_is_what_the_committed_results_render_to() {
        let files = rendered().unwrap();
        for (name, text) in &files {
            let committed = fs::read_to_string(tree::root().join(name)).unwrap_or_default();
            assert!(committed == *text, "{name} is not what bench/results renders to; run `cargo xtask bench report`");
        }
        for name in drawn(&tree::root().join(PICTURES)).unwrap() {
            assert!(files.contains_key(&name), "no result draws {name}; run `cargo xtask bench report`");
        }
    }

    #[test]
    fn numbers_are_grouped_and_rounded() {
        let check = |value: f64, digits, expected: &str| assert_eq!(grouped(value, digits), expected);
        check(0.0, 0, "0");
        check(999.0, 0, "999");
        check(29435.0, 0, "29,435");
        check(1_234_567.89, 1, "1,234,567.9");
        check(-1234.5, 1, "−1,234.5");
        check(-0.04, 1, "0.0");
        check(0.96, 1, "1.0");
    }

    #[test]
    fn a_table_is_markdown() {
        let table: Table = serde_json::from_str(
            r#"{"id": "t", "title": "T", "note": "", "columns": [{"name": "agent"}, {"name": "brotli", "unit": "B"}, {"name": "ms", "digits": 1}],
                "rows": [["a|b", 1234, 0.25], ["c", null, 12], ["Beamline", 1, 1]]}"#,
        )
        .unwrap();
        let expected = "| agent | brotli, B | ms |\n| --- | ---: | ---: |\n| a\\|b | 1,234 | 0.2 |\n| c | – | 12.0 |\n| **Beamline** | 1 | 1.0 |\n";
        assert_eq!(markdown(&table), expected);
    }
}
