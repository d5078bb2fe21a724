//! `cargo xtask bench`: what is measured, printed as tables for the documentation.

use anyhow::{Result, ensure};
use clap::Subcommand;

use crate::{progress, setup, tree};

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Subject {
    /// The store: bytes an event, time a question, on generated events in the embedded engine. Needs about 1 GB of disk for 10 million events
    /// and takes 3 minutes; 100 million need 10 GB and take half an hour or more.
    Clickhouse {
        /// Events to generate.
        #[arg(long, default_value_t = 10_000_000)]
        rows: u64,
    },
}

/// Measures, and prints the result.
///
/// # Errors
/// When something cannot be built, or the benchmark ends early.
pub(crate) fn run(subject: &Subject) -> Result<()> {
    let Subject::Clickhouse { rows } = subject;
    setup::ensure(setup::DEMO)?;
    progress::run("build", &mut tree::cargo(["build", "--workspace", "--bins"]), "Correct what the compiler says.")?;
    let rows = rows.to_string();
    let mut benchmark = tree::cargo(["run", "--quiet", "--package", "beamline-tests", "--example", "clickhouse", "--"]);
    ensure!(benchmark.arg(rows).status()?.success(), "the benchmark ended early");
    Ok(())
}
