//! `cargo xtask bench`: what Beamline costs beside its peers, as results in bench/results and a page in docs.

mod clickhouse;
mod features;
mod ingest;
mod plot;
mod report;
mod result;
mod sdk;

use anyhow::Result;
use clap::{Args, Command, Subcommand};

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Subject {
    /// The browser SDK beside its peers: bytes, its price in the page, and what a visit delivers, in Chromium. Takes about an hour; `--parts
    /// bytes` takes two minutes.
    Sdk(sdk::Options),
    /// The service: how many events a core takes and how fast it answers, step by step and beside nginx, fastify, Redis, NATS and `PostgreSQL`. Builds
    /// with optimisation first. Takes 20 minutes and 4 GB of disk; `--quick` takes two minutes.
    Ingest(ingest::Options),
    /// The store: bytes an event, time a question, on generated events in the embedded engine. Takes half an hour or more; `--rows 1000000` takes a
    /// minute.
    Clickhouse(clickhouse::Options),
    /// All of the above, one after the other, each as it is by default.
    All,
    /// Write docs/benchmarks.md and its pictures from the results in bench/results, without measuring.
    Report,
}

/// Measures what is asked for.
///
/// # Errors
/// When something cannot be built, or a benchmark ends early.
pub(crate) fn run(subject: &Subject) -> Result<()> {
    match subject {
        Subject::Sdk(options) => sdk::run(options),
        Subject::Ingest(options) => ingest::run(options),
        Subject::Clickhouse(options) => clickhouse::run(options),
        Subject::All => {
            sdk::run(&by_default()?)?;
            ingest::run(&by_default()?)?;
            clickhouse::run(&by_default()?)
        }
        Subject::Report => report::run(),
    }
}

/// The options of a benchmark when none are given.
fn by_default<Options: Args>() -> Result<Options> {
    let nothing: [&str; 0] = [];
    let command = Options::augment_args(Command::new("bench").no_binary_name(true));
    Ok(Options::from_arg_matches(&command.try_get_matches_from(nothing)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_runs_without_options() {
        by_default::<sdk::Options>().unwrap();
        by_default::<ingest::Options>().unwrap();
        by_default::<clickhouse::Options>().unwrap();
    }
}
