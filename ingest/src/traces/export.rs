//! Sends spans to a collector: [OTLP over HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp) with protobuf.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    Span, Stats,
    otlp::{self, Resource},
};

/// Most spans in one export.
const BATCH: usize = 512;
/// How long a span waits for others to go with it.
const LINGER: Duration = Duration::from_secs(1);
/// How long one export may take, from connecting to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses before an export is tried again; then its spans are dropped.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// How long the last spans may take once the service stops.
const LAST: Duration = Duration::from_secs(2);
/// Most of an answer that is read.
const ANSWER_BYTES: usize = 64 << 10;

/// Takes spans from the queue and sends them. A collector that is slow, gone or hostile costs it time and the spans that do not fit the
/// queue meanwhile, and nobody else anything.
pub(crate) struct Exporter {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: Uri,
    resource: Resource,
    spans: mpsc::Receiver<Span>,
    stats: Arc<Stats>,
    is_refused: bool,
}

/// Why an export failed.
enum Failure {
    /// The same may be taken later.
    Transient(String),
    /// It never will be.
    Permanent(String),
}

impl Exporter {
    pub(super) fn new(endpoint: Uri, resource: Resource, spans: mpsc::Receiver<Span>, stats: Arc<Stats>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(TIMEOUT));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, endpoint, resource, spans, stats, is_refused: false }
    }

    /// Works until `stop` is told or dropped, and then for as long as the last spans may take.
    pub(crate) async fn run(mut self, stop: oneshot::Receiver<()>) {
        let mut batch = Vec::new();
        tokio::select! {
            _ = stop => {}
            () = self.work(&mut batch) => {}
        }
        let _ = tokio::time::timeout(LAST, self.send_the_rest(&mut batch)).await;
        let spans = batch.len() + self.spans.len();
        if spans > 0 {
            tracing::warn!(spans, "the last spans were not exported in time");
        }
    }

    async fn work(&mut self, batch: &mut Vec<Span>) {
        loop {
            self.gather(batch).await;
            self.deliver(batch).await;
            batch.clear();
        }
    }

    /// Waits for a first span, and then a little for more.
    async fn gather(&mut self, batch: &mut Vec<Span>) {
        self.spans.recv_many(batch, BATCH).await;
        let fill = async { while batch.len() < BATCH && self.spans.recv_many(batch, BATCH - batch.len()).await > 0 {} };
        let _ = tokio::time::timeout(LINGER, fill).await;
    }

    async fn send_the_rest(&mut self, batch: &mut Vec<Span>) {
        loop {
            while batch.len() < BATCH
                && let Ok(span) = self.spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() || self.export(batch).await.is_err() {
                return;
            }
            batch.clear();
        }
    }

    /// Sends a batch, again if it may be taken later. It is exported or dropped afterwards.
    async fn deliver(&mut self, batch: &[Span]) {
        for pause in PAUSES.map(Some).into_iter().chain([None]) {
            let failure = self.export(batch).await;
            self.report(failure.as_ref().err());
            match (failure, pause) {
                (Ok(()), _) => return,
                (Err(Failure::Transient(_)), Some(pause)) => tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await,
                (Err(_), _) => break,
            }
        }
        self.stats.dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }

    async fn export(&self, batch: &[Span]) -> Result<(), Failure> {
        let result = tokio::time::timeout(TIMEOUT, self.post(otlp::encode(&self.resource, batch))).await;
        match result.unwrap_or_else(|_| Err(Failure::Transient(format!("no answer within {} s", TIMEOUT.as_secs())))) {
            Ok(answer) => {
                let rejected = otlp::rejected(&answer).min(batch.len() as u64);
                self.stats.exported.fetch_add(batch.len() as u64 - rejected, Ordering::Relaxed);
                self.stats.dropped.fetch_add(rejected, Ordering::Relaxed);
                Ok(())
            }
            Err(failure) => {
                self.stats.failures.fetch_add(1, Ordering::Relaxed);
                Err(failure)
            }
        }
    }

    /// Which failures pass is the [specification's](https://opentelemetry.io/docs/specs/otlp/#failures-1) choice.
    async fn post(&self, body: Vec<u8>) -> Result<Bytes, Failure> {
        let request = Request::post(self.endpoint.clone())
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::USER_AGENT, concat!("beamline/", env!("CARGO_PKG_VERSION")))
            .body(Full::from(body))
            .map_err(|error| Failure::Permanent(error.to_string()))?;
        let answer = self.client.request(request).await.map_err(|error| Failure::Transient(error.to_string()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
        match status {
            // It was taken, whatever is said about it.
            _ if status.is_success() => Ok(body.map(http_body_util::Collected::to_bytes).unwrap_or_default()),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(Failure::Transient(status.to_string())),
            _ => Err(Failure::Permanent(status.to_string())),
        }
    }

    /// One line when it begins to fail, one when it works again.
    fn report(&mut self, failure: Option<&Failure>) {
        match failure {
            Some(Failure::Transient(error) | Failure::Permanent(error)) if !self.is_refused => {
                tracing::warn!(error, "the collector takes no spans; what does not fit the queue is dropped");
            }
            None if self.is_refused => tracing::info!("the collector takes spans again"),
            _ => {}
        }
        self.is_refused = failure.is_some();
    }
}
