//! Segments as files: naming, recovery after a crash, reading.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    hash::Hasher as _,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::{Duration, UNIX_EPOCH},
};

use siphasher::sip::SipHasher13;

use super::{
    SpoolError, SpoolStats,
    aside::{self, CORRUPT},
    format::{End, MAGIC, Scan, scan},
};
use crate::clock;

pub(super) const EXTENSION: &str = "spool";
/// A segment that is being made; one left over from a crash is nothing.
const UNFINISHED: &str = "new";

/// Names a segment for ever: a number that orders it and 64 bits that keep the name from coming back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId {
    number: u64,
    random: u64,
}

impl SegmentId {
    pub(super) fn new(number: u64) -> Self {
        Self { number, random: rand::random() }
    }

    /// The name of a segment made outside of the running order: it follows from `origin` and the bytes, so that the same bytes from the
    /// same origin can be put into the spool again without becoming another segment.
    pub(super) fn derived(origin: &str, bytes: &[u8]) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write_usize(origin.len());
        hasher.write(origin.as_bytes());
        hasher.write(bytes);
        Self { number: 0, random: hasher.finish() }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{self}.{EXTENSION}"))
    }

    pub(super) fn of_file(path: &Path) -> Option<Self> {
        if path.extension()? != EXTENSION {
            return None;
        }
        Self::parse(path.file_stem()?.to_str()?)
    }

    /// The id a text stands for, as [`fmt::Display`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, random) = text.split_once('-')?;
        Some(Self { number: number.parse().ok()?, random: u64::from_str_radix(random, 16).ok()? })
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:012}-{:016x}", self.number, self.random)
    }
}

/// A segment in memory.
#[derive(Debug)]
pub struct Sealed {
    bytes: Vec<u8>,
    scan: Scan,
}

impl Sealed {
    /// The records, in the order they were appended.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.scan.payloads.iter().map(|range| &self.bytes[range.clone()])
    }

    /// Size on disk.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes behind the last sound record.
    pub fn unsound_bytes(&self) -> usize {
        self.bytes.len() - self.scan.sound_bytes
    }

    pub(super) fn is_segment(&self) -> bool {
        self.scan.sound_bytes >= MAGIC.len()
    }
}

/// Takes the folder for this process, making it if needed. The lock lives as long as the file.
pub(super) fn lock(dir: &Path) -> Result<File, SpoolError> {
    fs::create_dir_all(dir).map_err(SpoolError::io("make the folder", dir))?;
    let path = dir.join("lock");
    let opened = match OpenOptions::new().create(true).truncate(false).write(true).open(&path) {
        // What waits can still be read, and the disk may take records again later.
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => File::open(&path),
        opened => opened,
    };
    let file = opened.map_err(SpoolError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(SpoolError::InUse(dir.into())),
        Err(fs::TryLockError::Error(source)) => Err(SpoolError::io("lock", &path)(source)),
    }
}

/// Makes a segment with nothing but its header, so that a shorter file is damage and not a crash in this function.
pub(super) fn make(dir: &Path, id: &SegmentId) -> Result<File, SpoolError> {
    let path = id.path(dir);
    let unfinished = path.with_extension(UNFINISHED);
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(MAGIC).and_then(|()| file.sync_data()).map(|()| file))
        .and_then(|file| fs::rename(&unfinished, &path).map(|()| file))
        .map_err(SpoolError::io("make", &path))
        .and_then(|file| sync_dir(dir).map(|()| file))
        .inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
            let _ = fs::remove_file(&path);
        })
}

/// Finds the segments of `dir`, oldest first, and repairs them. Empty ones are removed; one that cannot be used is set aside.
pub(super) fn recover(dir: &Path, stats: &SpoolStats) -> Result<Vec<SegmentId>, SpoolError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(SpoolError::io("list", dir))?.filter_map(Result::ok) {
        if let Some(id) = SegmentId::of_file(&entry.path()) {
            found.push(id);
        } else if entry.path().extension().is_some_and(|extension| extension == UNFINISHED) {
            let _ = fs::remove_file(entry.path());
        }
    }
    found.sort_unstable();
    let newest = found.last().cloned();
    found.retain(|id| match repair(dir, id, newest.as_ref(), stats) {
        Ok(bytes) if bytes > MAGIC.len() as u64 => {
            stats.begun(id.clone(), bytes, age(&id.path(dir)));
            true
        }
        Ok(_) => {
            aside::discard(dir, id);
            false
        }
        Err(error) => {
            stats.unreadable_segments.fetch_add(1, Ordering::Relaxed);
            aside::pass_over(dir, id, &error);
            false
        }
    });
    let _ = sync_dir(dir);
    Ok(found)
}

/// Cuts a half-written record off, keeps what is damaged, and returns the bytes that can be used. Only the newest segment was being
/// written; one before it that ends within a record is damaged.
fn repair(dir: &Path, id: &SegmentId, newest: Option<&SegmentId>, stats: &SpoolStats) -> Result<u64, SpoolError> {
    let path = id.path(dir);
    let sealed = read(&path)?;
    let sound_bytes = sealed.scan.sound_bytes as u64;
    let damaged = || stats.corrupt_segments.fetch_add(1, Ordering::Relaxed);
    if !sealed.is_segment() {
        aside::move_to(dir, id, CORRUPT)?;
        damaged();
        tracing::error!(segment = %id, bytes = sealed.bytes(), "spool segment has no header of ours; moved to {CORRUPT}/");
    } else if sealed.scan.end == End::Corrupt || sealed.scan.end == End::Torn && newest != Some(id) {
        aside::keep_damaged(dir, id)?;
        damaged();
        tracing::error!(segment = %id, sound_bytes, "spool segment is damaged; kept in {CORRUPT}/, using the part before the damage");
    } else if sealed.scan.end == End::Torn {
        stats.torn_bytes.fetch_add(sealed.unsound_bytes() as u64, Ordering::Relaxed);
        let cut =
            OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(sound_bytes).and_then(|()| file.sync_all()));
        if let Err(error) = cut {
            tracing::warn!(segment = %id, %error, "cannot cut a half-written record off; passing over it");
        }
    }
    Ok(if sealed.is_segment() { sound_bytes } else { 0 })
}

/// Reads what is sound in a file.
pub(super) fn read(path: &Path) -> Result<Sealed, SpoolError> {
    read_up_to(path, None)
}

/// Reads what is sound in the first bytes of a file, or in all of them.
pub(super) fn read_up_to(path: &Path, limit: Option<u64>) -> Result<Sealed, SpoolError> {
    let mut bytes = fs::read(path).map_err(SpoolError::io("read", path))?;
    if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
        bytes.truncate(limit);
    }
    let scan = scan(&bytes);
    Ok(Sealed { bytes, scan })
}

/// Time since a file was last written; 0 if unknown.
pub(super) fn age(path: &Path) -> Duration {
    let written = fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    written.map_or(Duration::ZERO, |written| Duration::from_millis(clock::now_ms()).saturating_sub(written))
}

/// Makes new and removed names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), SpoolError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(SpoolError::io("sync", dir))
}
