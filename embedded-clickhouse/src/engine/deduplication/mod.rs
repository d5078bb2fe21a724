//! The two things ClickHouse leaves undone for exactly-once inserts into plain `MergeTree` tables.
//!
//! A table with a deduplication window keeps its tokens in `deduplication_logs/`. ClickHouse writes a block's record there *before* it
//! renames the block's part into place, so a kill between the two leaves a record without a part: the retry would be taken for a
//! duplicate and the rows would be lost. [`repair`] takes such records back before the engine starts. And ClickHouse never syncs
//! these files, so after a power loss a part may be there without its record, and the retry would be stored twice: [`LogSync`] syncs
//! them before an insert is acknowledged.

mod log;
mod repair;
mod sync;

pub(crate) use repair::{Repaired, repair};
pub(crate) use sync::LogSync;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const LOG_DIRECTORY: &str = "deduplication_logs";

/// The table directories below ClickHouse's data directory (`store/abc/abcdef…/`) that keep deduplication logs.
fn tables_with_logs(data: &Path) -> io::Result<Vec<PathBuf>> {
    let mut tables = Vec::new();
    for prefix in directories(&data.join("store"))? {
        tables.extend(directories(&prefix)?.into_iter().filter(|table| table.join(LOG_DIRECTORY).is_dir()));
    }
    Ok(tables)
}

fn directories(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in entries(parent)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// A table's log files with their numbers, oldest first.
fn log_files(table: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in entries(&table.join(LOG_DIRECTORY))? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("deduplication_log_")?.strip_suffix(".txt")?.parse().ok());
        files.extend(number.map(|number| (number, entry.path())));
    }
    files.sort();
    Ok(files)
}

/// The entries of a directory; none when it is not there, because the engine removes dropped tables whenever it likes.
fn entries(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}
