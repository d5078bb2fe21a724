//! Log lines on standard error.

mod lines;

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, Registry, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _};

use crate::config::{Log, LogFormat};
use lines::JsonLines;

/// What is logged, to be changed while the service runs.
#[derive(Clone, Debug)]
pub struct LogFilter(reload::Handle<EnvFilter, Registry>);

/// Reads a filter such as `rum_ingest=debug,info`.
///
/// # Errors
/// If it cannot be read, with what is wrong.
pub fn filter(text: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(text).context("log.filter")
}

/// Begins to log.
///
/// # Errors
/// If the filter cannot be read.
pub fn start(log: &Log) -> anyhow::Result<LogFilter> {
    let (filter, handle) = reload::Layer::new(filter(&log.filter)?);
    let filtered = tracing_subscriber::registry().with(filter);
    match log.format {
        LogFormat::Text => filtered.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).init(),
        LogFormat::Json => filtered.with(JsonLines::of(&log.environment)).init(),
    }
    Ok(LogFilter(handle))
}

impl LogFilter {
    /// Logs by another filter from now on.
    pub fn replace(&self, filter: EnvFilter) {
        // It fails only when nothing logs any more.
        let _ = self.0.reload(filter);
    }
}
