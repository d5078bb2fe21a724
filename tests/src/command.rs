//! Commands of `beamline` beside a service, or instead of one.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::beamline;

/// How a command ended.
#[derive(Debug)]
pub struct Output {
    /// With exit status 0.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a command with the configuration of the service in this data folder, and this standard input.
///
/// # Panics
/// If it cannot be run.
pub fn run(data_dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(beamline())
        .args(arguments)
        .arg("--config")
        .arg(data_dir.with_extension("toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Output { success: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Output {
    /// Standard output of a command that succeeded.
    ///
    /// # Panics
    /// If it failed, with what it said.
    pub fn text(self) -> String {
        assert!(self.success, "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}
