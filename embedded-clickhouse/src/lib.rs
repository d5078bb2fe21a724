//! ClickHouse without a server to install: the parent starts its own program once more as an engine process, that process loads
//! `libchdb` and serves the ClickHouse HTTP interface on loopback, and the parent keeps it running.

mod engine;
mod http;
mod library;
mod settings;
mod sql;
mod supervisor;

pub use engine::run_engine;
pub use library::{LibraryNotFound, locate_library};
pub use supervisor::{Credentials, Endpoint, Engine, EngineError, SupervisorConfig};
