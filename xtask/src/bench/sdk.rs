//! `cargo xtask bench sdk`: the browser agents side by side, measured by bench/sdk in Chromium.

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::features;
use super::result::{self, Findings};
use crate::{progress, sdk, setup, tree};

/// What is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these parts, separated by commas: bytes, visit, behaviour, cost. The result shows the others as they were measured last.
    #[arg(long, default_value = "bytes,visit,behaviour,cost")]
    parts: String,
    /// Fresh loads of the page for each agent and speed in the part `cost`.
    #[arg(long, default_value_t = 15)]
    loads: u32,
    /// End the part `cost` after so many minutes; the next run goes on where this one ended. Without it, that takes about 40 minutes.
    #[arg(long)]
    minutes: Option<u32>,
}

/// Builds the package, measures it beside its peers, and writes the result.
///
/// # Errors
/// When something cannot be built or installed, or an agent cannot be measured.
pub(super) fn run(options: &Options) -> Result<()> {
    setup::ensure(setup::BROWSER)?;
    setup::ensure(setup::BENCH_SDK)?;
    let package = sdk::build()?;
    let folder = tree::root().join("bench/sdk");
    let install = ["install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
    progress::run(
        "install the package beside its peers",
        tree::command("npm", install).arg(&package.tarball).current_dir(&folder),
        "Run `npm ci --ignore-scripts --prefix bench/sdk` first.",
    )?;
    result::record("sdk", || {
        let mut findings = measure(options)?;
        let behind_bytes = 1.min(findings.tables.len());
        findings.tables.insert(behind_bytes, features::table(&package.sizes)?);
        Ok(findings)
    })
}

fn measure(options: &Options) -> Result<Findings> {
    let state = tree::state().join("bench/sdk");
    let out = state.join("findings.json");
    let mut measure = tree::command("node", ["bench/sdk/main.mjs"]);
    measure.arg("--state").arg(&state).arg("--out").arg(&out);
    measure.args(["--parts", &options.parts, "--loads", &options.loads.to_string()]);
    if let Some(minutes) = options.minutes {
        measure.args(["--minutes", &minutes.to_string()]);
    }
    ensure!(measure.status().context("cannot run node")?.success(), "the benchmark ended early; what it says is above");
    let findings = fs::read(&out).with_context(|| format!("cannot read {}", out.display()))?;
    serde_json::from_slice(&findings).context("bench/sdk/main.mjs wrote something that is no result")
}
