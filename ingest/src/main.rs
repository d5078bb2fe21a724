//! `beamline`, the ingest service. See `beamline --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    rum_ingest::cli::main()
}
