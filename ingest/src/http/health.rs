//! Probes. Live: the process answers. Ready: it takes beacons, which needs the spool but not ClickHouse. `/health` shows both and
//! whether ClickHouse answers.

use std::sync::{Arc, atomic::Ordering};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::Serialize;

use super::Service;

#[derive(Serialize)]
struct Health {
    /// `ok`, `degraded` (beacons are kept, but ClickHouse does not answer) or `stopping`.
    status: &'static str,
    version: &'static str,
    ready: bool,
    clickhouse: bool,
    spool_bytes: u64,
}

pub(super) async fn live() -> impl IntoResponse {
    Json(serde_json::json!({"status": "ok"}))
}

pub(super) async fn ready(State(service): State<Arc<Service>>) -> impl IntoResponse {
    if is_ready(&service) {
        (StatusCode::OK, Json(serde_json::json!({"status": "ok"})))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({"status": "stopping"})))
    }
}

pub(super) async fn health(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let ready = is_ready(&service);
    let clickhouse = service.clickhouse.version().await.is_ok();
    let status = match (ready, clickhouse) {
        (false, _) => "stopping",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let spool_bytes = service.spool.stats().bytes();
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION"), ready, clickhouse, spool_bytes }))
}

fn is_ready(service: &Service) -> bool {
    !service.stopping.load(Ordering::Relaxed)
}
