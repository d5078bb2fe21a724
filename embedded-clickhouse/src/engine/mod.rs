//! The engine's process: everything here runs in the child, apart from the service.

mod config;
mod confinement;
mod deduplication;
mod ffi;
mod gateway;
mod process;

pub(crate) use config::{READER_ROLE, tenant_role};
pub(crate) use ffi::{EngineFault, QueryResult, QueryStream, StatementClass, Statistics};
pub(crate) use gateway::{Gateway, Lease, LeaseError};
pub use process::run_engine;
