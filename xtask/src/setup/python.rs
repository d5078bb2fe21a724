//! The Python environment of the tests.

use std::fs;

use anyhow::{Context, Result};

use crate::{progress, tree};

/// What is installed, with hashes or versions pinned.
const REQUIREMENTS: &str = "embedded-clickhouse/tests/clients/requirements.txt";

pub(super) fn ensure() -> Result<()> {
    let wanted =
        fs::read(tree::root().join(REQUIREMENTS)).with_context(|| format!("{REQUIREMENTS} is missing from the source tree"))?;
    let environment = tree::state().join("python");
    let stamp = environment.join("installed-requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    progress::run(
        "create the Python environment",
        tree::command("python3", ["-m", "venv", "--clear"]).arg(&environment),
        "Python 3 with its venv module is needed (Debian: python3 python3-venv).",
    )?;
    progress::run(
        "install Python packages",
        &mut tree::command(environment.join("bin/pip"), ["install", "--disable-pip-version-check", "--requirement", REQUIREMENTS]),
        "Check that the Python package index can be reached.",
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
