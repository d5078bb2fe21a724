//! Puts the parts together and takes them down again.

mod background;
mod shown;

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use embedded_clickhouse::{Engine, Isolation, SupervisorConfig, TenantReader};
use tokio::{
    net::TcpListener,
    signal::unix::SignalKind,
    sync::{Notify, Semaphore, oneshot},
    task::JoinHandle,
};

use crate::{
    clickhouse::{ClickHouse, Endpoint, Migrator, Writer, WriterStats, tables_with_projects},
    clock,
    config::{Config, Reader, data_dir::SqlEndpoint},
    dedup::{Seen, Window, WindowLimits},
    http::{self, Reloads, Service, Tls},
    metrics::Metrics,
    outcome::Tally,
    pipeline::Pipeline,
    reload::{self, Source},
    salt::DailySalt,
    spool::{Journal, Reading, SealedSegments, Spool, SpoolConfig, SpoolError},
    summaries::{Refresh, Summaries},
    traces::{Resource, Traces},
};

use background::{follow_certificate, follow_quotas, read_summaries, write_ledger};
use shown::show;

/// Longest that the writer waits for the first reading of the summaries.
const FIRST_READING: Duration = Duration::from_secs(10);
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LAST_BACKOFF: Duration = Duration::from_secs(10);

/// ClickHouse, and the engine if it is ours.
pub struct Store {
    /// The way in.
    pub clickhouse: ClickHouse,
    engine: Option<Engine>,
}

impl Store {
    /// Connects to the configured server, or starts the embedded engine.
    ///
    /// # Errors
    /// If there is neither, with what to do.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.clickhouse.url {
            let endpoint = Endpoint {
                url: url.clone(),
                database: config.clickhouse.database().into(),
                user: config.clickhouse.user.clone(),
                password: config.clickhouse.password.clone(),
                cluster: config.clickhouse.cluster.clone(),
            };
            return Ok(Self { clickhouse: ClickHouse::new(&endpoint).logging_above(config.clickhouse.slow_query()), engine: None });
        }
        let library = embedded_clickhouse::locate_library(config.embedded.library.as_deref())?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let engine = Engine::start(SupervisorConfig {
            args: vec!["engine".into()],
            listen: config.embedded.listen,
            database: config.clickhouse.database().into(),
            memory_limit_bytes: Some(config.embedded.memory_limit_bytes),
            read_key: config.embedded.read_key.clone(),
            read_limits: config.embedded.read_limits,
            isolation: isolation(&config.embedded.readers),
            ..SupervisorConfig::new(program, library, config.data.engine())
        })
        .await?;
        let at = engine.endpoint();
        config.data.write_endpoints(at).with_context(|| format!("cannot write into {}", config.data.dir.display()))?;
        let endpoint = Endpoint {
            url: at.url.clone(),
            database: at.database.clone(),
            user: Some(at.writer.user.clone()),
            password: Some(at.writer.key.clone()),
            cluster: None,
        };
        let clickhouse = ClickHouse::new(&endpoint).logging_above(config.clickhouse.slow_query());
        // Whoever was killed while moving the schema of this folder has left its lock.
        clickhouse.forget_schema_locks().await?;
        Ok(Self { clickhouse, engine: Some(engine) })
    }

    /// Like [`Store::open`], but joins the embedded engine of a service that runs.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn join(config: &Config) -> anyhow::Result<Self> {
        if config.clickhouse.url.is_none()
            && let Some(SqlEndpoint { url, database, user, key }) = config.data.write_endpoint()
        {
            let clickhouse = ClickHouse::new(&Endpoint { url, database, user: Some(user), password: Some(key), cluster: None });
            // After the service has ended, nobody is there or somebody else who does not know the key.
            if clickhouse.version().await.is_ok() {
                return Ok(Self { clickhouse, engine: None });
            }
        }
        Self::open(config).await
    }

    /// Whether the engine is ours, and ends with this process.
    pub const fn is_ours(&self) -> bool {
        self.engine.is_some()
    }

    /// Stops the engine if it is ours.
    pub async fn close(self) {
        if let Some(engine) = self.engine {
            engine.shutdown().await;
        }
    }
}

