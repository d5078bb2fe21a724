//! The engine's process.

use std::process::ExitCode;

/// Runs the engine in this process until standard input ends.
pub fn run_engine() -> ExitCode {
    ExitCode::FAILURE
}
