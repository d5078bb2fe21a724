//! What the data folder holds beside the spool and the engine's own files.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use embedded_clickhouse::{Credentials, Endpoint};
use serde::{Deserialize, Serialize};

use super::Data;

/// The spool's folder.
const SPOOL: &str = "spool";
/// The embedded engine's folder.
const ENGINE: &str = "clickhouse";
/// Where analysts find the embedded engine.
const READ_ENDPOINT: &str = "sql-endpoint.json";
/// Where commands beside the service find it.
const WRITE_ENDPOINT: &str = "sql-writer.json";
/// What was erased; see [`Data::append_erasures`].
const ERASURES: &str = "erasures.jsonl";

/// How to reach the embedded engine as one user.
#[derive(Clone, Serialize, Deserialize)]
pub struct SqlEndpoint {
    /// HTTP address.
    pub url: String,
    /// Database.
    pub database: String,
    /// User name.
    pub user: String,
    /// Password.
    pub key: String,
}

impl std::fmt::Debug for SqlEndpoint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SqlEndpoint({}, {})", self.url, self.user)
    }
}

impl Data {
    /// The spool's folder.
    pub fn spool(&self) -> PathBuf {
        self.dir.join(SPOOL)
    }

    /// The embedded engine's folder.
    pub fn engine(&self) -> PathBuf {
        self.dir.join(ENGINE)
    }

    /// Where the engine writes and reads backups.
    pub fn engine_backups(&self) -> PathBuf {
        self.engine().join("backups")
    }

    /// Writes down where the engine is, readable by the service's user only: for reading, and for the commands that write.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_endpoints(&self, at: &Endpoint) -> io::Result<()> {
        let as_user = |Credentials { user, key }: &Credentials| {
            let (url, database) = (at.url.clone(), at.database.clone());
            SqlEndpoint { url, database, user: user.clone(), key: key.clone() }
        };
        for (file, user) in [(READ_ENDPOINT, &at.reader), (WRITE_ENDPOINT, &at.writer)] {
            let mut line = serde_json::to_vec(&as_user(user))?;
            line.push(b'\n');
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600).open(self.dir.join(file))?.write_all(&line)?;
        }
        Ok(())
    }

    /// Where the engine was when it was last started, for reading. Absent if there never was one here.
    pub fn read_endpoint(&self) -> Option<SqlEndpoint> {
        endpoint(&self.dir.join(READ_ENDPOINT))
    }

    /// The same, for writing.
    pub fn write_endpoint(&self) -> Option<SqlEndpoint> {
        endpoint(&self.dir.join(WRITE_ENDPOINT))
    }

    /// Adds lines to the copy of the list of erasures that a restored backup does not overwrite. Durable on return.
    ///
    /// # Errors
    /// What the system says.
    pub fn append_erasures(&self, lines: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.dir.join(ERASURES))?;
        file.write_all(lines)?;
        file.sync_all()
    }

    /// The lines of [`Data::append_erasures`]; none if nothing was ever erased.
    ///
    /// # Errors
    /// What the system says.
    pub fn erasures(&self) -> io::Result<String> {
        match fs::read_to_string(self.dir.join(ERASURES)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => read,
        }
    }
}

fn endpoint(path: &Path) -> Option<SqlEndpoint> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Moves a folder, by copying if it goes to another file system. The target must not exist.
///
/// # Errors
/// What the system says; the source is left alone then.
pub fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy_folder(from, to)?;
            fs::remove_dir_all(from)
        }
        moved => moved,
    }
}

/// Copies a folder with all that is in it. The target must not exist.
///
/// # Errors
/// What the system says; what was copied so far is left.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?.sync_all()?;
        }
    }
    fs::File::open(to)?.sync_all()
}

/// Removes a folder with all that is in it; one that is not there is removed already.
///
/// # Errors
/// What the system says.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The names in a folder; none if it is not there.
///
/// # Errors
/// What the system says.
pub fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
    }
}

/// Writes a small file whole, durable on return.
///
/// # Errors
/// What the system says.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a small file whole.
///
/// # Errors
/// What the system says.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}
