//! `cargo xtask`: everything one does with this repository, as commands that set up what they need.

#![expect(clippy::print_stdout, reason = "these are command-line tasks; what they print is their result")]

mod progress;
mod sdk;
mod setup;
mod tree;

use anyhow::Result;
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
    /// Build and pack the npm package, print its sizes, and check them and the panic gate.
    Build,
    /// Install everything the other tasks need, without running them.
    Setup,
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Build => sdk::run(),
        Task::Setup => setup::run(),
    }
}
