//! The write-ahead spool: what has been acknowledged is here until ClickHouse has confirmed it.
//!
//! A spool is a folder of segments. Exactly one segment is appended to. It is sealed and handed to the reader at a size, or at an age
//! if the reader has nothing else to do: while the reader is behind, segments grow, so that it catches up in large steps. A sealed
//! segment never changes, so whoever reads it twice reads the same records. Records are opaque bytes here.
//!
//! When an append is answered is the operator's choice, see [`Durability`]; appends that wait at the same time share a write and a
//! sync. Whatever goes wrong on disk, an append fails, nothing acknowledged as durable is lost, and a later append succeeds as soon as
//! the disk does. Segment names carry a random part and are never used for other records, so they can name what was inserted from
//! them.
//!
//! | beside the segments | holds |
//! | --- | --- |
//! | `corrupt/` | segments that are damaged (`.damaged`: the part before the damage was used) or unreadable (`.spool`: not used) |
//! | `quarantine/` | what ClickHouse refused for good |
//! | `journal/` | notes that outlive the segments they are about, see [`Journal`] |
//! | `incoming/` | whole segments an operator puts back; the service takes them within seconds |

mod appender;
mod aside;
mod format;
mod journal;
#[cfg(test)]
mod model;
mod reader;
mod room;
mod segment;
mod stats;
mod survey;
mod turn;

pub use journal::Journal;
pub use reader::{Reading, SealedSegments, SegmentFiles};
pub use room::Obstacle;
pub use segment::{Sealed, SegmentId};
pub use stats::SpoolStats;
pub use survey::{Entry, Place, export_file, survey};
pub use turn::{Turn, TurnError, Turns};

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use tokio::sync::{mpsc, oneshot};

/// How large and how old things may get.
#[derive(Clone, Copy, Debug)]
pub struct SpoolConfig {
    /// When an append is answered.
    pub durability: Durability,
    /// Most bytes in all segments together.
    pub max_bytes: u64,
    /// Most bytes acknowledged before they are written, if the durability is [`Durability::Memory`].
    pub buffer_max_bytes: u64,
    /// Size at which a segment is sealed.
    pub segment_max_bytes: u64,
    /// Age at which a segment is sealed, counted from its first record.
    pub segment_max_age: Duration,
    /// Segments that are read at the same time, at least 1. While as many wait, the open one grows.
    pub readers: u64,
}

/// What an acknowledged record survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Everything, a loss of power included: answered after `fdatasync`.
    #[default]
    Fsync,
    /// The end of the process: answered after `write`. A crash of the machine loses up to a second.
    Os,
    /// Nothing: answered when in memory. The end of the process, unless it was asked to stop, loses what was not yet written.
    Memory,
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

/// The appending side; cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool {
    commands: mpsc::Sender<Command>,
    config: SpoolConfig,
    stats: Arc<SpoolStats>,
    dir: Arc<Path>,
}

#[derive(Debug)]
enum Command {
    Append(Append),
    /// The reader is done with a segment.
    Released,
    Close(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Append {
    record: Vec<u8>,
    /// Absent if it was answered already.
    reply: Option<oneshot::Sender<Result<(), SpoolError>>>,
}

impl Spool {
    /// Opens the spool in `dir`, making the folder if needed, and repairs what a crash left: a half-written last record is cut off,
    /// a segment damaged elsewhere is kept in `corrupt/` and used up to the damage, one that cannot be read at all is moved there.
    /// All segments found are handed to the reader.
    ///
    /// # Errors
    /// [`SpoolError::InUse`] if another process has the spool, [`SpoolError::Io`] if the folder cannot be made or listed.
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
        let segments = SealedSegments::new(dir, queue, commands.downgrade(), stats.clone());
        Ok((Self { commands, config, stats, dir: dir.into() }, segments))
    }

    /// Stores one record. Returns when it is as durable as configured.
    ///
    /// # Errors
    /// [`SpoolError`]; the record is not stored then.
    pub async fn append(&self, record: Vec<u8>) -> Result<(), SpoolError> {
        if self.config.durability == Durability::Memory {
            self.reserve(&record)?;
            let append = Append { record, reply: None };
            return self.commands.send(Command::Append(append)).await.map_err(|_| SpoolError::Closed);
        }
        let (reply, answer) = oneshot::channel();
        let append = Append { record, reply: Some(reply) };
        self.commands.send(Command::Append(append)).await.map_err(|_| SpoolError::Closed)?;
        answer.await.map_err(|_| SpoolError::Closed)?
    }

    /// Takes room in the buffer; the appender gives it back when the record is written.
    fn reserve(&self, record: &[u8]) -> Result<(), SpoolError> {
        let needed = self.config.fit(record)?;
        let limit = self.config.buffer_max_bytes.min(self.config.max_bytes.saturating_sub(self.stats.bytes()));
        self.stats
            .buffered_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held + needed).filter(|sum| *sum <= limit))
            .map(drop)
            .map_err(|used| SpoolError::Full { used, limit })
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

impl SpoolConfig {
    /// The bytes a record takes, if a segment can hold it.
    fn fit(&self, record: &[u8]) -> Result<u64, SpoolError> {
        let needed = format::record_bytes(record.len());
        if needed + format::MAGIC.len() as u64 > self.segment_max_bytes {
            return Err(SpoolError::RecordTooLarge(record.len()));
        }
        Ok(needed)
    }
}
