//! What is on disk.

use std::path::{Path, PathBuf};

/// The files under a folder that have these bytes in them.
///
/// # Panics
/// If the folder cannot be listed.
pub fn files_with(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else if std::fs::read(&path).is_ok_and(|content| content.windows(bytes.len()).any(|part| part == bytes)) {
            found.push(path);
        }
    }
    found
}
