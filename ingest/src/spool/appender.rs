//! The one thread that writes: it gathers waiting appends, writes them in one go, syncs once and answers all.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use super::{
    Command, SpoolConfig, SpoolError, SpoolStats,
    format::{MAGIC, encode, record_bytes},
    segment::{SegmentId, sync_dir},
};

/// Most bytes written before one sync; keeps the wait of the first append of a group short.
const GROUP_MAX_BYTES: usize = 4 << 20;

pub(super) struct Appender {
    dir: PathBuf,
    config: SpoolConfig,
    next_number: u64,
    open: Option<OpenSegment>,
    sealed: mpsc::UnboundedSender<SegmentId>,
    stats: Arc<SpoolStats>,
    /// Held as long as anything may be written.
    lock: File,
}

struct OpenSegment {
    id: SegmentId,
    file: File,
    /// Everything up to here is synced.
    bytes: u64,
    since: Instant,
}

type Reply = oneshot::Sender<Result<(), SpoolError>>;

impl Appender {
    pub(super) fn new(
        dir: PathBuf,
        config: SpoolConfig,
        next_number: u64,
        sealed: mpsc::UnboundedSender<SegmentId>,
        stats: Arc<SpoolStats>,
        lock: File,
    ) -> Self {
        Self { dir, config, next_number, open: None, sealed, stats, lock }
    }

    /// Works until the spool is closed or dropped.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
        let mut group = Vec::new();
        loop {
            let first = runtime.block_on(async {
                match self.rest() {
                    Some(rest) => tokio::time::timeout(rest, inbox.recv()).await.map_err(|_| Due),
                    None => Ok(inbox.recv().await),
                }
            });
            let closing = match first {
                Err(Due) => {
                    self.seal();
                    continue;
                }
                Ok(None) => Closing::Yes(None),
                Ok(Some(command)) => gather(command, &mut inbox, &mut group),
            };
            self.commit(&mut group);
            let is_full = self.open.as_ref().is_some_and(|open| open.bytes >= self.config.segment_max_bytes);
            if is_full || self.rest().is_some_and(|rest| rest.is_zero()) {
                self.seal();
            }
            if let Closing::Yes(reply) = closing {
                self.seal();
                inbox.close();
                drop(self.lock);
                if let Some(reply) = reply {
                    let _ = reply.send(());
                }
                return;
            }
        }
    }

    /// How long the open segment may still be open; absent if there is none, or if the reader has others to work on.
    fn rest(&self) -> Option<Duration> {
        let open = self.open.as_ref()?;
        let reader_waits = self.stats.segments() <= 1;
        reader_waits.then(|| self.config.segment_max_age.saturating_sub(open.since.elapsed()))
    }

    fn seal(&mut self) {
        if let Some(open) = self.open.take() {
            let _ = self.sealed.send(open.id);
        }
    }

    /// Writes and syncs a group, then answers every append in it.
    fn commit(&mut self, group: &mut Vec<(Vec<u8>, Reply)>) {
        let mut bytes = Vec::new();
        let mut replies = Vec::with_capacity(group.len());
        let used = self.stats.bytes();
        for (record, reply) in group.drain(..) {
            match self.admit(&record, used + bytes.len() as u64) {
                Ok(()) => {
                    encode(&record, &mut bytes);
                    replies.push(reply);
                }
                Err(refusal) => {
                    let _ = reply.send(Err(refusal));
                }
            }
        }
        if replies.is_empty() {
            return;
        }
        match self.write(&bytes) {
            Ok(()) => {
                for reply in replies {
                    let _ = reply.send(Ok(()));
                }
            }
            Err(failure) => {
                tracing::error!(error = %failure, appends = replies.len(), "spool write failed; the beacons were refused");
                let text = failure.to_string();
                for reply in replies {
                    let _ = reply.send(Err(SpoolError::Group(text.clone())));
                }
            }
        }
    }

    fn admit(&self, record: &[u8], used: u64) -> Result<(), SpoolError> {
        let needed = record_bytes(record.len());
        if needed + MAGIC.len() as u64 > self.config.segment_max_bytes {
            Err(SpoolError::RecordTooLarge(record.len()))
        } else if used + needed + MAGIC.len() as u64 > self.config.max_bytes {
            Err(SpoolError::Full { used, limit: self.config.max_bytes })
        } else {
            Ok(())
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let path = open.id.path(&self.dir);
        let written = open
            .file
            .write_all(bytes)
            .map_err(SpoolError::io("write to", &path))
            .and_then(|()| open.file.sync_data().map_err(SpoolError::io("sync", &path)));
        match written {
            Ok(()) => {
                open.bytes += bytes.len() as u64;
                self.stats.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                self.stats.fsyncs.fetch_add(1, Ordering::Relaxed);
                self.open = Some(open);
                Ok(())
            }
            Err(failure) => {
                // After a failed sync nobody knows what is on disk. Cut back to what was synced and never write to this file again.
                if let Err(error) = open.file.set_len(open.bytes).and_then(|()| open.file.sync_data()) {
                    tracing::error!(segment = %open.id, %error, "cannot cut a failed write off; the next start will");
                }
                let _ = self.sealed.send(open.id);
                Err(failure)
            }
        }
    }

    fn begin(&mut self) -> Result<OpenSegment, SpoolError> {
        let id = SegmentId::new(self.next_number);
        let path = id.path(&self.dir);
        let opened = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(SpoolError::io("make", &path))
            .and_then(|mut file| file.write_all(MAGIC).map(|()| file).map_err(SpoolError::io("write to", &path)))
            .and_then(|file| sync_dir(&self.dir).map(|()| file));
        let file = opened.inspect_err(|_| {
            let _ = std::fs::remove_file(&path);
        })?;
        self.next_number += 1;
        self.stats.segments.fetch_add(1, Ordering::Relaxed);
        self.stats.bytes.fetch_add(MAGIC.len() as u64, Ordering::Relaxed);
        Ok(OpenSegment { id, file, bytes: MAGIC.len() as u64, since: Instant::now() })
    }
}

/// The open segment has reached its age.
struct Due;

enum Closing {
    No,
    Yes(Option<oneshot::Sender<()>>),
}

/// Takes what is waiting, up to a group's size. Stops at a close.
fn gather(first: Command, inbox: &mut mpsc::Receiver<Command>, group: &mut Vec<(Vec<u8>, Reply)>) -> Closing {
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(command) = next {
        match command {
            Command::Append(record, reply) => {
                bytes += record.len();
                group.push((record, reply));
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
    use crate::spool::{SealedSegments, Spool};

    const CONFIG: SpoolConfig =
        SpoolConfig { max_bytes: 1 << 20, segment_max_bytes: 64 << 10, segment_max_age: Duration::from_millis(20) };

    async fn drain(mut sealed: SealedSegments) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        while let Some(id) = sealed.next().await {
            records.extend(sealed.read(&id).unwrap().records().map(<[u8]>::to_vec));
            sealed.remove(&id).unwrap();
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
        sealed.remove(&first).unwrap();
        let second = sealed.next().await.unwrap();
        assert_eq!(sealed.read(&second).unwrap().records().count(), 10);
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
        assert_eq!(sealed.read(&id).unwrap().records().collect::<Vec<_>>(), [b"kept"]);
        sealed.remove(&id).unwrap();
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
        sealed.remove(&id).unwrap();
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
        assert_eq!(sealed.read(&id).unwrap().records().collect::<Vec<_>>(), [b"first"]);
        assert_eq!(std::fs::read(id.path(&dir.path().join("corrupt"))).unwrap(), bytes);
    }
}
