//! Puts deduplication logs right before the engine starts.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::log::{PartName, examine};
use super::{LOG_DIRECTORY, entries, log_files, tables_with_logs};

const LOCK_POLL: Duration = Duration::from_millis(20);

/// What a repair did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repaired {
    /// Tables with deduplication logs.
    pub(crate) tables: usize,
    /// Records without a part, taken back.
    pub(crate) retracted: usize,
    /// Log files whose torn last line was cut.
    pub(crate) cut: usize,
    /// Whole lines that are not records, left alone.
    pub(crate) malformed: usize,
}

/// Why a repair could not be done. The engine must not start then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RepairError {
    #[error("the data directory {0} is in use by another process")]
    InUse(PathBuf),
    #[error("the deduplication logs below {path} cannot be repaired")]
    Io { path: PathBuf, source: io::Error },
}

/// Repairs every table's logs below ClickHouse's data directory. Must run before the engine opens the directory, and before any
/// insert, because ClickHouse gives block numbers out again. Another process that still holds the directory, such as an engine whose
/// parent was killed a moment ago, is waited for as long as `patience`.
pub(crate) fn repair(data: &Path, patience: Duration) -> Result<Repaired, RepairError> {
    let fault = |path: &Path, source| RepairError::Io { path: path.to_owned(), source };
    let _lock = lock(data, patience)?;
    let mut sum = Repaired::default();
    for table in tables_with_logs(data).map_err(|source| fault(data, source))? {
        let one = repair_table(&table).map_err(|source| fault(&table, source))?;
        sum.tables += 1;
        sum.retracted += one.retracted;
        sum.cut += one.cut;
        sum.malformed += one.malformed;
    }
    Ok(sum)
}

/// ClickHouse's own lock on its data directory: the file `status`. Absent on first use.
fn lock(data: &Path, patience: Duration) -> Result<Option<File>, RepairError> {
    let path = data.join("status");
    let fault = |source| RepairError::Io { path: path.clone(), source };
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if begin.elapsed() < patience => thread::sleep(LOCK_POLL),
            Err(TryLockError::WouldBlock) => return Err(RepairError::InUse(data.to_owned())),
            Err(TryLockError::Error(error)) => return Err(fault(error)),
        }
    }
}

fn repair_table(table: &Path) -> io::Result<Repaired> {
    let files = log_files(table)?;
    let logs = files.iter().map(|(_, path)| fs::read(path)).collect::<io::Result<Vec<_>>>()?;
    let mut parts = Vec::new();
    for entry in entries(table)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            parts.extend(entry.file_name().to_str().and_then(PartName::parse));
        }
    }
    let findings = examine(&logs, &parts);
    let mut repaired = Repaired { retracted: findings.retracted, malformed: findings.malformed, ..Repaired::default() };
    for ((_, path), length) in files.iter().zip(&findings.cut) {
        if let Some(length) = *length {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(length as u64)?;
            file.sync_all()?;
            repaired.cut += 1;
        }
    }
    if let (Some((_, newest)), false) = (files.last(), findings.retractions.is_empty()) {
        let mut file = OpenOptions::new().append(true).open(newest)?;
        file.write_all(&findings.retractions)?;
        file.sync_all()?;
        File::open(table.join(LOG_DIRECTORY))?.sync_all()?;
    }
    Ok(repaired)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(data: &Path) -> PathBuf {
        let table = data.join("store/abc/abcdef");
        fs::create_dir_all(table.join(LOG_DIRECTORY)).unwrap();
        table
    }

    fn write_log(table: &Path, number: u32, text: &str) -> PathBuf {
        let path = table.join(LOG_DIRECTORY).join(format!("deduplication_log_{number}.txt"));
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn an_empty_directory_needs_nothing() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(repair(data.path(), Duration::ZERO).unwrap(), Repaired::default());
    }

    #[test]
    fn the_retraction_goes_to_the_newest_file_by_number() {
        let data = tempfile::tempdir().unwrap();
        let table = table(data.path());
        fs::create_dir(table.join("all_1_1_0")).unwrap();
        fs::create_dir(table.join("tmp_insert_all_2_2_0")).unwrap();
        let second = write_log(&table, 2, "1\tall_1_1_0\ta\n1\tall_2_2_0\tb\n");
        let tenth = write_log(&table, 10, "1\tall_3_3_0\tc\n1\tall_4");
        let repaired = repair(data.path(), Duration::ZERO).unwrap();
        assert_eq!(repaired, Repaired { tables: 1, retracted: 2, cut: 1, malformed: 0 });
        assert_eq!(fs::read_to_string(second).unwrap(), "1\tall_1_1_0\ta\n1\tall_2_2_0\tb\n");
        assert_eq!(fs::read_to_string(tenth).unwrap(), "1\tall_3_3_0\tc\n2\tall_2_2_0\tb\n2\tall_3_3_0\tc\n");
        assert_eq!(repair(data.path(), Duration::ZERO).unwrap(), Repaired { tables: 1, ..Repaired::default() });
    }

    #[test]
    fn a_directory_in_use_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let status = File::create(data.path().join("status")).unwrap();
        status.lock().unwrap();
        assert!(matches!(repair(data.path(), Duration::ZERO), Err(RepairError::InUse(_))));
    }

    #[test]
    fn a_directory_given_up_soon_is_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let status = File::create(data.path().join("status")).unwrap();
        status.lock().unwrap();
        let waiting = thread::spawn({
            let path = data.path().to_owned();
            move || repair(&path, Duration::from_mins(1))
        });
        drop(status);
        assert_eq!(waiting.join().unwrap().unwrap(), Repaired::default());
    }
}
