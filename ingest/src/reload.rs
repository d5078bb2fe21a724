//! Takes a changed configuration over while the service runs: on SIGHUP, and when the file changes.
//!
//! All or nothing: everything is read and checked first, then swapped at once. A configuration that cannot be used changes nothing.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use anyhow::Context as _;
use tokio::signal::unix::SignalKind;

use crate::{
    clock,
    config::{self, Config, Project, WatchedFile, needs_restart},
    http::Service,
    logging::{self, LogFilter},
    pipeline::{Countries, Knowledge, Salt},
};

/// Where the configuration comes from and what it goes to, besides the service.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file; without one only the environment, which does not change.
    pub file: Option<PathBuf>,
    /// What is logged.
    pub log: LogFilter,
}

/// What the pipeline is to know by this configuration.
///
/// # Errors
/// If the database of countries cannot be used.
pub(crate) fn knowledge(config: &Config, salt: &Arc<Salt>) -> anyhow::Result<Knowledge> {
    let open = |path: &PathBuf| -> anyhow::Result<Arc<Countries>> {
        let shown = || format!("enrich.country_database {}", path.display());
        let bytes = config::read_database(path).with_context(shown)?;
        Ok(Arc::new(Countries::new(bytes).with_context(shown)?))
    };
    let names = &config.privacy.hash_attributes;
    Ok(Knowledge {
        countries: config.enrich.country_database.as_ref().map(open).transpose()?,
        scrubs: config.privacy.scrub,
        hashed_attributes: (!names.is_empty()).then(|| (names.clone(), salt.clone())),
    })
}

/// Says what an operator should know about a configuration that is in use now.
pub(crate) fn report(config: &Config) {
    if config.projects == [Project::open_default()] {
        tracing::warn!("no [[projects]] configured: anyone may send with the site key `default`");
    }
}

/// Works until dropped.
pub(crate) async fn follow(service: Arc<Service>, source: Source, running: Config, salt: Arc<Salt>) {
    let Ok(mut hangups) = tokio::signal::unix::signal(SignalKind::hangup()) else { return };
    let mut file = source.file.clone().map(WatchedFile::new);
    let mut ticks = tokio::time::interval(WatchedFile::EVERY);
    loop {
        let is_due = tokio::select! {
            hangup = hangups.recv() => hangup.is_some(),
            _ = ticks.tick() => file.as_mut().is_some_and(WatchedFile::has_changed),
        };
        if !is_due {
            continue;
        }
        file.iter_mut().for_each(WatchedFile::is_read);
        match take_over(&service, &source, &salt) {
            Ok(config) => {
                service.reloads.loaded_at_seconds.store(clock::now_ms() / 1000, Ordering::Relaxed);
                tracing::info!(projects = config.projects.len(), "configuration read again");
                report(&config);
                let settings = needs_restart(&running, &config);
                if !settings.is_empty() {
                    tracing::warn!(
                        settings = settings.join(", "),
                        "these settings differ from those in use; restart the service for them"
                    );
                }
            }
            Err(error) => {
                service.reloads.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(error = format!("{error:#}"), "the configuration cannot be used; the one before stays");
            }
        }
    }
}

/// Puts the configuration into use, or changes nothing.
fn take_over(service: &Service, source: &Source, salt: &Arc<Salt>) -> anyhow::Result<Config> {
    let config = config::load(source.file.as_deref())?;
    let filter = logging::filter(&config.log.filter)?;
    let knowledge = knowledge(&config, salt)?;
    service.replace_pipeline(service.pipeline().reconfigured(&config.projects).knowing(knowledge));
    source.log.replace(filter);
    Ok(config)
}
