//! The ingest service. A beacon's way through it:
//!
//! [`http`] takes the request, the two step lists of [`pipeline`] decide and refine, [`spool`] makes the result durable, and only then the
//! answer goes out. Behind the answer the writer of [`clickhouse`] moves sealed spool segments into ClickHouse, exactly once, and
//! [`summaries`] reads the rollups back for Prometheus. [`traces`] sends spans of all this to a collector, if there is one.
//!
//! Only `http` knows axum, only `clickhouse` holds SQL, only `spool` touches files once the service runs, only `clock` reads the time
//! of day. The pipeline does no input or output.

pub mod accepted;
pub mod app;
mod backup_commands;
pub mod cli;
pub mod clickhouse;
mod clock;
pub mod config;
pub mod dedup;
mod erase_command;
pub mod exposition;
mod http;
pub mod logging;
mod metrics;
pub mod outcome;
pub mod pipeline;
pub mod rebuild_command;
mod reload;
mod salt;
pub mod slo;
mod slo_commands;
pub mod spool;
mod spool_commands;
mod sql_command;
pub mod summaries;
pub mod traces;

#[doc(hidden)]
pub use http::Front;