/// What readers of single projects may read.
fn isolation(readers: &[Reader]) -> Isolation {
    let tenant_reader = |Reader { user, key, projects }: &Reader| {
        let (user, key, tenants) = (user.clone(), key.clone(), projects.clone());
        TenantReader { user, key, tenants }
    };
    let readable = tables_with_projects();
    Isolation {
        column: readable.column.into(),
        tables: readable.tables,
        views: readable.views,
        readers: readers.iter().map(tenant_reader).collect(),
    }
}

/// Serves until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// If something needed at start is not to be had: the spool's folder, the port, a store.
pub async fn serve(config: Config, source: Source) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.server.listen)
        .await
        .with_context(|| format!("cannot listen on {}; change server.listen or stop what uses it", config.server.listen))?;
    let tls = config.server.tls.as_ref().map(Tls::open).transpose()?;
    std::fs::create_dir_all(&config.data.dir).with_context(|| format!("cannot make {}", config.data.dir.display()))?;
    let (spool, segments) = open_spool(&config)?;
    let daily_salt = DailySalt::open(&config.data.dir);
    let salt = daily_salt.salt().clone();
    let pipeline = Pipeline::new(&config.projects).knowing(reload::knowledge(&config, &salt)?);
    let (seen, journal) = recall(&config, &segments);
    let store = Store::open(&config).await?;
    let writer_stats = Arc::new(WriterStats::default());
    let (traces, exporter) = Traces::open(&config.traces, Resource::of(&config.log.environment));
    let (stop_export, export_stops) = oneshot::channel();
    let exporter = tokio::spawn(async {
        if let Some(exporter) = exporter {
            exporter.run(export_stops).await;
        }
    });
    let service = Arc::new(Service {
        pipeline: RwLock::new(Arc::new(pipeline)),
        reloads: Reloads { loaded_at_seconds: (clock::now_ms() / 1000).into(), ..Reloads::default() },
        metrics: Metrics::new(spool.stats().clone(), writer_stats.clone())?,
        tls,
        in_flight: Semaphore::new(config.server.max_requests_in_flight as usize),
        config: config.server.clone(),
        spool: spool.clone(),
        seen,
        tally: Tally::default(),
        traces: traces.clone(),
        summaries: Summaries::default(),
        clickhouse: store.clickhouse.clone(),
        writer: writer_stats.clone(),
        started: Instant::now(),
        stopping: AtomicBool::new(false),
    });
    show(&service, journal.clone())?;
    let (clickhouse, parallel) = (store.clickhouse.clone(), config.clickhouse.parallel_inserts());
    let (migrated, schema) = oneshot::channel();
    let (read_first, first_reading) = oneshot::channel();
    // What is stored from the first reading on is counted on /metrics.
    let counted = async {
        let _ = migrated.send(());
        let _ = tokio::time::timeout(FIRST_READING, first_reading).await;
    };
    let writer =
        Writer::new(clickhouse.clone(), segments, parallel.into(), writer_stats).noting_beacons_in(journal).tracing(traces);
    let writer = tokio::spawn(write(clickhouse, writer, counted));
    let quotas = tokio::spawn(follow_quotas(service.clone()));
    let certificate = tokio::spawn(follow_certificate(service.clone()));
    let reader = tokio::spawn(read_summaries(service.clone(), refresh(&config), schema, read_first));
    let last = Arc::new(Notify::new());
    let ledger = tokio::spawn(write_ledger(service.clone(), last.clone()));
    let at = listener.local_addr().unwrap_or(config.server.listen);
    tracing::info!(listen = %at, path = config.server.path, projects = config.projects.len(), "taking beacons");
    reload::report(&config);
    let followers =
        [tokio::spawn(daily_salt.follow()), tokio::spawn(reload::follow(service.clone(), source, config.clone(), salt))];

    let stopped = Arc::new(Notify::new());
    let (stopping, notify) = (service.clone(), stopped.clone());
    let server = http::serve(listener, service.clone(), async move {
        stop_signal().await;
        tracing::info!("stopping: no new beacons");
        stopping.stopping.store(true, Ordering::Relaxed);
        notify.notify_one();
    });
    let overdue = async {
        stopped.notified().await;
        tokio::time::sleep(config.server.shutdown_grace()).await;
    };
    tokio::select! {
        result = server => result?,
        () = overdue => tracing::warn!("some connections did not end in time"),
    }
    quotas.abort();
    certificate.abort();
    reader.abort();
    followers.iter().for_each(JoinHandle::abort);
    last.notify_one();
    let _ = ledger.await;
    spool.close().await;
    drain(writer, config.server.shutdown_grace(), &spool).await;
    store.close().await;
    drop(stop_export);
    let _ = exporter.await;
    tracing::info!("stopped");
    Ok(())
}

