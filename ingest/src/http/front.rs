//! The edge without a socket and without a database, for tests and fuzzing.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, RwLock, atomic::AtomicBool},
    time::{Duration, Instant},
};

use axum::Router;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    sync::{Semaphore, watch},
};

use super::{Reloads, Service, connections::Connection, router};
use crate::{
    clickhouse::{ClickHouse, Endpoint, WriterStats},
    config::{Project, Server},
    dedup::{Window, WindowLimits},
    metrics::Metrics,
    outcome::Tally,
    pipeline::Pipeline,
    spool::{Durability, SealedSegments, Spool, SpoolConfig},
    summaries::Summaries,
    traces::Traces,
};

const PIPE_BYTES: usize = 64 << 10;
const SPOOL_BYTES: u64 = 1 << 30;

/// Everything between a connection and the spool. Whatever is kept is never written to ClickHouse.
pub struct Front {
    pub(super) service: Arc<Service>,
    router: Router,
    _segments: SealedSegments,
}

impl Front {
    /// A front with default limits and the default project, which spools into the folder `dir`. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// If there can be no spool in that folder.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let (spool, segments) = Spool::open(
            dir,
            SpoolConfig {
                durability: Durability::Memory,
                max_bytes: SPOOL_BYTES,
                buffer_max_bytes: SPOOL_BYTES,
                segment_max_bytes: SPOOL_BYTES,
                segment_max_age: Duration::from_mins(1),
                readers: 1,
            },
        )?;
        let nowhere =
            Endpoint { url: "http://127.0.0.1:9".into(), database: "none".into(), user: None, password: None, cluster: None };
        let config = Server::default();
        let service = Arc::new(Service {
            pipeline: RwLock::new(Arc::new(Pipeline::new(&[Project::open_default()]))),
            reloads: Reloads::default(),
            metrics: Metrics::new(spool.stats().clone(), Arc::new(WriterStats::default()))?,
            tls: None,
            in_flight: Semaphore::new(config.max_requests_in_flight as usize),
            config,
            spool,
            seen: Arc::new(Window::new(WindowLimits { age: Duration::from_mins(1), beacons: 1000 })),
            tally: Tally::default(),
            traces: Traces::default(),
            summaries: Summaries::default(),
            writer: Arc::new(WriterStats::default()),
            started: Instant::now(),
            clickhouse: ClickHouse::new(&nowhere),
            stopping: AtomicBool::new(false),
        });
        Ok(Self { router: router(service.clone()), service, _segments: segments })
    }

    /// One connection whose client sends `bytes` and then ends its side: all that it is answered.
    ///
    /// # Panics
    /// Never; a handler that panics is counted by [`Front::panics`].
    pub async fn converse(&self, bytes: &[u8]) -> Vec<u8> {
        let (near, far) = duplex(PIPE_BYTES);
        let (_stopping, stopped) = watch::channel(false);
        let peer = SocketAddr::from((IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
        let connection = Connection { router: self.router.clone(), service: self.service.clone(), peer, stopped };
        let (mut answers, mut client) = tokio::io::split(far);
        let sends = async move {
            // A front that has read enough closes early.
            let _ = client.write_all(bytes).await;
            let _ = client.shutdown().await;
        };
        let mut answer = Vec::new();
        let reads = answers.read_to_end(&mut answer);
        let ((), (), _) = tokio::join!(connection.speak(near), sends, reads);
        answer
    }

    /// Requests whose handler panicked so far.
    pub fn panics(&self) -> u64 {
        let requests = self.service.metrics.requests_with_status("500");
        requests.into_iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::answering;
    use axum::routing::get;

    fn panicking(dir: &Path) -> Front {
        let mut front = Front::open(dir).unwrap();
        let routes = Router::new().route("/broken", get(async || -> &'static str { panic!("a secret of the request") }));
        front.router = answering(routes, front.service.clone());
        front
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_counted_and_costs_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let front = panicking(dir.path());
        let request = "GET /broken HTTP/1.1\r\nhost: x\r\n\r\nGET /none HTTP/1.1\r\nhost: x\r\n\r\n";
        let answer = String::from_utf8(front.converse(request.as_bytes()).await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("application/problem+json"), "{answer}");
        assert!(!answer.contains("secret"), "{answer}");
        assert!(answer.contains("HTTP/1.1 404 "), "the next request on the same connection: {answer}");
        assert_eq!(front.panics(), 1);
    }

    #[tokio::test]
    async fn a_client_that_is_done_sending_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let front = Front::open(dir.path()).unwrap();
        let body = r#"{"metric":"LCP","value":1}"#;
        let request =
            format!("POST /api/v1/metrics/rum?key=default HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let answer = front.converse(request.as_bytes()).await;
        assert!(answer.starts_with(b"HTTP/1.1 202 "), "{}", String::from_utf8_lossy(&answer));
        assert_eq!(front.panics(), 0);
    }
}
