//! Connections: how many, how slow, over what, and how they end.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use rum_protocol::RejectReason;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tower::ServiceExt as _;

use super::{
    Service,
    deadlines::{Activity, Deadlines, Timed},
    problem,
    tls::Tls,
};

/// Longest head of a request: its line and its headers.
const HEAD_BYTES: u32 = 32 * 1024;
/// Most requests one HTTP/2 connection may have at work.
const STREAMS: u32 = 64;
/// What one HTTP/2 stream may send before it is read: a body.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 8 * STREAM_WINDOW_BYTES;
/// Streams that a peer opened and reset before they were taken, and frames of it that were errors, until the connection is closed.
const RESETS: usize = 20;
const ERRORS: usize = 64;
/// Refused connections that are told so at one time. Further ones are just closed.
const APOLOGIES: usize = 64;
const APOLOGY_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause after the system refused a connection, which it does when it is out of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other end of the connection a request came on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Takes connections until `stop` is done, then waits for those that are open to end.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    service: Arc<Service>,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let most = service.config.max_connections;
    let places = Arc::new(Semaphore::new(most as usize));
    let apologies = Arc::new(Semaphore::new(APOLOGIES));
    let (stopping, stopped) = watch::channel(false);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection now");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            service.metrics.connections_refused.inc();
            if service.tls.is_none()
                && let Ok(turn) = apologies.clone().try_acquire_owned()
            {
                tokio::spawn(apologise(stream, turn));
            }
            continue;
        };
        let connection = Connection { router: router.clone(), service: service.clone(), peer, stopped: stopped.clone() };
        tokio::spawn(connection.run(stream, place));
    }
    drop(listener);
    stopping.send_replace(true);
    // Every connection holds one place.
    let _ = places.acquire_many(most).await;
    Ok(())
}

pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) service: Arc<Service>,
    pub(super) peer: SocketAddr,
    /// Becomes true when the connection is to end.
    pub(super) stopped: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, stream: TcpStream, _place: OwnedSemaphorePermit) {
        let open = self.service.metrics.connections.clone();
        open.inc();
        let _ = stream.set_nodelay(true);
        match self.service.tls.as_ref().map(Tls::acceptor) {
            None => self.speak(stream).await,
            Some(acceptor) => {
                let handshake = tokio::time::timeout(self.service.config.header_timeout(), acceptor.accept(stream));
                if let Ok(Ok(stream)) = handshake.await {
                    self.speak(stream).await;
                }
            }
        }
        open.dec();
    }

    /// Answers the requests of one connection until it ends.
    pub(super) async fn speak<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(mut self, stream: S) {
        let deadlines = Deadlines::of(&self.service.config);
        let activity = Arc::new(Activity::default());
        let stream = TokioIo::new(Timed::new(stream, deadlines, activity.clone()));
        let (router, peer, requests) = (self.router.clone(), Peer(self.peer.ip()), activity.clone());
        let answer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let (work, answer) = (requests.begin(), router.clone().oneshot(request.map(Body::new)));
            async move {
                let answer = answer.await;
                drop(work);
                answer as Result<_, Infallible>
            }
        });
        let builder = builder();
        let connection = builder.serve_connection(stream, answer);
        tokio::pin!(connection);
        // An error is a peer that went away, was too slow or broke the protocol. None of it is news to an operator.
        let ends = tokio::select! {
            _ = connection.as_mut() => return,
            () = stopped(&mut self.stopped) => Ends::WithItsRequests,
            () = activity.idle.notified() => Ends::Soon,
        };
        connection.as_mut().graceful_shutdown();
        let _ = match ends {
            Ends::WithItsRequests => connection.await,
            Ends::Soon => tokio::time::timeout(deadlines.answer, connection).await.unwrap_or(Ok(())),
        };
    }
}

/// How a connection ends that is asked to.
enum Ends {
    WithItsRequests,
    Soon,
}

async fn stopped(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The deadlines for heads are ours: hyper's would also end idle connections.
    // And a page that has sent its beacon and is gone is heard all the same.
    builder.http1().max_buf_size(HEAD_BYTES as usize).header_read_timeout(None).half_close(true).timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(ERRORS);
    builder
}

/// Tells a connection that is one too many so, reading a little of what it sends: to close on unread bytes would take the answer back.
async fn apologise(mut stream: TcpStream, _turn: OwnedSemaphorePermit) {
    let (body, retry_after) = problem::overloaded();
    let head = format!(
        "HTTP/1.1 {} Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: {retry_after}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        RejectReason::Overloaded.status(),
        body.len()
    );
    let _ = tokio::time::timeout(APOLOGY_TIMEOUT, async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        stream.shutdown().await?;
        let mut rest = (&mut stream).take(u64::from(STREAM_WINDOW_BYTES));
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    })
    .await;
}
