//! Segments as files: naming, recovery after a crash, reading, removal.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use super::{
    SpoolError, SpoolStats,
    format::{End, MAGIC, Scan, scan},
};

const EXTENSION: &str = "spool";

/// Names a segment for ever: a number that orders it and 64 random bits that keep the name from coming back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId {
    number: u64,
    random: u64,
}

impl SegmentId {
    pub(super) fn new(number: u64) -> Self {
        Self { number, random: rand::random() }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{self}.{EXTENSION}"))
    }

    fn parse(path: &Path) -> Option<Self> {
        if path.extension()? != EXTENSION {
            return None;
        }
        let (number, random) = path.file_stem()?.to_str()?.split_once('-')?;
        Some(Self { number: number.parse().ok()?, random: u64::from_str_radix(random, 16).ok()? })
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:012}-{:016x}", self.number, self.random)
    }
}

/// A sealed segment in memory.
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
}

/// Takes the folder for this process, making it if needed. The lock lives as long as the file.
pub(super) fn lock(dir: &Path) -> Result<File, SpoolError> {
    fs::create_dir_all(dir).map_err(SpoolError::io("make the folder", dir))?;
    let path = dir.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(SpoolError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(SpoolError::InUse(dir.into())),
        Err(fs::TryLockError::Error(source)) => Err(SpoolError::io("lock", &path)(source)),
    }
}

/// Finds the segments of `dir`, oldest first, and repairs them. Empty ones are removed.
pub(super) fn recover(dir: &Path, stats: &SpoolStats) -> Result<Vec<SegmentId>, SpoolError> {
    let mut found = fs::read_dir(dir)
        .map_err(SpoolError::io("list", dir))?
        .filter_map(|entry| SegmentId::parse(&entry.ok()?.path()))
        .collect::<Vec<_>>();
    found.sort_unstable();
    let mut kept = Vec::with_capacity(found.len());
    for id in found {
        let bytes = repair(dir, &id, stats)?;
        if bytes > MAGIC.len() as u64 {
            stats.bytes.fetch_add(bytes, Ordering::Relaxed);
            stats.segments.fetch_add(1, Ordering::Relaxed);
            kept.push(id);
        } else {
            fs::remove_file(id.path(dir)).map_err(SpoolError::io("remove", &id.path(dir)))?;
        }
    }
    sync_dir(dir)?;
    Ok(kept)
}

/// Cuts a segment back to its sound part and returns the bytes left.
fn repair(dir: &Path, id: &SegmentId, stats: &SpoolStats) -> Result<u64, SpoolError> {
    let path = id.path(dir);
    let sealed = read(dir, id)?;
    let Scan { sound_bytes, end, .. } = sealed.scan;
    if end == End::Corrupt {
        let aside = dir.join("corrupt");
        fs::create_dir_all(&aside).map_err(SpoolError::io("make the folder", &aside))?;
        let copy = id.path(&aside);
        fs::copy(&path, &copy).map_err(SpoolError::io("copy a damaged segment to", &copy))?;
        stats.corrupt_segments.fetch_add(1, Ordering::Relaxed);
        tracing::error!(segment = %id, sound_bytes, copy = %copy.display(), "spool segment is damaged; using the part before the damage");
    }
    if end != End::Clean {
        let cut = (sealed.bytes.len() - sound_bytes) as u64;
        stats.torn_bytes.fetch_add(cut, Ordering::Relaxed);
        let file = OpenOptions::new().write(true).open(&path).map_err(SpoolError::io("open", &path))?;
        file.set_len(sound_bytes as u64).map_err(SpoolError::io("truncate", &path))?;
        file.sync_all().map_err(SpoolError::io("sync", &path))?;
    }
    Ok(sound_bytes as u64)
}

pub(super) fn read(dir: &Path, id: &SegmentId) -> Result<Sealed, SpoolError> {
    let path = id.path(dir);
    let bytes = fs::read(&path).map_err(SpoolError::io("read", &path))?;
    let scan = scan(&bytes);
    Ok(Sealed { bytes, scan })
}

pub(super) fn remove(dir: &Path, id: &SegmentId, stats: &SpoolStats) -> Result<(), SpoolError> {
    let path = id.path(dir);
    let bytes = fs::metadata(&path).map_err(SpoolError::io("look at", &path))?.len();
    fs::remove_file(&path).map_err(SpoolError::io("remove", &path))?;
    released(bytes, stats);
    Ok(())
}

pub(super) fn quarantine(dir: &Path, id: &SegmentId, stats: &SpoolStats) -> Result<PathBuf, SpoolError> {
    let path = id.path(dir);
    let aside = dir.join("quarantine");
    fs::create_dir_all(&aside).map_err(SpoolError::io("make the folder", &aside))?;
    let bytes = fs::metadata(&path).map_err(SpoolError::io("look at", &path))?.len();
    let target = id.path(&aside);
    fs::rename(&path, &target).map_err(SpoolError::io("move a segment to", &target))?;
    sync_dir(&aside)?;
    sync_dir(dir)?;
    released(bytes, stats);
    Ok(target)
}

fn released(bytes: u64, stats: &SpoolStats) {
    // A failed write may have left more in the file than was counted.
    let _ = stats.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(bytes)));
    let _ = stats.segments.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(1)));
}

/// Makes new and removed names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), SpoolError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(SpoolError::io("sync", dir))
}
