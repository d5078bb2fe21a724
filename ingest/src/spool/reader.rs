//! The reading side: sealed segments in order, and what becomes of them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior},
};

use super::{Command, Sealed, SegmentId, SpoolError, SpoolStats, Turns, aside, segment};

/// How often the folder `incoming/` is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The process, and not the file, is what is wrong: no memory, no file handles left.
const OUT_OF_HANDLES: [i32; 2] = [23, 24];

/// Sealed segments, oldest first.
#[derive(Debug)]
pub struct SealedSegments {
    queue: mpsc::UnboundedReceiver<SegmentId>,
    files: Arc<SegmentFiles>,
    ticks: Option<Interval>,
    look: bool,
}

/// The files behind the segments that were handed out.
#[derive(Debug)]
pub struct SegmentFiles {
    dir: PathBuf,
    appender: mpsc::WeakSender<Command>,
    stats: Arc<SpoolStats>,
    /// Stored, and still there.
    unremoved: Mutex<Vec<SegmentId>>,
}

/// What came of reading a segment.
#[derive(Debug)]
pub enum Reading {
    /// Here it is.
    Read(Sealed),
    /// It cannot be read and was set aside.
    SetAside,
    /// It cannot be read now; another try may help.
    NotNow(SpoolError),
}

impl SealedSegments {
    pub(super) fn new(
        dir: &Path,
        queue: mpsc::UnboundedReceiver<SegmentId>,
        appender: mpsc::WeakSender<Command>,
        stats: Arc<SpoolStats>,
    ) -> Self {
        let files = Arc::new(SegmentFiles { dir: dir.into(), appender, stats, unremoved: Mutex::default() });
        Self { queue, files, ticks: None, look: true }
    }

    /// The next sealed segment, or one that was put into `incoming/`; waits for one. `None` after [`super::Spool::close`] when all
    /// were handed out. Nothing is lost if the wait is given up.
    pub async fn next(&mut self) -> Option<SegmentId> {
        loop {
            if self.look {
                if let Some(id) = self.files.adopt() {
                    return Some(id);
                }
                self.look = false;
            }
            let ticks = self.ticks.get_or_insert_with(|| {
                let mut ticks = tokio::time::interval(LOOK_EVERY);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                ticks
            });
            tokio::select! {
                id = self.queue.recv() => return id,
                _ = ticks.tick() => self.look = true,
            }
        }
    }

    /// Where what was handed out is read and removed.
    pub fn files(&self) -> &Arc<SegmentFiles> {
        &self.files
    }
}

impl SegmentFiles {
    /// The segments on disk that have been written to within this time, oldest first.
    pub fn younger_than(&self, limit: Duration) -> Vec<SegmentId> {
        let is_young = |id: &SegmentId| segment::age(&id.path(&self.dir)) < limit;
        self.stats.ids().into_iter().filter(is_young).collect()
    }

    /// Reads a segment. One that the system will not read is set aside and counted.
    pub fn read(&self, id: &SegmentId) -> Reading {
        match segment::read_up_to(&id.path(&self.dir), self.stats.bytes_of(id)) {
            Ok(sealed) => Reading::Read(sealed),
            Err(error) if is_passing(&error) => Reading::NotNow(error),
            Err(error) => {
                self.stats.unreadable_segments.fetch_add(1, Ordering::Relaxed);
                aside::pass_over(&self.dir, id, &error);
                self.gone(id);
                Reading::SetAside
            }
        }
    }

    /// Removes a segment whose records are safe elsewhere. If the disk refuses, that is tried again with every later removal.
    pub fn remove(&self, id: &SegmentId) {
        let mut unremoved = self.unremoved.lock().unwrap_or_else(PoisonError::into_inner);
        unremoved.retain(|id| aside::remove(&self.dir, id).is_err());
        if let Err(error) = aside::remove(&self.dir, id) {
            tracing::error!(segment = %id, %error, "cannot remove a segment that is stored; it is removed as soon as the disk lets it be");
            unremoved.push(id.clone());
        }
        self.stats.unremoved_segments.store(unremoved.len() as u64, Ordering::Relaxed);
        drop(unremoved);
        self.gone(id);
    }

    /// Writes what ClickHouse refused of a segment to `quarantine/`, as lines. Durable on return; the segment itself stays.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn write_refused(&self, id: &SegmentId, lines: &[u8]) -> Result<PathBuf, SpoolError> {
        aside::write_refused(&self.dir, id, lines)
    }

    /// The lines that [`Self::decide`] has written about a segment; the last may be cut short.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn decisions(&self, id: &SegmentId) -> Result<String, SpoolError> {
        aside::read_decisions(&self.dir, id)
    }

    /// Notes one line about a segment for as long as it exists. Durable on return.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn decide(&self, id: &SegmentId, line: &str) -> Result<(), SpoolError> {
        aside::decide(&self.dir, id, line)
    }

    /// Whose turn it is to move segments.
    pub fn turns(&self) -> Turns {
        Turns::of(&self.dir)
    }

    /// The segment waits no longer. If the queue is full the appender is awake anyway.
    fn gone(&self, id: &SegmentId) {
        self.stats.gone(id);
        if let Some(appender) = self.appender.upgrade() {
            let _ = appender.try_send(Command::Released);
        }
    }

    fn adopt(&self) -> Option<SegmentId> {
        let id =
            aside::adopt(&self.dir).inspect_err(|error| tracing::warn!(%error, "cannot take a segment from incoming/")).ok()??;
        let path = id.path(&self.dir);
        let bytes = std::fs::metadata(&path).map_or(0, |meta| meta.len());
        self.stats.begun(id.clone(), bytes, segment::age(&path));
        self.stats.adopted_segments.fetch_add(1, Ordering::Relaxed);
        tracing::info!(segment = %id, bytes, "took a segment from incoming/");
        Some(id)
    }
}

