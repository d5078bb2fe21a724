//! The running engine, and who holds which of its connections.

use std::collections::HashMap;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as SharedMutex, OwnedMutexGuard};

use super::config::{self, Layout};
use super::deduplication::LogSync;
use super::ffi::{Connection, EngineFault, Library, LibraryError};

const MAX_SESSIONS: usize = 64;

/// The running engine.
pub(crate) struct Gateway {
    library: Library,
    layout: Layout,
    database: String,
    logs: LogSync,
    version: String,
    sessions: Mutex<HashMap<String, Session>>,
    /// Keeps the engine running while no request has a connection.
    _anchor: Mutex<Connection>,
}

struct Session {
    connection: Arc<SharedMutex<Connection>>,
    expires: Instant,
}

/// Why a request got no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseError {
    #[error("session {0} is used by another request")]
    Locked(String),
    #[error("more than {MAX_SESSIONS} sessions are open")]
    TooMany,
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error(transparent)]
    Engine(#[from] EngineFault),
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error("the database could not be opened: {0}")]
    Database(#[from] EngineFault),
}

impl Gateway {
    /// Loads the library, starts the engine on its data directory, and creates the database when it is not there.
    pub(crate) fn open(library: &Path, layout: Layout, database: &str) -> Result<Self, OpenError> {
        let library = Library::load(library)?;
        let mut anchor = library.connect(&layout.data, &layout.config_file)?;
        let name = config::quote_identifier(database);
        anchor.query(format!("CREATE DATABASE IF NOT EXISTS {name} ENGINE = Atomic").as_bytes(), "Null", &[])?;
        let version = anchor.query(b"SELECT version()", "TabSeparatedRaw", &[])?;
        let version = String::from_utf8_lossy(version.as_ref()).trim().to_owned();
        Ok(Self {
            library,
            logs: LogSync::new(layout.data.clone()),
            layout,
            database: database.to_owned(),
            version,
            sessions: Mutex::default(),
            _anchor: Mutex::new(anchor),
        })
    }

    /// The one database served.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// ClickHouse's version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The library's own version.
    pub(crate) fn library_version(&self) -> String {
        self.library.version()
    }

    /// Makes the deduplication records of all inserts so far durable.
    pub(crate) fn sync_deduplication_logs(&self) -> io::Result<()> {
        self.logs.sync()
    }

    /// A connection for one request, dropped afterwards.
    pub(crate) fn lease(&self) -> Result<Lease, LeaseError> {
        Ok(Lease { holder: Holder::Fresh(self.connect()?), reset: Vec::new() })
    }

    /// The connection of a session, opened by its first request, and kept until unused for `timeout`.
    pub(crate) fn lease_session(&self, name: &str, timeout: Duration) -> Result<Lease, LeaseError> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        sessions.retain(|_, session| session.expires > now || session.connection.try_lock().is_err());
        if !sessions.contains_key(name) {
            if sessions.len() >= MAX_SESSIONS {
                return Err(LeaseError::TooMany);
            }
            let connection = Arc::new(SharedMutex::new(self.connect()?));
            sessions.insert(name.to_owned(), Session { connection, expires: now });
        }
        let session = sessions.get_mut(name).ok_or(LeaseError::TooMany)?;
        session.expires = now + timeout;
        match Arc::clone(&session.connection).try_lock_owned() {
            Ok(guard) => Ok(Lease { holder: Holder::Session(guard), reset: Vec::new() }),
            Err(_) => Err(LeaseError::Locked(name.to_owned())),
        }
    }

    fn connect(&self) -> Result<Connection, LeaseError> {
        let mut connection = self.library.connect(&self.layout.data, &self.layout.config_file)?;
        connection.query(format!("USE {}", config::quote_identifier(&self.database)).as_bytes(), "Null", &[])?;
        Ok(connection)
    }
}

/// A connection while one request has it.
pub(crate) struct Lease {
    holder: Holder,
    reset: Vec<String>,
}

enum Holder {
    Fresh(Connection),
    Session(OwnedMutexGuard<Connection>),
}

impl Lease {
    /// Applies a request's settings, for as long as the request has the connection. Names must be plain.
    pub(crate) fn set<'a>(&mut self, settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), EngineFault> {
        let (mut assignments, mut defaults) = (Vec::new(), Vec::new());
        for (name, value) in settings {
            assignments.push(format!("{name} = '{}'", value.replace('\\', "\\\\").replace('\'', "\\'")));
            defaults.push(format!("{name} = DEFAULT"));
        }
        if !assignments.is_empty() {
            self.query(format!("SET {}", assignments.join(", ")).as_bytes(), "Null", &[])?;
            if matches!(self.holder, Holder::Session(_)) {
                self.reset.push(format!("SET {}", defaults.join(", ")));
            }
        }
        Ok(())
    }

    /// Takes off all roles but this one, for good. The name must be plain.
    pub(crate) fn set_role(&mut self, role: &str) -> Result<(), EngineFault> {
        self.query(format!("SET ROLE {}", config::quote_identifier(role)).as_bytes(), "Null", &[]).map(drop)
    }

    /// Makes another database the current one, for as long as the request has the connection. The name must be plain.
    pub(crate) fn use_database(&mut self, database: &str, usual: &str) -> Result<(), EngineFault> {
        self.query(format!("USE {}", config::quote_identifier(database)).as_bytes(), "Null", &[])?;
        if matches!(self.holder, Holder::Session(_)) {
            self.reset.push(format!("USE {}", config::quote_identifier(usual)));
        }
        Ok(())
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.holder {
            Holder::Fresh(connection) => connection,
            Holder::Session(guard) => guard,
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.holder {
            Holder::Fresh(connection) => connection,
            Holder::Session(guard) => guard,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        for statement in std::mem::take(&mut self.reset) {
            // A session that cannot be reset keeps the setting; its owner set it.
            let _ = self.query(statement.as_bytes(), "Null", &[]);
        }
    }
}
