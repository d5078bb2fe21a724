//! `cargo xtask`: everything one does with this repository, as commands that set up what they need.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these are command-line tasks; what they print is their result")]

mod bench;
mod dashboards;
mod demo;
mod excerpt;
mod faults;
mod progress;
mod sdk;
mod setup;
mod sizing;
mod tally;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, tests and shows Beamline. Each task installs what it needs: Rust targets, npm and Python packages, Debian packages.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure what Beamline costs beside its peers; write the results and the page that shows them.
    #[command(subcommand)]
    Bench(bench::Subject),
    /// Build and pack the npm package, print its sizes, and check them and the panic gate.
    Build,
    /// Write the Grafana dashboards in deploy/grafana/dashboards from their descriptions in deploy/grafana/source.
    Dashboards,
    /// Build everything and run it: the service, its embedded ClickHouse and the sample shop.
    Demo(demo::Options),
    /// Let every fault of the fault matrix happen under load, and print what became of the beacons. Takes about six minutes.
    Faults,
    /// Install everything the other tasks need, without running them.
    Setup,
    /// Print how much disk and CPU ClickHouse needs for so many rows a day.
    Sizing(sizing::Measured),
    /// Run every check and test; the last line says how many passed and failed.
    Test,
    /// Check the house rules: who may import what, file sizes, lock files.
    Tidy,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Bench(subject) => bench::run(&subject),
        Task::Build => sdk::run(),
        Task::Dashboards => dashboards::run(),
        Task::Demo(options) => demo::run(&options),
        Task::Faults => faults::run(),
        Task::Setup => setup::run(),
        Task::Sizing(measured) => {
            sizing::run(&measured);
            Ok(())
        }
        Task::Test => return test::run(),
        Task::Tidy => tidy::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
