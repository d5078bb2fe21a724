//! ClickHouse without a server to install: the default store of `beamline`, used when no ClickHouse URL is configured.
//!
//! ```text
//!  service process                         engine process (the same program, `beamline engine`)
//!  ┌──────────────────────────┐  stdin: settings, keys ┌──────────────────────────────────────────────┐
//!  │ Engine (supervisor)      │ ─────────────────────► │ fence (Landlock) → repair of deduplication   │
//!  │  start, restart, log     │ ◄───────────────────── │ logs → libchdb → HTTP on 127.0.0.1           │
//!  └──────────────────────────┘  stdout: ready, port   └──────────────────────────────────────────────┘
//!        ▲ ClickHouse HTTP interface: the service's own writer and any ClickHouse client ▲
//! ```
//!
//! [`Engine::start`] runs the program once more as an engine process and keeps it running, so a crash of the engine is a restart,
//! not an outage. [`run_engine`] is that process: it loads `libchdb` ([`locate_library`] finds it) and serves the ClickHouse HTTP
//! interface, so that the service has one code path for the embedded engine and for a ClickHouse server.
//!
//! # Two users and more, one fence
//!
//! `beamline` writes, with a key that is random for each start of the parent; `read` only reads; the users of [`Isolation`] only read rows of
//! their tenants. The engine itself knows one user, whose grants end at the configured database and ClickHouse's own `system` tables. A
//! reader's connection takes off all its roles but one, so that the engine refuses by itself what the role lacks. For the users of
//! [`Isolation`], row policies that look at the role filter every table, and most `system` tables are empty. A reader's statement must be a single one, which the
//! engine's own parser takes for reading, within bounds of time and memory that it cannot lift. Grants alone leave gaps: `file('/etc/passwd')`
//! as a function needs none, and some statements are run by the engine's client side. So the kernel confines the whole process to its data
//! directory, to no program and to no connection, where it can (Linux 5.13; for the network 6.7); the function is refused to readers
//! anyway, so **no column or table may be called `file`**.
//!
//! # Exactly once
//!
//! An insert is acknowledged when its parts and its deduplication record are on disk. Before each start, records are taken back whose
//! part never came to be, so a batch inserted again with its `insert_deduplication_token` is there once, in its table and behind its
//! views, whenever the process was killed. The tables must have `non_replicated_deduplication_window`, the insert
//! `async_insert = 0, deduplicate_insert = 'enable', deduplicate_blocks_in_dependent_materialized_views = 1`. Left open: power lost
//! between the two writes of an insert not yet acknowledged may leave the part without its record, and the retry is stored twice.
//!
//! # What is not there
//!
//! - Other platforms than Linux on x86-64 with glibc.
//! - The native protocol (port 9000), progress headers, HTTP compression of replies (ClickHouse's own `compress=1` is there), roles,
//!   external data, the asynchronous insert queue (`async_insert = 1` inserts at once), `ON CLUSTER`, replicated tables.
//! - More than one engine user: quotas cannot tell users apart.
//! - Dictionaries, because their sources may run programs, and user-defined functions other than SQL ones.
//! - `SETTINGS` between an INSERT's `FORMAT` and its data; before `FORMAT` they work.

mod engine;
mod http;
mod library;
mod settings;
mod sql;
mod supervisor;

pub use engine::run_engine;
pub use library::{LibraryNotFound, locate_library};
pub use supervisor::{Credentials, Endpoint, Engine, EngineError, Isolation, ReadLimits, SupervisorConfig, TenantReader};
