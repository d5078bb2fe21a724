//! The HTTP edge: routes, limits before parsing, and how refusals look. The only module that knows axum.

mod beacon;
mod client_address;
mod connections;
mod correlation;
mod deadlines;
mod front;
mod health;
mod keep;
mod problem;
mod tls;
mod traced;

pub use front::Front;
pub(crate) use tls::Tls;

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Instant,
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use rum_protocol::RejectReason;
use tokio::{net::TcpListener, sync::Semaphore};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    accepted::Rejection,
    clickhouse::{ClickHouse, WriterStats},
    config::Server,
    dedup::Window,
    exposition::Format,
    metrics::Metrics,
    outcome::Tally,
    pipeline::Pipeline,
    spool::Spool,
    summaries::Summaries,
    traces::{RequestTrace, Traces},
};

/// What handlers share.
pub(crate) struct Service {
    pub(crate) config: Server,
    pub(crate) pipeline: RwLock<Arc<Pipeline>>,
    pub(crate) reloads: Reloads,
    /// Certificate and key, if the service speaks TLS.
    pub(crate) tls: Option<Tls>,
    /// One permit for each request that may be at work.
    pub(crate) in_flight: Semaphore,
    pub(crate) spool: Spool,
    pub(crate) seen: Arc<Window>,
    pub(crate) tally: Tally,
    pub(crate) metrics: Metrics,
    pub(crate) traces: Traces,
    pub(crate) summaries: Summaries,
    pub(crate) clickhouse: ClickHouse,
    pub(crate) writer: Arc<WriterStats>,
    /// When the process began to take requests.
    pub(crate) started: Instant,
    /// Set once the service no longer takes beacons.
    pub(crate) stopping: AtomicBool,
}

/// What became of changed configurations.
#[derive(Debug, Default)]
pub(crate) struct Reloads {
    /// Configurations that could not be used.
    pub(crate) failures: AtomicU64,
    /// When the one in use was read, Unix seconds.
    pub(crate) loaded_at_seconds: AtomicU64,
}

impl Service {
    /// The pipeline in use. A request goes through one pipeline from beginning to end.
    pub(crate) fn pipeline(&self) -> Arc<Pipeline> {
        self.pipeline.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests that come from now on go through this one.
    pub(crate) fn replace_pipeline(&self, pipeline: Pipeline) {
        *self.pipeline.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pipeline);
    }
}

/// Answers requests until `stop` is done, then finishes those at work.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    connections::serve(listener, router(service.clone()), service, stop).await
}

fn router(service: Arc<Service>) -> Router {
    let routes = Router::new()
        .route(&service.config.path, any(beacon::handle))
        .route("/metrics", get(metrics))
        .route("/health", get(health::health))
        .route("/health/detailed", get(health::detailed))
        .layer(middleware::from_fn_with_state(service.clone(), shed))
        // Probes answer under any load.
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    answering(routes, service)
}

/// What every answer goes through, on its way out from the bottom up.
fn answering(routes: Router<Arc<Service>>, service: Arc<Service>) -> Router {
    routes
        .fallback(|| async { problem::not_found() })
        .method_not_allowed_fallback(|| async { problem::method_not_allowed() })
        .layer(CatchPanicLayer::custom(|_| problem::internal()))
        .layer(middleware::from_fn_with_state(service.clone(), count))
        .layer(middleware::from_fn_with_state(service.clone(), correlation::layer))
        .with_state(service)
}

async fn metrics(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let format = Format::accepted(headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok()));
    let page = service.metrics.render(&service.summaries, service.clickhouse.times(), format);
    ([(header::CONTENT_TYPE, format.content_type()), (header::VARY, "accept")], page).into_response()
}

/// Refuses at once what is more than the service has room for, rather than let it wait.
async fn shed(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    match service.in_flight.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => beacon::refuse(&service, None, &Rejection::new(RejectReason::Overloaded, "")),
    }
}

async fn count(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let trace = request.extensions().get::<Arc<RequestTrace>>().map(|trace| trace.id());
    let begin = Instant::now();
    let response = next.run(request).await;
    let status = response.status();
    let labels = [route.as_str(), status.as_str()];
    service.metrics.requests.with_label_values(&labels).inc();
    service.metrics.request_duration.with(&labels).observe(begin.elapsed(), trace);
    response
}
