//! What a supervised engine needs, offers, and fails with.

use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How to run the engine process.
#[derive(Clone)]
pub struct SupervisorConfig {
    /// The program whose `main` calls [`run_engine`](crate::run_engine), usually `std::env::current_exe()`.
    pub program: PathBuf,
    /// The arguments that make it do so, such as `engine`. Nothing secret: they show in the process list.
    pub args: Vec<OsString>,
    /// The path found by [`locate_library`](crate::locate_library).
    pub library: PathBuf,
    /// Holds the engine's data and its generated configuration; created when absent, used by one engine at a time.
    pub data_dir: PathBuf,
    /// The address to serve on; loopback only. With port 0 a free port is chosen once, and kept across restarts.
    pub listen: SocketAddr,
    /// The one database served; created when absent. An identifier, and not one of ClickHouse's own names.
    pub database: String,
    /// What the engine may use in all; ClickHouse's own default (0.9 of the machine's memory) when absent.
    pub memory_limit_bytes: Option<u64>,
    /// The reading user's key; a random one, new at each start of the parent, when absent.
    pub read_key: Option<String>,
    /// The largest request body, before and after decompression.
    pub max_body_bytes: u64,
    /// The largest reply in a format that cannot be streamed.
    pub max_reply_bytes: u64,
    /// Statements at work at once, for each of the two users. More wait, then are refused.
    pub max_concurrent_statements: usize,
    /// How long one statement of the reading user may run, in seconds.
    pub max_read_seconds: u64,
    /// The longest wait before a process that keeps ending is started again; the first wait is 0.1 s.
    pub max_restart_wait: Duration,
    /// How long a process waits for another that still holds the data directory: an engine whose parent was killed a moment ago ends
    /// within 10 s.
    pub max_lock_wait: Duration,
}

impl SupervisorConfig {
    /// The defaults: a free port of 127.0.0.1, database `rum`, bodies and replies up to 256 MiB, 16 statements at once, 60 s a
    /// read, restarts after at most 5 s.
    pub fn new(program: PathBuf, library: PathBuf, data_dir: PathBuf) -> Self {
        Self {
            program,
            args: Vec::new(),
            library,
            data_dir,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            database: "rum".to_owned(),
            memory_limit_bytes: None,
            read_key: None,
            max_body_bytes: 256 << 20,
            max_reply_bytes: 256 << 20,
            max_concurrent_statements: 16,
            max_read_seconds: 60,
            max_restart_wait: Duration::from_secs(5),
            max_lock_wait: Duration::from_secs(15),
        }
    }
}

/// Where the engine is, and what it asks for; the same for the whole life of an [`Engine`](crate::Engine), over all restarts.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Such as `http://127.0.0.1:8123`.
    pub url: String,
    /// The one database served.
    pub database: String,
    /// May do everything inside the database.
    pub writer: Credentials,
    /// May only read the database and ClickHouse's `system` tables.
    pub reader: Credentials,
}

/// A user name and its key. `Debug` hides the key.
#[derive(Clone)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The key, in ClickHouse's terms the password.
    pub key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The configuration cannot work.
    #[error("the embedded ClickHouse cannot use {what}: {why}")]
    Config {
        /// The setting's name.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The program could not be run, or could not be spoken to.
    #[error("the engine process {program} could not be run")]
    Process {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The engine process ended before it served; `output` is the end of what it said.
    #[error("the embedded ClickHouse did not start ({status}): {output}")]
    Start {
        /// Its exit status.
        status: String,
        /// The last lines of its standard error.
        output: String,
    },
}
