//! What the operator decides. Every option is documented here, next to its type and default.
//!
//! Values come from a TOML file and, with precedence, from environment variables `BEAMLINE_<SECTION>__<KEY>`. Unknown keys are
//! refused: a misspelt limit must not silently be no limit.

mod change;
pub mod data_dir;
mod embedded;
mod load;
mod meaning;
mod projects;
mod server;
mod traces;

pub use change::{WatchedFile, needs_restart};
pub use embedded::{Embedded, Reader};
pub use load::{ConfigError, load, read_database, read_objectives};
pub use meaning::{Enrich, Ignore, Privacy};
pub use projects::{Origins, Project, SiteKey};
pub use server::{ForwardedHeader, Server, TlsFiles};
pub use traces::Traces;

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

pub use crate::spool::Durability;

/// All settings of the service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where and how beacons are taken.
    pub server: Server,
    /// Where the service keeps its files.
    pub data: Data,
    /// The write-ahead spool between the answer and ClickHouse.
    pub spool: Spool,
    /// How beacons that are sent again are recognised.
    pub dedup: Dedup,
    /// An external ClickHouse server; without a `url` the embedded engine is used.
    pub clickhouse: ClickHouse,
    /// The embedded engine.
    pub embedded: Embedded,
    /// The summaries on `/metrics`.
    pub summaries: Summaries,
    /// What is added to events.
    pub enrich: Enrich,
    /// What of events may be kept.
    pub privacy: Privacy,
    /// Log output.
    pub log: Log,
    /// Spans for an OpenTelemetry collector.
    pub traces: Traces,
    /// Who may send. Without any, one open project `default` with the site key `default` is used.
    pub projects: Vec<Project>,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// Folder for the spool and the embedded engine; made if missing.
    pub dir: PathBuf,
}

/// `[spool]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spool {
    /// What an acknowledged beacon survives: `fsync` a loss of power, `os` the end of the process, `memory` neither.
    pub durability: Durability,
    /// Most bytes kept on disk; beyond them beacons are answered with 503.
    pub max_bytes: u64,
    /// With `durability = "memory"`: most bytes that are acknowledged and not yet written.
    pub buffer_max_bytes: u64,
    /// A segment is handed to the writer at this size …
    pub segment_max_bytes: u64,
    /// … or at this age, whichever comes first. This is most of the delay until an event can be queried.
    pub segment_max_age_ms: u64,
}

/// `[dedup]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dedup {
    /// How long a beacon is remembered, in minutes, 1 to 1440. Senders give up within minutes, a page that was offline later.
    pub window_minutes: u64,
    /// Most beacons remembered, all projects together, 1 to 50000000; each takes about 60 bytes of memory and 24 on disk.
    pub max_beacons: usize,
}

/// `[clickhouse]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClickHouse {
    /// HTTP address of a ClickHouse server, such as `http://127.0.0.1:8123`. `CLICKHOUSE_URL` sets it too.
    pub url: Option<String>,
    /// Database for all tables; made if missing. Default `beamline`.
    pub database: Option<String>,
    /// The server is one of a cluster of this name: tables are replicated, sharded by session, and made on all of its servers.
    pub cluster: Option<String>,
    /// User name.
    pub user: Option<String>,
    /// Password. Better set by `BEAMLINE_CLICKHOUSE__PASSWORD` than in a file.
    pub password: Option<String>,
    /// Segments inserted at the same time, 1 to 16. Default 2.
    pub parallel_inserts: Option<u8>,
    /// Queries that take longer are logged and counted, milliseconds. Default 1000.
    pub slow_query_ms: Option<u64>,
}

/// `[summaries]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Summaries {
    /// Quantiles cover this many minutes, in steps of five.
    pub window_minutes: u32,
    /// How often they are read from ClickHouse.
    pub refresh_seconds: u64,
    /// Pages with series of their own, per project; the rest share the page `__other__`.
    pub top_pages: u32,
    /// Releases with series of their own, per project; the rest share the release `__other__`.
    pub top_releases: u32,
    /// Most series of a project; beyond them the pages with the fewest values go into `__other__`.
    pub max_series_per_project: u32,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged, such as `info` or `rum_ingest=debug,info`.
    pub filter: String,
    /// Where this is, in every JSON line.
    pub environment: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: Server::default(),
            data: Data::default(),
            spool: Spool::default(),
            dedup: Dedup::default(),
            clickhouse: ClickHouse::default(),
            embedded: Embedded::default(),
            summaries: Summaries::default(),
            enrich: Enrich::default(),
            privacy: Privacy::default(),
            log: Log::default(),
            traces: Traces::default(),
            projects: vec![Project::open_default()],
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: "data".into() }
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self {
            durability: Durability::Fsync,
            max_bytes: 1 << 30,
            buffer_max_bytes: 8 << 20,
            segment_max_bytes: 8 << 20,
            segment_max_age_ms: 1000,
        }
    }
}

impl Default for Dedup {
    fn default() -> Self {
        Self { window_minutes: 60, max_beacons: 1_000_000 }
    }
}

impl Dedup {
    /// See [`Dedup::window_minutes`].
    pub const fn window(&self) -> Duration {
        Duration::from_mins(self.window_minutes)
    }
}

impl Default for Summaries {
    fn default() -> Self {
        Self { window_minutes: 60, refresh_seconds: 15, top_pages: 50, top_releases: 10, max_series_per_project: 20_000 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".into(), environment: "production".into() }
    }
}

impl ClickHouse {
    /// The database all tables live in.
    pub fn database(&self) -> &str {
        self.database.as_deref().unwrap_or("beamline")
    }

    /// See [`ClickHouse::slow_query_ms`].
    pub fn slow_query(&self) -> Duration {
        Duration::from_millis(self.slow_query_ms.unwrap_or(1000))
    }

    /// See [`ClickHouse::parallel_inserts`].
    pub fn parallel_inserts(&self) -> u8 {
        self.parallel_inserts.unwrap_or(2)
    }
}
