//! The one thread that writes: it gathers waiting appends, writes them in one go, syncs once and answers all.

use std::{
    fs::File,
    io::Write,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use super::{
    Append, Command, Durability, SpoolConfig, SpoolError, SpoolStats, aside,
    format::{MAGIC, encode, record_bytes},
    segment::{SegmentId, make},
};

/// Most bytes written before one sync; keeps the wait of the first append of a group short.
const GROUP_MAX_BYTES: usize = 4 << 20;
/// Longest time between a write and its sync if appends do not wait for it.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Pause before records that were acknowledged from memory are written again after a failure.
const RETRY_EVERY: Duration = Duration::from_millis(200);
/// A disk that refuses everything is reported this often.
const REPORT_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Appender {
    dir: PathBuf,
    config: SpoolConfig,
    next_number: u64,
    open: Option<OpenSegment>,
    sealed: mpsc::UnboundedSender<SegmentId>,
    stats: Arc<SpoolStats>,
    /// When a refusal of the disk was last reported; absent while it takes everything.
    reported: Option<Instant>,
    /// Held as long as anything may be written.
    lock: File,
}

struct OpenSegment {
    id: SegmentId,
    file: File,
    /// Everything up to here is acknowledged, or about to be.
    bytes: u64,
    since: Instant,
    /// When the oldest write without a sync was made.
    unsynced_since: Option<Instant>,
}

impl Append {
    fn answer(self, answer: Result<(), SpoolError>) {
        if let Some(reply) = self.reply {
            let _ = reply.send(answer);
        }
    }
}

impl Appender {
    pub(super) fn new(
        dir: PathBuf,
        config: SpoolConfig,
        next_number: u64,
        sealed: mpsc::UnboundedSender<SegmentId>,
        stats: Arc<SpoolStats>,
        lock: File,
    ) -> Self {
        Self { dir, config, next_number, open: None, sealed, stats, reported: None, lock }
    }

    /// Works until the spool is closed or dropped.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
        // Between two rounds only records that were acknowledged from memory and that the disk refused are left here.
        let mut group = Vec::new();
        loop {
            let wait = self.wait(&group);
            let first = runtime.block_on(async {
                match wait {
                    Some(wait) => tokio::time::timeout(wait, inbox.recv()).await.map_err(|_| Due),
                    None => Ok(inbox.recv().await),
                }
            });
            let closing = match first {
                Err(Due) => Closing::No,
                Ok(None) => Closing::Yes(None),
                Ok(Some(command)) => gather(command, &mut inbox, &mut group),
            };
            self.commit(&mut group);
            let is_full = self.open.as_ref().is_some_and(|open| open.bytes >= self.config.segment_max_bytes);
            if is_full || self.rest().is_some_and(|rest| rest.is_zero()) {
                self.seal();
            } else if self.unsynced_rest().is_some_and(|rest| rest.is_zero()) {
                self.sync();
            }
            if let Closing::Yes(reply) = closing {
                self.seal();
                inbox.close();
                if !group.is_empty() {
                    tracing::error!(
                        records = group.len(),
                        "the disk refused to the end; acknowledged records are lost with the memory"
                    );
                }
                drop(self.lock);
                if let Some(reply) = reply {
                    let _ = reply.send(());
                }
                return;
            }
        }
    }

    /// How long to wait for the next command at most.
    fn wait(&self, held: &[Append]) -> Option<Duration> {
        let retry = (!held.is_empty()).then_some(RETRY_EVERY);
        [self.rest(), self.unsynced_rest(), retry].into_iter().flatten().min()
    }

    /// How long the open segment may still be open; absent if there is none, or if the reader has others to work on.
    fn rest(&self) -> Option<Duration> {
        let open = self.open.as_ref()?;
        let reader_waits = self.stats.segments() <= self.config.readers;
        reader_waits.then(|| self.config.segment_max_age.saturating_sub(open.since.elapsed()))
    }

    fn unsynced_rest(&self) -> Option<Duration> {
        let since = self.open.as_ref()?.unsynced_since?;
        Some(SYNC_EVERY.saturating_sub(since.elapsed()))
    }

    fn seal(&mut self) {
        self.sync();
        if let Some(open) = self.open.take() {
            let _ = self.sealed.send(open.id);
        }
    }

    /// Makes durable what was acknowledged before it was.
    fn sync(&mut self) {
        let Some(open) = self.open.as_mut().filter(|open| open.unsynced_since.is_some()) else { return };
        open.unsynced_since = None;
        self.stats.fsyncs.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = open.file.sync_data() {
            self.stats.sync_failures.fetch_add(1, Ordering::Relaxed);
            tracing::error!(segment = %open.id, %error, "cannot sync acknowledged records; they may be lost if the machine stops");
            // Nobody knows what is on disk now. What was written is still read, but nothing more goes to this file.
            if let Some(open) = self.open.take() {
                let _ = self.sealed.send(open.id);
            }
        }
    }

    /// Writes a group and answers every append in it. Records that were answered before stay in the group if the disk refuses.
    fn commit(&mut self, group: &mut Vec<Append>) {
        let mut bytes = Vec::new();
        let mut taken = Vec::with_capacity(group.len());
        let used = self.stats.bytes();
        for append in group.drain(..) {
            match self.admit(&append, used + bytes.len() as u64) {
                Ok(()) => {
                    encode(&append.record, &mut bytes);
                    taken.push(append);
                }
                Err(refusal) => append.answer(Err(refusal)),
            }
        }
        if taken.is_empty() {
            return;
        }
        match self.write(&bytes) {
            Ok(()) => {
                self.stats.took();
                if self.reported.take().is_some() {
                    tracing::info!("the disk takes records again");
                }
                for append in taken {
                    if append.reply.is_none() {
                        self.stats.buffered_bytes.fetch_sub(record_bytes(append.record.len()), Ordering::Relaxed);
                    }
                    append.answer(Ok(()));
                }
            }
            Err(failure) => {
                self.stats.refused();
                self.report(&failure, taken.len());
                let text = failure.to_string();
                for append in taken {
                    if append.reply.is_some() {
                        append.answer(Err(SpoolError::Group(text.clone())));
                    } else {
                        group.push(append);
                    }
                }
            }
        }
    }

    fn report(&mut self, failure: &SpoolError, appends: usize) {
        if self.reported.is_none_or(|last| last.elapsed() >= REPORT_EVERY) {
            self.reported = Some(Instant::now());
            tracing::error!(error = %failure, appends, "cannot write to the spool; beacons are refused until the disk takes them again");
        }
    }

    fn admit(&self, append: &Append, used: u64) -> Result<(), SpoolError> {
        if append.reply.is_none() {
            return Ok(()); // It has its room already.
        }
        let needed = self.config.fit(&append.record)?;
        if used + needed + MAGIC.len() as u64 > self.config.max_bytes {
            return Err(SpoolError::Full { used, limit: self.config.max_bytes });
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let path = open.id.path(&self.dir);
        let written = open.file.write_all(bytes).map_err(SpoolError::io("write to", &path)).and_then(|()| {
            if self.config.durability == Durability::Fsync {
                self.stats.fsyncs.fetch_add(1, Ordering::Relaxed);
                return open.file.sync_data().map_err(SpoolError::io("sync", &path));
            }
            open.unsynced_since.get_or_insert_with(Instant::now);
            Ok(())
        });
        match written {
            Ok(()) => {
                open.bytes += bytes.len() as u64;
                self.stats.grew(&open.id, bytes.len() as u64);
                self.open = Some(open);
                Ok(())
            }
            Err(failure) => {
                self.abandon(open);
                Err(failure)
            }
        }
    }

    /// After a failed write or sync nobody knows what is on disk. Cuts back to what was acknowledged and never writes to this file again.
    fn abandon(&self, open: OpenSegment) {
        if let Err(error) = open.file.set_len(open.bytes).and_then(|()| open.file.sync_data()) {
            tracing::error!(segment = %open.id, %error, "cannot cut a failed write off; the next start will");
        }
        if open.bytes > MAGIC.len() as u64 {
            let _ = self.sealed.send(open.id);
        } else {
            aside::discard(&self.dir, &open.id);
            self.stats.gone(&open.id);
        }
    }

    fn begin(&mut self) -> Result<OpenSegment, SpoolError> {
        let id = SegmentId::new(self.next_number);
        let file = make(&self.dir, &id)?;
        self.next_number += 1;
        let bytes = MAGIC.len() as u64;
        self.stats.begun(id.clone(), bytes, Duration::ZERO);
        Ok(OpenSegment { id, file, bytes, since: Instant::now(), unsynced_since: None })
    }
}

/// Something is to be done without a command.
struct Due;

enum Closing {
    No,
    Yes(Option<oneshot::Sender<()>>),
}

/// Takes what is waiting, up to a group's size. Stops at a close.
fn gather(first: Command, inbox: &mut mpsc::Receiver<Command>, group: &mut Vec<Append>) -> Closing {
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(command) = next {
        match command {
            Command::Append(append) => {
                bytes += append.record.len();
                group.push(append);
            }
            Command::Released => {}
            Command::Close(reply) => return Closing::Yes(Some(reply)),
        }
        next = if bytes < GROUP_MAX_BYTES { inbox.try_recv().ok() } else { None };
    }
    Closing::No
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{Reading, Sealed, SealedSegments, Spool};
    use std::fs::OpenOptions;

    const CONFIG: SpoolConfig = SpoolConfig {
        durability: Durability::Fsync,
        max_bytes: 1 << 20,
        buffer_max_bytes: 64 << 10,
        segment_max_bytes: 64 << 10,
        segment_max_age: Duration::from_millis(20),
        readers: 1,
    };

    fn read(sealed: &SealedSegments, id: &SegmentId) -> Sealed {
        match sealed.files().read(id) {
            Reading::Read(sealed) => sealed,
            other => panic!("{other:?}"),
        }
    }

    async fn drain(mut sealed: SealedSegments) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        while let Some(id) = sealed.next().await {
            records.extend(read(&sealed, &id).records().map(<[u8]>::to_vec));
            sealed.files().remove(&id);
        }
        records
    }

    #[tokio::test]
    async fn what_was_acknowledged_is_read_back_once_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        for n in 0..500_u32 {
            spool.append(n.to_le_bytes().to_vec()).await.unwrap();
        }
        spool.close().await;
        assert!(matches!(spool.append(vec![1]).await, Err(SpoolError::Closed)));
        let stats = spool.stats().clone();
        drop(spool);
        assert_eq!(drain(sealed).await, (0..500_u32).map(|n| n.to_le_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!((stats.bytes(), stats.segments()), (0, 0));
    }

    #[tokio::test]
    async fn waiting_appends_share_a_sync() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, _sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        let appends = (0..200).map(|_| {
            let spool = spool.clone();
            tokio::spawn(async move { spool.append(vec![7; 100]).await })
        });
        for append in appends.collect::<Vec<_>>() {
            append.await.unwrap().unwrap();
        }
        assert!(spool.stats().fsyncs() < 200, "{} syncs", spool.stats().fsyncs());
    }

    #[tokio::test]
    async fn segments_grow_while_the_reader_is_behind() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        spool.append(b"first".to_vec()).await.unwrap();
        let first = sealed.next().await.unwrap();
        for _ in 0..10 {
            spool.append(vec![7; 5000]).await.unwrap();
            let begin = Instant::now();
            while begin.elapsed() < CONFIG.segment_max_age {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(spool.stats().segments(), 2, "the one being read and the one that grows");
        sealed.files().remove(&first);
        let second = sealed.next().await.unwrap();
        assert_eq!(read(&sealed, &second).records().count(), 10);
    }

    #[tokio::test]
    async fn a_torn_tail_is_cut_and_a_new_name_is_used_after_restart() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        spool.append(b"kept".to_vec()).await.unwrap();
        spool.close().await;
        let id = sealed.next().await.unwrap();
        let path = id.path(dir.path());
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&[9, 0, 0, 0, 1, 2]).unwrap();

        let (spool, mut sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        assert_eq!(spool.stats().torn_bytes(), 6);
        let again = sealed.next().await.unwrap();
        assert_eq!(again, id);
        assert_eq!(read(&sealed, &id).records().collect::<Vec<_>>(), [b"kept"]);
        sealed.files().remove(&id);
        spool.close().await;

        let (spool, mut sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        spool.append(b"new".to_vec()).await.unwrap();
        spool.close().await;
        assert_ne!(sealed.next().await.unwrap(), id, "a token made from the name must not come back");
    }

    #[tokio::test]
    async fn a_full_spool_refuses_and_recovers() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        let record = vec![1; 60 << 10];
        let mut stored = 0;
        let refusal = loop {
            match spool.append(record.clone()).await {
                Ok(()) => stored += 1,
                Err(refusal) => break refusal,
            }
        };
        assert!(matches!(refusal, SpoolError::Full { .. }), "{refusal}");
        assert_eq!(stored, 17);
        let id = sealed.next().await.unwrap();
        sealed.files().remove(&id);
        spool.append(record).await.unwrap();
        assert!(matches!(spool.append(vec![0; 70 << 10]).await, Err(SpoolError::RecordTooLarge(_))));
    }

    #[tokio::test]
    async fn a_damaged_segment_is_set_aside_and_used_up_to_the_damage() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        spool.append(b"first".to_vec()).await.unwrap();
        spool.append(b"second".to_vec()).await.unwrap();
        spool.close().await;
        let id = sealed.next().await.unwrap();
        let path = id.path(dir.path());
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, &bytes).unwrap();

        let (spool, sealed) = Spool::open(dir.path(), CONFIG).unwrap();
        assert_eq!(spool.stats().corrupt_segments(), 1);
        assert_eq!(read(&sealed, &id).records().collect::<Vec<_>>(), [b"first"]);
        assert_eq!(std::fs::read(id.path(&dir.path().join("corrupt")).with_extension("damaged")).unwrap(), bytes);
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_tried_again_with_the_next_append() {
        let dir = tempfile::tempdir().unwrap();
        let (home, away) = (dir.path().join("spool"), dir.path().join("away"));
        let (spool, mut sealed) = Spool::open(&home, CONFIG).unwrap();
        std::fs::rename(&home, &away).unwrap();
        for _ in 0..3 {
            assert!(matches!(spool.append(b"refused".to_vec()).await, Err(SpoolError::Group(_))));
        }
        std::fs::rename(&away, &home).unwrap();
        spool.append(b"taken".to_vec()).await.unwrap();
        let id = sealed.next().await.unwrap();
        assert_eq!(read(&sealed, &id).records().collect::<Vec<_>>(), [b"taken"]);
        assert_eq!(spool.stats().write_failures(), 3);
    }

    #[tokio::test]
    async fn what_was_acknowledged_from_memory_waits_for_the_disk_within_bounds() {
        let dir = tempfile::tempdir().unwrap();
        let (home, away) = (dir.path().join("spool"), dir.path().join("away"));
        let (spool, mut sealed) = Spool::open(&home, SpoolConfig { durability: Durability::Memory, ..CONFIG }).unwrap();
        std::fs::rename(&home, &away).unwrap();
        let mut taken = 0;
        let refusal = loop {
            match spool.append(vec![taken; 10_000]).await {
                Ok(()) => taken += 1,
                Err(refusal) => break refusal,
            }
        };
        assert!(matches!(refusal, SpoolError::Full { .. }), "{refusal}");
        assert_eq!((taken, spool.stats().buffered_bytes()), (6, 6 * record_bytes(10_000)));
        std::fs::rename(&away, &home).unwrap();
        let mut read_back = Vec::new();
        while read_back.len() < 6 {
            let id = sealed.next().await.unwrap();
            read_back.extend(read(&sealed, &id).records().map(<[u8]>::to_vec));
        }
        assert_eq!(read_back, (0..6).map(|number| vec![number; 10_000]).collect::<Vec<_>>());
        assert_eq!(spool.stats().buffered_bytes(), 0);
    }

    #[tokio::test]
    async fn without_waiting_for_the_disk_a_seal_still_syncs() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut sealed) = Spool::open(dir.path(), SpoolConfig { durability: Durability::Os, ..CONFIG }).unwrap();
        for number in 0..100 {
            spool.append(vec![number]).await.unwrap();
        }
        spool.close().await;
        let mut segments = 0;
        while sealed.next().await.is_some() {
            segments += 1;
        }
        assert!(spool.stats().fsyncs() >= segments, "{} syncs", spool.stats().fsyncs());
        assert!(spool.stats().fsyncs() < 100, "{} syncs", spool.stats().fsyncs());
    }
}
