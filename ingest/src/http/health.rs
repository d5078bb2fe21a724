//! Probes. Live: the process answers. Ready: it can keep beacons, which needs the spool but not ClickHouse. `/health` shows both and whether
//! ClickHouse answers; `/health/detailed` shows every part, to who has the admin key.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::{Service, problem};
use crate::spool::Obstacle;

#[derive(Serialize)]
struct Health {
    /// `ok`, `degraded` (beacons are kept, but ClickHouse does not answer), or why beacons are not kept.
    status: &'static str,
    version: &'static str,
    ready: bool,
    clickhouse: bool,
    spool_bytes: u64,
}

#[derive(Serialize)]
struct Detailed {
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    components: Components,
}

#[derive(Serialize)]
struct Components {
    spool: SpoolHealth,
    clickhouse: ClickHouseHealth,
    writer: WriterHealth,
    summaries: SummariesHealth,
    connections: ConnectionsHealth,
}

#[derive(Serialize)]
struct SpoolHealth {
    status: &'static str,
    bytes: u64,
    max_bytes: u64,
    segments: u64,
    oldest_age_seconds: Option<u64>,
    disk_free_bytes: Option<u64>,
    write_failures: u64,
}

#[derive(Serialize)]
struct ClickHouseHealth {
    status: &'static str,
    latency_ms: f64,
    /// Of the server; absent if it did not answer.
    version: Option<String>,
    last_error: Option<String>,
}

#[derive(Serialize)]
struct WriterHealth {
    status: &'static str,
    inflight_segments: u64,
    rows: u64,
    failures: u64,
    quarantined_segments: u64,
    /// Of the last insert that failed and was not yet followed by one that did not.
    last_error: Option<String>,
}

#[derive(Serialize)]
struct SummariesHealth {
    status: &'static str,
    /// Absent until the first reading.
    age_seconds: Option<f64>,
    failures: u64,
}

#[derive(Serialize)]
struct ConnectionsHealth {
    open: i64,
    max: u32,
    refused: u64,
}

pub(super) async fn live() -> impl IntoResponse {
    Json(json!({"status": "ok"}))
}

pub(super) async fn ready(State(service): State<Arc<Service>>) -> impl IntoResponse {
    match obstacle(&service) {
        None => (StatusCode::OK, Json(json!({"status": "ok"}))),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": why}))),
    }
}

pub(super) async fn health(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let obstacle = obstacle(&service);
    let clickhouse = service.clickhouse.version().await.is_ok();
    let code = if obstacle.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (status, ready, spool_bytes) = (status(obstacle, clickhouse), obstacle.is_none(), service.spool.stats().bytes());
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION"), ready, clickhouse, spool_bytes }))
}

pub(super) async fn detailed(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let Some(admin_key) = &service.config.admin_key else { return problem::not_found() };
    if !is_admin(&headers, admin_key) {
        return problem::unauthorized();
    }
    let begin = Instant::now();
    let answer = service.clickhouse.version().await;
    let latency = begin.elapsed();
    let obstacle = obstacle(&service);
    let detailed = Detailed {
        status: status(obstacle, answer.is_ok()),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: service.started.elapsed().as_secs(),
        components: components(&service, answer.map_err(|error| error.to_string()), latency),
    };
    Json(detailed).into_response()
}

fn components(service: &Service, answer: Result<String, String>, latency: Duration) -> Components {
    let (spool, writer) = (service.spool.stats(), &service.writer);
    let last_error = writer.last_error();
    let summaries_age = service.summaries.age();
    Components {
        spool: SpoolHealth {
            status: service.spool.obstacle().map_or("ok", Obstacle::name),
            bytes: spool.bytes(),
            max_bytes: service.spool.max_bytes(),
            segments: spool.segments(),
            oldest_age_seconds: spool.oldest_age().map(|age| age.as_secs()),
            disk_free_bytes: service.spool.disk_free_bytes(),
            write_failures: spool.write_failures(),
        },
        clickhouse: ClickHouseHealth {
            status: if answer.is_ok() { "ok" } else { "down" },
            latency_ms: latency.as_secs_f64() * 1000.0,
            last_error: answer.as_ref().err().cloned(),
            version: answer.ok(),
        },
        writer: WriterHealth {
            status: if last_error.is_none() { "ok" } else { "failing" },
            inflight_segments: writer.in_flight(),
            rows: writer.rows(),
            failures: writer.transient_failures() + writer.configuration_failures(),
            quarantined_segments: writer.quarantined_segments(),
            last_error,
        },
        summaries: SummariesHealth {
            status: if summaries_age.is_some() { "ok" } else { "waiting" },
            age_seconds: summaries_age.map(|age| age.as_secs_f64()),
            failures: service.summaries.failures(),
        },
        connections: ConnectionsHealth {
            open: service.metrics.connections.get(),
            max: service.config.max_connections,
            refused: service.metrics.connections_refused.get(),
        },
    }
}

const fn status(obstacle: Option<&'static str>, clickhouse: bool) -> &'static str {
    match (obstacle, clickhouse) {
        (Some(why), _) => why,
        (None, false) => "degraded",
        (None, true) => "ok",
    }
}

/// Why beacons are not kept, if they are not.
fn obstacle(service: &Service) -> Option<&'static str> {
    if service.stopping.load(Ordering::Relaxed) {
        return Some("stopping");
    }
    service.spool.obstacle().map(Obstacle::name)
}

/// Whether the request has `Authorization: Bearer <admin key>`. Takes as long for a key that is nearly right as for any other.
fn is_admin(headers: &HeaderMap, admin_key: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    given.is_some_and(|given| digest(given).as_ref() == digest(admin_key).as_ref())
}
