//! Where things are in the source tree.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable for `cargo xtask`; the built-in value serves a binary that is started by hand.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| manifest.clone(), Path::to_path_buf)
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |directory| root().join(directory))
}

/// What the tasks themselves keep between runs: stamps, logs, the Python environment, the demo's data. Ignored by git.
pub(crate) fn state() -> PathBuf {
    root().join(".state")
}

/// A cargo command at the root, with the cargo that runs this task.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
}

/// A command at the root.
pub(crate) fn command<const N: usize>(program: impl AsRef<std::ffi::OsStr>, arguments: [&str; N]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// What a short command printed; `None` when it is not there or failed.
pub(crate) fn output<const N: usize>(program: &str, arguments: [&str; N]) -> Option<String> {
    let output = command(program, arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
