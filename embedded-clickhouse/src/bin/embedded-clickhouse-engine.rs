//! The engine's process on its own: reads its settings from standard input, like `beamline engine`.

use std::process::ExitCode;

fn main() -> ExitCode {
    embedded_clickhouse::run_engine()
}
