//! `cargo xtask bench clickhouse`: what the store costs, printed as Markdown.

use anyhow::{Result, ensure};
use clap::Args;

use crate::{progress, setup, tree};

/// How much is loaded.
#[derive(Args)]
pub(crate) struct Options {
    /// Events to generate.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
}

/// Measures, and prints the result.
///
/// # Errors
/// When something cannot be built, or the benchmark ends early.
pub(super) fn run(options: &Options) -> Result<()> {
    setup::ensure(setup::DEMO)?;
    progress::run("build", &mut tree::cargo(["build", "--workspace", "--bins"]), "Correct what the compiler says.")?;
    let mut benchmark = tree::cargo(["run", "--quiet", "--package", "beamline-tests", "--example", "clickhouse", "--"]);
    ensure!(benchmark.arg(options.rows.to_string()).status()?.success(), "the benchmark ended early");
    Ok(())
}
