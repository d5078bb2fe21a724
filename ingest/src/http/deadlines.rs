//! A connection that may not take its time: a head must arrive, an answer be taken and the next request come within their limits.
//!
//! Bodies have a limit of their own, in the handler, which can still answer.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::{Instant, Sleep, sleep},
};

use crate::config::Server;

/// The limits of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) head: Duration,
    pub(super) answer: Duration,
    pub(super) idle: Duration,
}

impl Deadlines {
    pub(super) fn of(server: &Server) -> Self {
        Self { head: server.header_timeout(), answer: server.body_timeout(), idle: server.idle_timeout() }
    }
}

/// What the requests of a connection tell its stream.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
    /// The reader that waits for the end of a request. hyper does not ask for more by itself then.
    reader: Mutex<Option<Waker>>,
    /// Told when the connection has been idle for too long and should end in good order.
    pub(super) idle: Notify,
}

impl Activity {
    /// A request has begun; it has ended when this is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Request {
        self.begun.fetch_add(1, Ordering::AcqRel);
        Request(self.clone())
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    fn is_busy(&self) -> bool {
        self.ended.load(Ordering::Acquire) < self.begun()
    }

    /// Whether requests are at work; if so the task is woken when one ends.
    fn poll_busy(&self, cx: &Context<'_>) -> bool {
        if self.is_busy() {
            *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        }
        // It may have ended in between.
        self.is_busy()
    }
}

/// A request at work.
pub(super) struct Request(Arc<Activity>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
        let reader = self.0.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// What a connection is waiting for when nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaits {
    /// The rest of a head, or the first one.
    Head,
    /// The next request.
    Request,
    /// The end of requests at work.
    Answer,
}

/// A stream that fails when its peer is too slow.
pub(super) struct Timed<S> {
    stream: S,
    deadlines: Deadlines,
    activity: Arc<Activity>,
    awaits: Awaits,
    /// Requests that had begun when `awaits` was set.
    begun: u64,
    read_by: Pin<Box<Sleep>>,
    write_by: Option<Pin<Box<Sleep>>>,
    protocol: Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Unknown,
    Http1,
    /// Its connections carry frames between requests too, so bytes do not mean that a head has begun.
    Http2,
}

impl<S> Timed<S> {
    pub(super) fn new(stream: S, deadlines: Deadlines, activity: Arc<Activity>) -> Self {
        let read_by = Box::pin(sleep(deadlines.head));
        Self { stream, deadlines, activity, awaits: Awaits::Head, begun: 0, read_by, write_by: None, protocol: Protocol::Unknown }
    }

    fn wait_for(&mut self, awaits: Awaits, limit: Duration) {
        self.awaits = awaits;
        self.begun = self.activity.begun();
        self.read_by.as_mut().reset(Instant::now() + limit);
    }

    fn saw(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.protocol == Protocol::Unknown {
            self.protocol = if bytes.starts_with(b"PRI") { Protocol::Http2 } else { Protocol::Http1 };
        }
        match self.protocol {
            Protocol::Http2 if self.awaits == Awaits::Head => self.wait_for(Awaits::Request, self.deadlines.idle),
            Protocol::Http1 if self.awaits != Awaits::Head && !self.activity.is_busy() => {
                self.wait_for(Awaits::Head, self.deadlines.head);
            }
            _ => {}
        }
    }

    /// Nothing came. Fails if that has been so for too long.
    fn starved(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.activity.poll_busy(cx) {
            self.awaits = Awaits::Answer;
            return Poll::Pending;
        }
        if self.awaits == Awaits::Answer || self.begun != self.activity.begun() {
            self.wait_for(Awaits::Request, self.deadlines.idle);
        }
        ready!(self.read_by.as_mut().poll(cx));
        if self.awaits == Awaits::Head {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        // Not an error: the connection is to say goodbye. Should its peer not listen, there is an end to that too.
        self.activity.idle.notify_one();
        Poll::Pending
    }

    fn written<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write_by = None;
            return result;
        }
        let limit = self.deadlines.answer;
        let write_by = self.write_by.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(write_by.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => {
                self.saw(&buffer.filled()[before..]);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.starved(cx),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(cx, result)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const DEADLINES: Deadlines =
        Deadlines { head: Duration::from_millis(30), answer: Duration::from_millis(30), idle: Duration::from_millis(90) };

    fn timed() -> (Timed<DuplexStream>, DuplexStream, Arc<Activity>) {
        let (near, far) = duplex(16);
        let activity = Arc::new(Activity::default());
        (Timed::new(near, DEADLINES, activity.clone()), far, activity)
    }

    async fn fails(stream: &mut Timed<DuplexStream>) {
        loop {
            if let Err(error) = stream.read(&mut [0; 16]).await {
                return assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            }
        }
    }

    #[tokio::test]
    async fn a_silent_connection_fails() {
        let (mut stream, _far, _) = timed();
        fails(&mut stream).await;
    }

    #[tokio::test]
    async fn a_head_that_comes_byte_by_byte_gets_no_more_time() {
        let (mut stream, mut far, _) = timed();
        let drip = async {
            while far.write_all(b"x").await.is_ok() {
                sleep(DEADLINES.head / 3).await;
            }
        };
        tokio::select! {
            () = fails(&mut stream) => {}
            () = drip => panic!("the stream closed by itself"),
        }
    }

    #[tokio::test]
    async fn between_requests_the_connection_may_be_idle_and_a_begun_head_may_not() {
        let (mut stream, mut far, activity) = timed();
        far.write_all(b"GET").await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 3);
        let request = activity.begin();
        let long = tokio::time::timeout(DEADLINES.idle * 2, stream.read(&mut [0; 16])).await;
        assert!(long.is_err(), "a request at work has no limit here");
        drop(request);
        let mut buffer = [0; 16];
        tokio::select! {
            read = stream.read(&mut buffer) => panic!("nothing was sent: {read:?}"),
            () = activity.idle.notified() => {}
        }
        far.write_all(b"G").await.unwrap();
        fails(&mut stream).await;
    }

    #[tokio::test]
    async fn frames_between_requests_of_http2_are_no_heads() {
        let (mut stream, mut far, activity) = timed();
        far.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
        let read = async {
            loop {
                assert_ne!(stream.read(&mut [0; 16]).await.unwrap(), 0);
            }
        };
        let ping = async {
            loop {
                sleep(DEADLINES.head / 3).await;
                far.write_all(b"ping").await.unwrap();
            }
        };
        tokio::select! {
            () = activity.idle.notified() => {}
            () = read => {}
            () = ping => {}
        }
    }

    #[tokio::test]
    async fn an_answer_that_nobody_takes_is_given_up() {
        let (mut stream, _far, _) = timed();
        let error = stream.write_all(&[0; 17]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
