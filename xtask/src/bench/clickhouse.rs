//! `cargo xtask bench clickhouse`: what the store costs, measured by the example of that name in tests/.

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::result;
use crate::{progress, setup, tree};

/// How much is loaded.
#[derive(Args)]
pub(crate) struct Options {
    /// Numbers of events, separated by commas; each is loaded into an empty store. 100 million take a quarter of an hour or more and need 10 GB.
    #[arg(long, value_delimiter = ',', default_value = "1000000,10000000,100000000")]
    rows: Vec<u64>,
}

/// Measures, and writes the result.
///
/// # Errors
/// When something cannot be built, or the benchmark ends early.
pub(super) fn run(options: &Options) -> Result<()> {
    setup::ensure(setup::DEMO)?;
    progress::run("build", &mut tree::cargo(["build", "--workspace", "--bins"]), "Correct what the compiler says.")?;
    let folder = tree::state().join("bench/clickhouse");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let out = folder.join("findings.json");
    result::record("clickhouse", || {
        let mut benchmark = tree::cargo(["run", "--quiet", "--package", "beamline-tests", "--example", "clickhouse", "--"]);
        benchmark.arg(&out).args(options.rows.iter().map(u64::to_string));
        ensure!(benchmark.status()?.success(), "the benchmark ended early");
        let findings = fs::read(&out).with_context(|| format!("cannot read {}", out.display()))?;
        serde_json::from_slice(&findings).context("the benchmark wrote something that is no result")
    })
}
