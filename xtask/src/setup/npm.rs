//! npm packages, exactly as the lock file names them.

use std::fs;

use anyhow::{Context, Result};

use crate::{progress, tree};

/// A copy of the lock file that was installed last, kept with the packages it describes.
const STAMP: &str = "node_modules/.installed-lock.json";

pub(super) fn ensure(directory: &str, purpose: &str) -> Result<()> {
    let path = tree::root().join(directory);
    let lock = path.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("{directory}/package-lock.json is missing from the source tree"))?;
    let stamp = path.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    progress::run(
        &format!("npm ci in {directory} ({purpose})"),
        tree::command("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&path),
        &format!(
            "Check that npm (11 or later) and its registry can be reached, then run `npm ci --ignore-scripts --prefix {directory}`."
        ),
    )?;
    fs::create_dir_all(path.join("node_modules"))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
