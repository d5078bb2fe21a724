//! `cargo xtask bench ingest`: how many events a core takes, by step, durability and connection, beside others.

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;

use super::report;
use crate::{progress, setup, tree};

/// The result, from the root.
const RESULT: &str = "bench/results/ingest.json";

/// How much is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Short loads, to see that everything works; the result goes to .state and not to bench/results. Takes two minutes.
    #[arg(long)]
    quick: bool,
    /// One table alone: ladder, ladder-gzip, ladder-small, peers, peers-small, connections or latency. May be given several times.
    #[arg(long, value_name = "TABLE")]
    only: Vec<String>,
    /// Minutes at a steady rate, with the memory at each time. Not measured unless given.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<u64>,
}

/// Measures, and writes the result.
///
/// # Errors
/// When something cannot be built, or the benchmark ends early.
pub(super) fn run(options: &Options) -> Result<()> {
    setup::ensure(setup::BENCH_INGEST)?;
    let mut build = tree::cargo(["build", "--release", "--package", "rum-ingest", "--package", "beamline-bench", "--bins"]);
    progress::run("build with optimisation", &mut build, "Correct what the compiler says.")?;
    let out = if options.quick { tree::state().join("ingest-quick.json") } else { tree::root().join(RESULT) };
    out.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    let mut benchmark = tree::command(tree::target().join("release/beamline-bench"), ["run", "--out"]);
    benchmark.arg(&out).env("PATH", with_system_programs());
    benchmark.args(options.only.iter().flat_map(|table| ["--only", table]));
    if options.quick {
        benchmark.arg("--quick");
    }
    if let Some(minutes) = options.soak {
        benchmark.args(["--soak", &minutes.to_string()]);
    }
    ensure!(benchmark.status()?.success(), "the benchmark ended early");
    println!("  {}", out.strip_prefix(tree::root()).map_or(out.as_path(), Path::new).display());
    if options.quick { Ok(()) } else { report::run() }
}

/// The search path, with the folder in which Debian has servers: only root has it by default.
fn with_system_programs() -> String {
    format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}
