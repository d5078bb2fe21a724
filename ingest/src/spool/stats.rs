//! What the spool holds and has seen, counted in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::SegmentId;

/// What the spool holds and has seen; for metrics.
#[derive(Debug, Default)]
pub struct SpoolStats {
    waiting: Mutex<BTreeMap<SegmentId, Waiting>>,
    bytes: AtomicU64,
    pub(super) buffered_bytes: AtomicU64,
    pub(super) corrupt_segments: AtomicU64,
    pub(super) unreadable_segments: AtomicU64,
    pub(super) torn_bytes: AtomicU64,
    pub(super) fsyncs: AtomicU64,
    pub(super) sync_failures: AtomicU64,
    pub(super) write_failures: AtomicU64,
    refused_at: Mutex<Option<Instant>>,
    pub(super) adopted_segments: AtomicU64,
    pub(super) unremoved_segments: AtomicU64,
}

/// A segment on disk that ClickHouse does not have yet.
#[derive(Debug)]
struct Waiting {
    /// When its first record came.
    since: Instant,
    /// Bytes that count: what is behind them was refused or is damaged.
    bytes: u64,
}

impl SpoolStats {
    /// How long ago the disk refused records; absent if it took some since.
    pub fn since_refusal(&self) -> Option<Duration> {
        self.refused_at.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    pub(super) fn took(&self) {
        *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn refused(&self) {
        self.write_failures.fetch_add(1, Ordering::Relaxed);
        *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Bytes in all segments.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Segments on disk, the open one included.
    pub fn segments(&self) -> u64 {
        self.waiting().len() as u64
    }

    /// Age of the oldest record on disk; absent if none waits.
    pub fn oldest_age(&self) -> Option<Duration> {
        self.waiting().values().map(|segment| segment.since.elapsed()).max()
    }

    /// Bytes acknowledged and not yet written; always 0 unless the durability is `memory`.
    pub fn buffered_bytes(&self) -> u64 {
        self.buffered_bytes.load(Ordering::Relaxed)
    }

    /// Segments found with a wrong checksum before their end, a foreign header or none; each was kept in `corrupt/`.
    pub fn corrupt_segments(&self) -> u64 {
        self.corrupt_segments.load(Ordering::Relaxed)
    }

    /// Segments that the system would not read; each was moved to `corrupt/` if that was possible, and passed over in any case.
    pub fn unreadable_segments(&self) -> u64 {
        self.unreadable_segments.load(Ordering::Relaxed)
    }

    /// Bytes of half-written records cut off at start-up. They had not been acknowledged as durable.
    pub fn torn_bytes(&self) -> u64 {
        self.torn_bytes.load(Ordering::Relaxed)
    }

    /// Group commits, and syncs in the background.
    pub fn fsyncs(&self) -> u64 {
        self.fsyncs.load(Ordering::Relaxed)
    }

    /// Syncs of records that had been acknowledged before, refused by the disk. Records may be lost if the machine stops.
    pub fn sync_failures(&self) -> u64 {
        self.sync_failures.load(Ordering::Relaxed)
    }

    /// Group commits that the disk refused.
    pub fn write_failures(&self) -> u64 {
        self.write_failures.load(Ordering::Relaxed)
    }

    /// Segments taken from `incoming/`.
    pub fn adopted_segments(&self) -> u64 {
        self.adopted_segments.load(Ordering::Relaxed)
    }

    /// Segments that ClickHouse has and that the disk would not let go.
    pub fn unremoved_segments(&self) -> u64 {
        self.unremoved_segments.load(Ordering::Relaxed)
    }

    pub(super) fn begun(&self, id: SegmentId, bytes: u64, age: Duration) {
        let now = Instant::now();
        let since = now.checked_sub(age).unwrap_or(now);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.waiting().insert(id, Waiting { since, bytes });
    }

    pub(super) fn grew(&self, id: &SegmentId, bytes: u64) {
        if let Some(segment) = self.waiting().get_mut(id) {
            segment.bytes += bytes;
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn gone(&self, id: &SegmentId) {
        if let Some(segment) = self.waiting().remove(id) {
            self.bytes.fetch_sub(segment.bytes, Ordering::Relaxed);
        }
    }

    /// The segments on disk, oldest first.
    pub(super) fn ids(&self) -> Vec<SegmentId> {
        self.waiting().keys().cloned().collect()
    }

    /// Bytes of a waiting segment that count.
    pub(super) fn bytes_of(&self, id: &SegmentId) -> Option<u64> {
        self.waiting().get(id).map(|segment| segment.bytes)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<SegmentId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
