//! The ingest benchmark: what each step of a beacon's way costs, and what other ways of keeping beacons cost, on the same machine with the
//! same beacons in the same run.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is its result and its progress")]

mod corpus;
mod dialect;
mod load;
mod measure;
mod parts;
mod process;
mod report;
mod rungs;
mod stored;
mod targets;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use parts::Part;
use rungs::Rung;

/// Measures how many events a core takes. The target has one core, the load generator the other; everything is on the loopback address.
#[derive(Parser)]
#[command(name = "beamline-bench", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure, and write a result file.
    Run {
        /// The file. Tables that are measured now replace those of the same name in it; others stay.
        #[arg(long)]
        out: PathBuf,
        /// A second instead of many for each load: to see that everything works, not to know how fast it is.
        #[arg(long)]
        quick: bool,
        /// What to measure. Default: everything but the soak.
        #[arg(long, value_enum)]
        only: Vec<Part>,
        /// Minutes at a steady rate, with the memory at each time. None by default.
        #[arg(long, value_name = "MINUTES")]
        soak: Option<u64>,
    },
    /// Serve one rung of the floor ladder until killed.
    #[command(hide = true)]
    Rung {
        rung: Rung,
        /// Folder for the spool.
        #[arg(long)]
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Run { out, quick, only, soak } => parts::run(&out, quick, &only, soak),
        Task::Rung { rung, dir } => rungs::serve(rung, &dir),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
