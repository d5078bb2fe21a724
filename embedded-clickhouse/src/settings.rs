//! What the parent and the engine process tell each other: one line each way.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::supervisor::{Isolation, ReadLimits};

/// What the engine process needs to know: one JSON line on its standard input, so that keys never show in a process list.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineSettings {
    pub(crate) library: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) database: String,
    pub(crate) write_user: String,
    pub(crate) write_key: String,
    pub(crate) read_user: String,
    pub(crate) read_key: String,
    pub(crate) isolation: Isolation,
    pub(crate) limits: Limits,
}

/// The engine's bounds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// What the whole engine may use; ClickHouse's own default (0.9 of the machine) when absent.
    pub(crate) memory_bytes: Option<u64>,
    /// One request's body, before and after decompression.
    pub(crate) body_bytes: u64,
    /// One reply that cannot be streamed.
    pub(crate) reply_bytes: u64,
    /// Statements at work at once, for each user.
    pub(crate) concurrent_statements: usize,
    /// What one statement of a reading user may take.
    pub(crate) read: ReadLimits,
    /// How long another process may still hold the data directory.
    pub(crate) lock_wait: Duration,
}

/// The engine process is serving: one JSON line on its standard output.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) port: u16,
    /// ClickHouse's version, such as `26.7.3.1`.
    pub(crate) version: String,
    /// The library's own version, such as `26.7.3`.
    pub(crate) library: String,
}
