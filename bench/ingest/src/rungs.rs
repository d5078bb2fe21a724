//! The floor ladder: servers that do one thing more than the one before, out of the service's own functions.
//!
//! All are axum as it comes, without the service's limits, deadlines, counters and log lines; those are in the rung after the last one
//! here, which is the service itself.

use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use clap::ValueEnum;
use rum_ingest::{
    accepted::Record,
    config::Project,
    pipeline::{Acceptance, Body, Head, Pipeline, Sender, StepTimer},
    spool::{Durability, Spool, SpoolConfig},
};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What a rung does with a body, in addition to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Rung {
    /// Read the body and drop it.
    Read,
    /// Decompress it.
    Decompress,
    /// Parse it into events.
    Parse,
    /// Authorize, validate, filter, enrich and scrub.
    Validate,
    /// Write the record that is stored.
    Encode,
    /// Append it to the spool; answered after `write`.
    Write,
    /// Answered after the group's `fdatasync`.
    Fsync,
}

impl Rung {
    pub(crate) const ALL: [Self; 7] =
        [Self::Read, Self::Decompress, Self::Parse, Self::Validate, Self::Encode, Self::Write, Self::Fsync];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Read => "axum: read and drop",
            Self::Decompress => "+ decompress",
            Self::Parse => "+ parse",
            Self::Validate => "+ validate, enrich, scrub",
            Self::Encode => "+ encode the record",
            Self::Write => "+ spool: write",
            Self::Fsync => "+ spool: group fsync",
        }
    }

    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Decompress => "decompress",
            Self::Parse => "parse",
            Self::Validate => "validate",
            Self::Encode => "encode",
            Self::Write => "write",
            Self::Fsync => "fsync",
        }
    }
}

struct Server {
    rung: Rung,
    pipeline: Pipeline,
    spool: Option<Spool>,
}

/// Times are not taken: that is the service's rung.
struct Untimed;

impl StepTimer for Untimed {
    fn took(&self, _: &'static str, _: Duration) {}
}

/// Serves until killed; says where on standard error.
#[expect(clippy::print_stderr, reason = "who started it reads where it listens")]
pub(crate) fn serve(rung: Rung, dir: &Path) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let spool = if rung >= Rung::Write { Some(open_spool(rung, dir)?) } else { None };
        let server = Arc::new(Server { rung, pipeline: Pipeline::new(&[unlimited_project()]), spool });
        let router = Router::new().route(rum_protocol::DEFAULT_PATH, post(take)).with_state(server);
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        eprintln!("listening on {}", listener.local_addr()?);
        axum::serve(listener, router).await?;
        Ok(())
    })
}

/// The default project without limits of rate: the generator is one sender.
fn unlimited_project() -> Project {
    let most = 1_000_000_000;
    Project {
        rate_limit_per_second: most,
        event_limit_per_second: most,
        byte_limit_per_second: most,
        client_rate_limit_per_second: most,
        ..Project::open_default()
    }
}

/// A spool as the service has it by default, but for its size; sealed segments are removed unread.
fn open_spool(rung: Rung, dir: &Path) -> Result<Spool> {
    let durability = if rung >= Rung::Fsync { Durability::Fsync } else { Durability::Os };
    let config = SpoolConfig {
        durability,
        max_bytes: 4 << 30,
        buffer_max_bytes: 8 << 20,
        segment_max_bytes: 8 << 20,
        segment_max_age: Duration::from_secs(1),
        readers: 2,
    };
    let (spool, mut segments) = Spool::open(dir, config)?;
    tokio::spawn(async move {
        while let Some(id) = segments.next().await {
            segments.files().remove(&id);
        }
    });
    Ok(spool)
}

async fn take(State(server): State<Arc<Server>>, headers: HeaderMap, bytes: Bytes) -> StatusCode {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let sender = Sender { user_agent: text(header::USER_AGENT), ..Sender::default() };
    let body = Body { bytes: &bytes, encoding: text(header::CONTENT_ENCODING), sender, received: Instant::now() };
    match work(&server, body).await {
        Some(()) => StatusCode::ACCEPTED,
        None => StatusCode::BAD_REQUEST,
    }
}

async fn work(server: &Server, body: Body<'_>) -> Option<()> {
    match server.rung {
        Rung::Read => (!body.bytes.is_empty()).then_some(()),
        Rung::Decompress => Pipeline::text(body).ok().filter(|text| !text.is_empty()).map(drop),
        Rung::Parse => Pipeline::parsed(body, now_ms()).ok().filter(|events| *events > 0).map(drop),
        Rung::Validate => accept(server, body).map(drop),
        Rung::Encode => encoded(server, body).filter(|record| !record.is_empty()).map(drop),
        Rung::Write | Rung::Fsync => {
            let record = encoded(server, body)?;
            server.spool.as_ref()?.append(record).await.ok()
        }
    }
}

fn accept(server: &Server, body: Body<'_>) -> Option<Acceptance> {
    let head = Head { key: Some("default"), ..Head::default() };
    let admitted = server.pipeline.admit(head, body.received, &Untimed).ok()?;
    server.pipeline.accept(&admitted, body, now_ms(), &Untimed).ok()
}

fn encoded(server: &Server, body: Body<'_>) -> Option<Vec<u8>> {
    Record::Beacon(Box::new(accept(server, body)?.beacon)).encode().ok()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
