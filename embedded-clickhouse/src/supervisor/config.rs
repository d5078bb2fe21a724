//! What a supervised engine needs, offers, and fails with.

use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Statements at work at once, for each user. More wait, then are refused.
    pub max_concurrent_statements: usize,
    /// What one statement of a reading user may take.
    pub read_limits: ReadLimits,
    /// More reading users, who see only rows of some tenants.
    pub isolation: Isolation,
    /// The longest wait before a process that keeps ending is started again; the first wait is 0.1 s.
    pub max_restart_wait: Duration,
    /// How long a process waits for another that still holds the data directory: an engine whose parent was killed a moment ago ends
    /// within 10 s.
    pub max_lock_wait: Duration,
}

impl SupervisorConfig {
    /// The defaults: a free port of 127.0.0.1, database `rum`, bodies and replies up to 256 MiB, 16 statements at once, reads as
    /// in [`ReadLimits::default`] and no users beside the two, restarts after at most 5 s.
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
            read_limits: ReadLimits::default(),
            isolation: Isolation::default(),
            max_restart_wait: Duration::from_secs(5),
            max_lock_wait: Duration::from_secs(15),
        }
    }
}

/// What one statement of a reading user may take. A request may ask for less, never for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadLimits {
    /// Time, in seconds; at least 1.
    pub seconds: u64,
    /// Memory; absent for half of what the whole engine may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Rows read from tables.
    pub rows: u64,
    /// Rows of the result.
    pub result_rows: u64,
    /// Bytes of the result, before its format.
    pub result_bytes: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { seconds: 60, memory_bytes: None, rows: 2_000_000_000, result_rows: 10_000_000, result_bytes: 256 << 20 }
    }
}

/// Reading users who see only rows of some tenants. The engine itself filters the rows of every table, for all ways to read it: its
/// statements, views, joins and table functions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isolation {
    /// The column that names the tenant, in each of `tables`.
    pub column: String,
    /// The tables they may read.
    pub tables: Vec<String>,
    /// The views they may read, which show them what they may see of the tables behind.
    pub views: Vec<String>,
    /// The users.
    pub readers: Vec<TenantReader>,
}

/// A reading user who sees only rows of some tenants. `Debug` hides the key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantReader {
    /// The user name: letters, digits and underscores.
    pub user: String,
    /// The key, at least 16 characters.
    pub key: String,
    /// The tenants: letters, digits, `-` and `_`.
    pub tenants: Vec<String>,
}

impl fmt::Debug for TenantReader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TenantReader").field("user", &self.user).field("tenants", &self.tenants).finish_non_exhaustive()
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
