//! The load generator.
//!
//! Our own and not `oha` or `wrk`: every request must carry a body of its own (a repeated beacon is recognised and costs less), latency
//! must be counted from the moment a request was due, and stores that speak no HTTP get the same bodies. It works in one thread, on the
//! core that the target does not have.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::Mutex,
    task::LocalSet,
};

use crate::{
    corpus::Corpus,
    dialect::{Dialect, Keeps},
};

/// Longest wait for an answer before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest body of an answer that is kept in view.
const ANSWER_BYTES: usize = 16 << 10;

/// Whom to send to, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    pub(crate) dialect: Dialect,
    pub(crate) keeps: Keeps,
    /// Requests under way at the same time, at most.
    pub(crate) connections: usize,
}

/// When requests are due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// The next as soon as one is answered: finds the capacity.
    Saturating,
    /// So many a second whatever becomes of them.
    PerSecond(f64),
}

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) taken: u64,
    pub(crate) refused: u64,
    /// From the first to the last moment of the run.
    pub(crate) time: Duration,
    /// Of each answer, from the moment its request was due, in order of length.
    latencies: Vec<Duration>,
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(crate) fn per_second(&self) -> f64 {
        self.taken as f64 / self.time.as_secs_f64()
    }

    /// The latency that this share of the answers did not exceed, in milliseconds.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.latencies.len() as f64).ceil() as usize;
        self.latencies.get(rank.clamp(1, self.latencies.len().max(1)) - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}

/// Bodies made before the run, so that compressing them does not hold up the generator; others are made when they are due.
pub(crate) struct Stock {
    corpus: Arc<Corpus>,
    ready: Arc<[Vec<u8>]>,
    next: Cell<usize>,
}

impl Stock {
    /// From the `next`th body on.
    pub(crate) const fn new(corpus: Arc<Corpus>, ready: Arc<[Vec<u8>]>, next: usize) -> Self {
        Self { corpus, ready, next: Cell::new(next) }
    }

    fn take(&self) -> Cow<'_, [u8]> {
        let number = self.next.get();
        self.next.set(number + 1);
        self.ready.get(number).map_or_else(|| Cow::Owned(self.corpus.body(number)), |body| Cow::Borrowed(body.as_slice()))
    }
}

/// One run, seen by all of its connections.
struct Run {
    way: Way,
    begin: Instant,
    length: Duration,
    pace: Pace,
    /// The number of the next request; who holds it waits until that is due.
    turn: Mutex<u64>,
    outcome: RefCell<Outcome>,
}

/// Sends bodies of `stock` for `length`, and returns when all is answered: what came of it, and which body is next.
pub(crate) fn load(way: Way, stock: Stock, pace: Pace, length: Duration) -> Result<(Outcome, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let stock = Rc::new(stock);
        let mut open = Vec::with_capacity(way.connections);
        for number in 0..way.connections {
            open.push(if way.keeps == Keeps::Open { Some(connect(way, number).await?) } else { None });
        }
        let run = Rc::new(Run { way, begin: Instant::now(), length, pace, turn: Mutex::new(0), outcome: RefCell::default() });
        let senders: Vec<_> = open
            .into_iter()
            .enumerate()
            .map(|(number, stream)| tokio::task::spawn_local(send(run.clone(), stock.clone(), number, stream)))
            .collect();
        for sender in senders {
            sender.await.context("a sender broke off")??;
        }
        let mut outcome = run.outcome.take();
        outcome.time = run.begin.elapsed();
        outcome.latencies.sort_unstable();
        ensure!(outcome.taken > 0, "the target took nothing ({} refused)", outcome.refused);
        Ok((outcome, stock.next.get()))
    })
}

async fn send(run: Rc<Run>, stock: Rc<Stock>, number: usize, mut stream: Option<TcpStream>) -> Result<()> {
    let mut read = Vec::with_capacity(4096);
    while let Some(due) = run.due().await {
        let body = stock.take();
        let request = run.way.dialect.request(&body, stock.corpus.kind.encoding, run.way.keeps, number)?;
        let mut connection = match stream.take() {
            Some(open) => open,
            None => connect(run.way, number).await?,
        };
        let answer = exchange(run.way.dialect, &mut connection, &request, &mut read);
        let is_taken = tokio::time::timeout(PATIENCE, answer).await.context("no answer in 30 s")??;
        let mut outcome = run.outcome.borrow_mut();
        if is_taken {
            outcome.taken += 1;
            outcome.latencies.push(due.elapsed());
        } else {
            outcome.refused += 1;
        }
        if run.way.keeps == Keeps::Open {
            stream = Some(connection);
        }
    }
    Ok(())
}

async fn exchange(dialect: Dialect, stream: &mut TcpStream, request: &[u8], read: &mut Vec<u8>) -> Result<bool> {
    stream.write_all(request).await?;
    read.clear();
    loop {
        ensure!(stream.read_buf(read).await? > 0, "the target hung up: {}", String::from_utf8_lossy(read));
        if let Some(reply) = dialect.reply(read)? {
            ensure!(reply.bytes == read.len(), "more than one answer: {}", String::from_utf8_lossy(read));
            return Ok(reply.is_taken);
        }
        ensure!(read.len() < ANSWER_BYTES, "an endless answer");
    }
}

/// A connection from one of many loopback addresses: each has ports of its own, so that closed ones do not run out.
async fn connect(way: Way, number: usize) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if way.keeps == Keeps::Closed {
        let host = u8::try_from(number % 250).unwrap_or_default() + 2;
        socket.bind((Ipv4Addr::new(127, 0, 7, host), 0).into())?;
    }
    let mut stream = socket.connect(way.address).await.with_context(|| format!("cannot connect to {}", way.address))?;
    stream.set_nodelay(true)?;
    way.dialect.greet(&mut stream, number).await?;
    Ok(stream)
}

impl Run {
    /// Waits until the next request is due; absent when the run is over.
    async fn due(&self) -> Option<Instant> {
        let mut turn = self.turn.lock().await;
        let due = match self.pace {
            Pace::Saturating => Instant::now(),
            #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
            Pace::PerSecond(rate) => self.begin + Duration::from_secs_f64(*turn as f64 / rate),
        };
        if due >= self.begin + self.length {
            return None;
        }
        *turn += 1;
        // A timer would be a millisecond late. This core has nothing else to do.
        while Instant::now() < due {
            tokio::task::yield_now().await;
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_observed() {
        let latencies = (1..=1000).map(Duration::from_millis).collect();
        let outcome = Outcome { taken: 1000, time: Duration::from_secs(2), latencies, ..Outcome::default() };
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| outcome.quantile_ms(share).round());
        assert_eq!([p50, p99, p999].map(|ms| ms.to_string()), ["500", "990", "999"]);
        assert_eq!(outcome.per_second().to_string(), "500");
    }
}
