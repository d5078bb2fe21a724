//! The result file: tables of cells, as all benchmarks of this repository write them.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// A result file that is being written.
pub(crate) struct Report {
    value: Value,
    load_before: Vec<f64>,
}

/// A table of it.
pub(crate) struct Table {
    pub(crate) id: String,
    pub(crate) title: String,
    /// How it was measured, in plain words.
    pub(crate) note: String,
    pub(crate) columns: Vec<Value>,
    pub(crate) rows: Vec<Vec<Value>>,
    pub(crate) plot: Value,
}

/// A column of texts.
pub(crate) fn text(name: &str) -> Value {
    json!({"name": name})
}

/// A column of numbers.
pub(crate) fn number(name: &str, unit: &str, digits: u32) -> Value {
    if unit.is_empty() { json!({"name": name, "digits": digits}) } else { json!({"name": name, "unit": unit, "digits": digits}) }
}

/// A number with as many digits as are worth writing down.
pub(crate) fn rounded(value: f64, digits: i32) -> Value {
    let scale = 10_f64.powi(digits);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { json!(rounded) } else { Value::Null }
}

impl Report {
    /// What is in the file already, if there is one.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let value = match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).with_context(|| format!("{} is no JSON; remove it", path.display()))?,
            Err(_) => json!({"subject": "ingest", "title": "Ingest: beacons taken on one core", "tables": [], "not_measured": []}),
        };
        Ok(Self { value, load_before: load_average() })
    }

    /// Adds a table in place of the one with its id.
    pub(crate) fn put(&mut self, table: Table) {
        let Table { id, title, note, columns, rows, plot } = table;
        let new = json!({"id": id, "title": title, "note": note, "columns": columns, "rows": rows, "plot": plot});
        let Some(tables) = self.value["tables"].as_array_mut() else { return };
        match tables.iter_mut().find(|table| table["id"] == new["id"]) {
            Some(old) => *old = new,
            None => tables.push(new),
        }
    }

    /// Writes the file, with where and when this was.
    pub(crate) fn write(&mut self, path: &Path, order: &[&str], not_measured: &[&str]) -> Result<()> {
        let place = |table: &Value| order.iter().position(|id| table["id"] == *id).unwrap_or(order.len());
        if let Some(tables) = self.value["tables"].as_array_mut() {
            tables.sort_by_key(place);
        }
        self.value["date"] = json!(said("date", &["+%F"]));
        self.value["machine"] = machine();
        self.value["load_average"] = json!({"before": self.load_before, "after": load_average()});
        self.value["versions"] = versions();
        self.value["not_measured"] = json!(not_measured);
        let text = serde_json::to_string_pretty(&self.value)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn machine() -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str| {
        text.lines().find_map(|line| Some(line.strip_prefix(name)?.split_once(':')?.1.trim().to_owned())).unwrap_or_default()
    };
    let kib: u64 = after(&read("/proc/meminfo"), "MemTotal").split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
    let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    json!({
        "cpu": after(&read("/proc/cpuinfo"), "model name"),
        // This process itself is kept on one of them.
        "processors": read("/proc/cpuinfo").lines().filter(|line| line.starts_with("processor")).count().max(processors),
        "memory_gib": kib.div_ceil(1 << 20),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
    })
}

fn load_average() -> Vec<f64> {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).filter_map(|number| number.parse().ok()).collect()
}

fn versions() -> Value {
    let peers = include_str!("../peers/package.json");
    let packages: Value = serde_json::from_str(peers).unwrap_or_default();
    json!({
        "Beamline": env!("CARGO_PKG_VERSION"),
        "nginx": said("nginx", &["-v"]).trim_start_matches("nginx version: nginx/"),
        "Redis": version_in(&said("redis-server", &["--version"])),
        "NATS server": version_in(&said("nats-server", &["--version"])),
        "PostgreSQL": version_in(&said("/usr/lib/postgresql/15/bin/postgres", &["--version"])),
        "Node.js": said("node", &["--version"]).trim_start_matches('v'),
        "fastify": packages["dependencies"]["fastify"],
        "@clickhouse/client": packages["dependencies"]["@clickhouse/client"],
        "rustc": version_in(&said("rustc", &["--version"])),
    })
}

/// The first word that begins like a version.
fn version_in(text: &str) -> String {
    let plain = |word: &str| word.trim_start_matches("v=").trim_start_matches('v').to_owned();
    text.split_whitespace().map(plain).find(|word| word.starts_with(|char: char| char.is_ascii_digit())).unwrap_or_default()
}

/// What a short command prints; nothing if it is not there.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |output| {
            let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
            String::from_utf8_lossy(&text).trim().to_owned()
        },
    )
}
