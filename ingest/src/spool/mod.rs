//! The write-ahead spool: what has been acknowledged is here, on disk, until ClickHouse has confirmed it.
//!
//! A spool is a folder of segments. Exactly one segment is appended to. It is sealed and handed to the reader at a size, or at an age
//! if the reader has nothing else to do: while the reader is behind, segments grow, so that it catches up in large steps. A sealed
//! segment never changes, so whoever reads it twice reads the same records. Records are opaque bytes here.
//!
//! An append is answered after `fdatasync`; appends that wait at the same time share one. Whatever goes wrong on disk, an append
//! fails and nothing acknowledged is lost. Segment names carry a random part and are never used twice, so they can name what was
//! inserted from them.

mod appender;
mod format;
mod segment;

pub use segment::{Sealed, SegmentId};

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

/// How large and how old things may get.
#[derive(Clone, Copy, Debug)]
pub struct SpoolConfig {
    /// Most bytes in all segments together.
    pub max_bytes: u64,
    /// Size at which a segment is sealed.
    pub segment_max_bytes: u64,
    /// Age at which a segment is sealed, counted from its first record.
    pub segment_max_age: Duration,
}

/// Why an append or an operation failed. After an error the record is not stored, unless the caller stopped waiting.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// `max_bytes` would be exceeded.
    #[error("the spool is full: {used} of {limit} bytes")]
    Full {
        /// Bytes in all segments.
        used: u64,
        /// The configured bound.
        limit: u64,
    },
    /// One record is larger than a segment.
    #[error("record of {0} bytes does not fit a segment")]
    RecordTooLarge(usize),
    /// The disk refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Another append in the same group failed on disk.
    #[error("cannot write to the spool: {0}")]
    Group(String),
    /// Another service works on this spool.
    #[error("the spool in {0} is in use by another process; stop it or give this one another data folder")]
    InUse(PathBuf),
    /// The spool was closed.
    #[error("the spool is closed")]
    Closed,
}

impl SpoolError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.into(), source }
    }
}

/// What the spool holds and has seen; for metrics.
#[derive(Debug, Default)]
pub struct SpoolStats {
    bytes: AtomicU64,
    segments: AtomicU64,
    corrupt_segments: AtomicU64,
    torn_bytes: AtomicU64,
    fsyncs: AtomicU64,
}

impl SpoolStats {
    /// Bytes in all segments.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Segments on disk, the open one included.
    pub fn segments(&self) -> u64 {
        self.segments.load(Ordering::Relaxed)
    }

    /// Segments found with a wrong checksum before their end; a copy of each was set aside.
    pub fn corrupt_segments(&self) -> u64 {
        self.corrupt_segments.load(Ordering::Relaxed)
    }

    /// Bytes of half-written records cut off at start-up. They had not been acknowledged.
    pub fn torn_bytes(&self) -> u64 {
        self.torn_bytes.load(Ordering::Relaxed)
    }

    /// Group commits.
    pub fn fsyncs(&self) -> u64 {
        self.fsyncs.load(Ordering::Relaxed)
    }
}

/// The appending side; cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool {
    commands: mpsc::Sender<Command>,
    stats: Arc<SpoolStats>,
}

/// The reading side: sealed segments, oldest first.
#[derive(Debug)]
pub struct SealedSegments {
    queue: mpsc::UnboundedReceiver<SegmentId>,
    appender: mpsc::WeakSender<Command>,
    dir: PathBuf,
    stats: Arc<SpoolStats>,
}

enum Command {
    Append(Vec<u8>, oneshot::Sender<Result<(), SpoolError>>),
    /// The reader is done with a segment.
    Released,
    Close(oneshot::Sender<()>),
}

impl Spool {
    /// Opens the spool in `dir`, making the folder if needed, and repairs what a crash left: a half-written last record is cut off,
    /// a segment damaged elsewhere is copied to `corrupt/` and used up to the damage. All segments found are handed to the reader.
    ///
    /// # Errors
    /// [`SpoolError::InUse`] if another process has the spool, [`SpoolError::Io`] if the folder cannot be made, read or written.
    pub fn open(dir: &Path, config: SpoolConfig) -> Result<(Self, SealedSegments), SpoolError> {
        let lock = segment::lock(dir)?;
        let stats = Arc::new(SpoolStats::default());
        let found = segment::recover(dir, &stats)?;
        let next_number = found.last().map_or(1, |id| id.number() + 1);
        let (sealed, queue) = mpsc::unbounded_channel();
        for id in found {
            let _ = sealed.send(id);
        }
        let (commands, inbox) = mpsc::channel(4096);
        let appender = appender::Appender::new(dir.into(), config, next_number, sealed, stats.clone(), lock);
        std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || appender.run(inbox))
            .map_err(SpoolError::io("start the thread for", dir))?;
        let appender = commands.downgrade();
        Ok((Self { commands, stats: stats.clone() }, SealedSegments { queue, appender, dir: dir.into(), stats }))
    }

    /// Stores one record. Returns when it is on disk.
    ///
    /// # Errors
    /// [`SpoolError`]; the record is not stored then.
    pub async fn append(&self, record: Vec<u8>) -> Result<(), SpoolError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Append(record, reply)).await.map_err(|_| SpoolError::Closed)?;
        answer.await.map_err(|_| SpoolError::Closed)?
    }

    /// Seals the open segment and refuses later appends.
    pub async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }

    /// Counters for metrics.
    pub fn stats(&self) -> &Arc<SpoolStats> {
        &self.stats
    }
}

impl SealedSegments {
    /// The next sealed segment; waits for one. `None` after [`Spool::close`] when all were handed out.
    pub async fn next(&mut self) -> Option<SegmentId> {
        self.queue.recv().await
    }

    /// Reads a sealed segment.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn read(&self, id: &SegmentId) -> Result<Sealed, SpoolError> {
        segment::read(&self.dir, id)
    }

    /// Removes a segment whose records are safe elsewhere.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn remove(&self, id: &SegmentId) -> Result<(), SpoolError> {
        segment::remove(&self.dir, id, &self.stats)?;
        self.released();
        Ok(())
    }

    /// Moves a segment that cannot be inserted to `quarantine/`, where an operator can look at it. Returns its new path.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn quarantine(&self, id: &SegmentId) -> Result<PathBuf, SpoolError> {
        let path = segment::quarantine(&self.dir, id, &self.stats)?;
        self.released();
        Ok(path)
    }

    /// If the queue is full the appender is awake anyway.
    fn released(&self) {
        if let Some(appender) = self.appender.upgrade() {
            let _ = appender.try_send(Command::Released);
        }
    }
}
