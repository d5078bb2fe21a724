//! Makes deduplication records durable before an insert is acknowledged.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{LOG_DIRECTORY, log_files, tables_with_logs};

/// Syncs the log files that grew since they were last synced.
pub(crate) struct LogSync {
    data: PathBuf,
    /// Each log file with the length known to be durable. Concurrent inserts wait for one another here, and those that waited
    /// usually find their records synced already.
    durable: Mutex<HashMap<PathBuf, u64>>,
}

impl LogSync {
    pub(crate) fn new(data: PathBuf) -> Self {
        Self { data, durable: Mutex::default() }
    }

    /// Everything the engine wrote to any deduplication log before this call is durable when it returns.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = HashMap::with_capacity(durable.len());
        for table in tables_with_logs(&self.data)? {
            let mut created = false;
            for (_, path) in log_files(&table)? {
                let Some(length) = length(&path)? else { continue };
                let known = durable.get(&path).copied();
                if known != Some(length) {
                    sync_data(&path)?;
                    created |= known.is_none();
                }
                present.insert(path, length);
            }
            if created {
                sync_data(&table.join(LOG_DIRECTORY))?;
            }
        }
        *durable = present;
        Ok(())
    }
}

/// Absent when the engine removed the file meanwhile: a file past the window, or a dropped table.
fn length(path: &Path) -> io::Result<Option<u64>> {
    match path.metadata() {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sync_data(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_data(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn remembers_what_is_durable_and_forgets_what_is_gone() {
        let data = tempfile::tempdir().unwrap();
        let logs = data.path().join("store/abc/abcdef").join(LOG_DIRECTORY);
        fs::create_dir_all(&logs).unwrap();
        let (first, second) = (logs.join("deduplication_log_1.txt"), logs.join("deduplication_log_2.txt"));
        fs::write(&first, "1\tall_1_1_0\ta\n").unwrap();
        let sync = LogSync::new(data.path().to_owned());
        sync.sync().unwrap();
        assert_eq!(*sync.durable.lock().unwrap(), HashMap::from([(first.clone(), 14)]));
        fs::remove_file(&first).unwrap();
        fs::write(&second, "1\tall_2_2_0\tbb\n").unwrap();
        sync.sync().unwrap();
        assert_eq!(*sync.durable.lock().unwrap(), HashMap::from([(second, 15)]));
    }
}