fn is_passing(error: &SpoolError) -> bool {
    let SpoolError::Io { source, .. } = error else { return false };
    matches!(source.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::Interrupted)
        || source.raw_os_error().is_some_and(|code| OUT_OF_HANDLES.contains(&code))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::spool::{Durability, Spool, SpoolConfig};

    const CONFIG: SpoolConfig = SpoolConfig {
        durability: Durability::Fsync,
        max_bytes: 1 << 20,
        buffer_max_bytes: 64 << 10,
        segment_max_bytes: 64 << 10,
        segment_max_age: Duration::from_millis(20),
        readers: 1,
    };

    /// A spool with one record in each of its segments.
    async fn filled(dir: &Path, segments: u8) -> Vec<SegmentId> {
        let mut ids = Vec::new();
        for number in 0..segments {
            let (spool, mut sealed) = Spool::open(dir, CONFIG).unwrap();
            spool.append(vec![number]).await.unwrap();
            spool.close().await;
            while let Some(id) = sealed.next().await {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        ids
    }

    async fn all(mut sealed: SealedSegments) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        while let Some(id) = sealed.next().await {
            if let Reading::Read(read) = sealed.files().read(&id) {
                records.extend(read.records().map(<[u8]>::to_vec));
            }
        }
        records
    }

    #[tokio::test]
    async fn segments_that_cannot_be_used_do_not_stop_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let ids = filled(dir.path(), 5).await;
        let path = |index: usize| ids[index].path(dir.path());
        fs::remove_file(path(0)).unwrap();
        fs::create_dir(path(0)).unwrap(); // Reading fails, as with a bad disk.
        fs::write(path(1), b"something else entirely").unwrap();
        fs::write(path(2), b"").unwrap();
        let mut bytes = fs::read(path(3)).unwrap();
        bytes[10] ^= 1;
        fs::write(path(3), &bytes).unwrap();

        let (spool, sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        let stats = spool.stats().clone();
        spool.append(b"new".to_vec()).await.unwrap();
        spool.close().await;
        assert_eq!(all(sealed).await, [vec![4], b"new".to_vec()]);
        assert_eq!((stats.unreadable_segments(), stats.corrupt_segments()), (1, 3));
        let corrupt = dir.path().join("corrupt");
        assert!(ids[0].path(&corrupt).is_dir());
        assert_eq!(fs::read(ids[1].path(&corrupt)).unwrap(), b"something else entirely");
        assert_eq!(fs::read(ids[2].path(&corrupt)).unwrap(), b"");
        assert_eq!(fs::read(ids[3].path(&corrupt).with_extension("damaged")).unwrap(), bytes);
    }

    #[tokio::test]
    async fn a_segment_that_turns_bad_later_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let ids = filled(dir.path(), 3).await;
        let (spool, sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        fs::remove_file(ids[0].path(dir.path())).unwrap();
        fs::create_dir(ids[0].path(dir.path())).unwrap();
        fs::remove_file(ids[1].path(dir.path())).unwrap();
        let stats = spool.stats().clone();
        spool.close().await;
        assert_eq!(all(sealed).await, [[2]]);
        assert_eq!((stats.unreadable_segments(), stats.segments()), (2, 1));
    }

    #[tokio::test]
    async fn a_segment_the_disk_does_not_let_go_is_removed_later() {
        let dir = tempfile::tempdir().unwrap();
        let ids = filled(dir.path(), 2).await;
        let (spool, sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        let path = ids[0].path(dir.path());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap(); // It cannot be removed as a file.
        sealed.files().remove(&ids[0]);
        assert_eq!((spool.stats().unremoved_segments(), spool.stats().segments()), (1, 1));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, b"").unwrap();
        sealed.files().remove(&ids[1]);
        assert_eq!((spool.stats().unremoved_segments(), spool.stats().segments()), (0, 0));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_was_refused_is_not_read_back_even_if_it_could_not_be_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let ids = filled(dir.path(), 1).await;
        let (spool, sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        let mut bytes = fs::read(ids[0].path(dir.path())).unwrap();
        crate::spool::format::encode(b"refused", &mut bytes);
        fs::write(ids[0].path(dir.path()), &bytes).unwrap();
        spool.close().await;
        assert_eq!(all(sealed).await, [[0]]);
    }
}