fn open_spool(config: &Config) -> Result<(Spool, SealedSegments), SpoolError> {
    Spool::open(
        &config.data.spool(),
        SpoolConfig {
            durability: config.spool.durability,
            max_bytes: config.spool.max_bytes,
            buffer_max_bytes: config.spool.buffer_max_bytes,
            segment_max_bytes: config.spool.segment_max_bytes,
            segment_max_age: Duration::from_millis(config.spool.segment_max_age_ms),
            readers: config.clickhouse.parallel_inserts().into(),
        },
    )
}

/// Writes what waits in the spool of a stopped service to ClickHouse.
///
/// # Errors
/// If the service runs, or not everything is written within `patience`.
pub async fn empty_spool(config: &Config, clickhouse: &ClickHouse, patience: Duration) -> anyhow::Result<()> {
    let (spool, segments) = open_spool(config)?;
    let (_, journal) = recall(config, &segments);
    spool.close().await;
    let parallel = config.clickhouse.parallel_inserts();
    let writer = Writer::new(clickhouse.clone(), segments, parallel.into(), Arc::default()).noting_beacons_in(journal);
    let writing = write(clickhouse.clone(), writer, async {});
    let seconds = patience.as_secs();
    tokio::time::timeout(patience, writing).await.with_context(|| {
        format!("what waits in the spool could not be written within {seconds} s; start the service and read its log")
    })
}

/// Remembers the beacons that are durable already: those in the spool, and those that ClickHouse has got within the window.
fn recall(config: &Config, segments: &SealedSegments) -> (Arc<Window>, Arc<Journal>) {
    let limits = WindowLimits { age: config.dedup.window(), beacons: config.dedup.max_beacons };
    let window = Window::new(limits);
    let (journal, notes) = Journal::open(&config.data.spool(), limits.age);
    let (now, now_ms) = (Instant::now(), clock::now_ms());
    let mut seen: Vec<Seen> = notes.iter().flat_map(|note| Seen::decode(note)).collect();
    for id in segments.files().younger_than(limits.age) {
        if let Reading::Read(sealed) = segments.files().read(&id) {
            seen.extend(Seen::in_records(sealed.records()));
        }
    }
    window.restore(seen, now, now_ms);
    tracing::info!(beacons = window.beacons(), "remembering beacons of before");
    (Arc::new(window), Arc::new(journal))
}

fn refresh(config: &Config) -> Refresh {
    Refresh {
        every: Duration::from_secs(config.summaries.refresh_seconds),
        window_minutes: config.summaries.window_minutes,
        top_pages: config.summaries.top_pages,
        top_releases: config.summaries.top_releases,
        max_series_per_project: config.summaries.max_series_per_project as usize,
    }
}

async fn stop_signal() {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Migrates as soon as ClickHouse answers, waits for what is to be done `before` the first insert, then writes until the spool is closed
/// and empty.
async fn write(clickhouse: ClickHouse, writer: Writer, before: impl Future<Output = ()>) {
    let migrator = Migrator::new(clickhouse);
    let mut backoff = FIRST_BACKOFF;
    while let Err(error) = migrator.up(None).await {
        tracing::warn!(%error, retry_in_ms = backoff.as_millis(), "schema not ready; beacons wait in the spool");
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(LAST_BACKOFF);
    }
    before.await;
    writer.run().await;
}

async fn drain(writer: JoinHandle<()>, grace: Duration, spool: &Spool) {
    if tokio::time::timeout(grace, writer).await.is_err() {
        tracing::warn!(bytes = spool.stats().bytes(), "not everything reached ClickHouse in time; the rest waits in the spool");
    }
}
