//! The folders beside the segments: what cannot be used, what ClickHouse refused, what an operator puts back.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{
    SegmentId, SpoolError,
    format::{MAGIC, encode},
    segment::{EXTENSION, sync_dir},
};

/// Damaged and unreadable segments.
pub(super) const CORRUPT: &str = "corrupt";
/// What ClickHouse refused.
pub(super) const QUARANTINE: &str = "quarantine";
/// Whole segments for the service to take.
pub(super) const INCOMING: &str = "incoming";
/// In [`CORRUPT`]: a segment whose part before the damage was used.
pub(super) const DAMAGED: &str = "damaged";
/// In [`QUARANTINE`]: JSON lines.
pub(super) const REFUSED: &str = "jsonl";
/// Beside a segment: what was decided about its blocks.
const DECISIONS: &str = "decisions";

/// Moves a segment into a folder beside it.
pub(super) fn move_to(dir: &Path, id: &SegmentId, folder: &str) -> Result<PathBuf, SpoolError> {
    let aside = folder_in(dir, folder)?;
    let target = id.path(&aside);
    fs::rename(id.path(dir), &target).map_err(SpoolError::io("move a segment to", &target))?;
    sync_dir(&aside)?;
    sync_dir(dir)?;
    Ok(target)
}

/// Gives a damaged segment a second name that stays when the segment is removed. Takes no space.
pub(super) fn keep_damaged(dir: &Path, id: &SegmentId) -> Result<(), SpoolError> {
    let target = id.path(&folder_in(dir, CORRUPT)?).with_extension(DAMAGED);
    match fs::hard_link(id.path(dir), &target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => fs::copy(id.path(dir), &target).map(drop).map_err(SpoolError::io("copy a damaged segment to", &target)),
        Ok(()) => Ok(()),
    }
}

/// Moves a segment that cannot be used out of the way; if even that fails it stays, and the next start looks at it again.
pub(super) fn pass_over(dir: &Path, id: &SegmentId, error: &SpoolError) {
    match move_to(dir, id, CORRUPT) {
        Ok(path) => tracing::error!(segment = %id, %error, path = %path.display(), "spool segment cannot be read; set aside"),
        Err(in_the_way) => {
            tracing::error!(segment = %id, %error, %in_the_way, "spool segment cannot be read; passed over until the next start");
        }
    }
}

/// Removes an empty segment, if it can be.
pub(super) fn discard(dir: &Path, id: &SegmentId) {
    let _ = fs::remove_file(id.path(dir));
    let _ = fs::remove_file(decisions(dir, id));
}

/// Removes a segment and what was decided about it. One that is gone is fine.
pub(super) fn remove(dir: &Path, id: &SegmentId) -> Result<(), SpoolError> {
    for path in [id.path(dir), decisions(dir, id)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(SpoolError::io("remove", &path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// The lines decided about a segment so far; the last one may be cut short.
pub(super) fn read_decisions(dir: &Path, id: &SegmentId) -> Result<String, SpoolError> {
    let path = decisions(dir, id);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(SpoolError::io("read", &path)),
    }
}

/// Adds a line to what was decided about a segment. It is on disk when this returns.
pub(super) fn decide(dir: &Path, id: &SegmentId, line: &str) -> Result<(), SpoolError> {
    let path = decisions(dir, id);
    // The break comes first: behind a line that was cut short by a crash.
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("\n{line}\n").as_bytes()).and_then(|()| file.sync_data()))
        .map_err(SpoolError::io("write to", &path))?;
    sync_dir(dir)
}

/// Writes what ClickHouse refused of a segment, all or nothing.
pub(super) fn write_refused(dir: &Path, id: &SegmentId, lines: &[u8]) -> Result<PathBuf, SpoolError> {
    let path = id.path(&folder_in(dir, QUARANTINE)?).with_extension(REFUSED);
    write_whole(&path, lines)?;
    Ok(path)
}

/// Puts a segment with these records into [`INCOMING`], for a service that runs or will run.
pub(super) fn write_incoming(dir: &Path, origin: &str, records: &[Vec<u8>]) -> Result<SegmentId, SpoolError> {
    let mut bytes = MAGIC.to_vec();
    for record in records {
        encode(record, &mut bytes);
    }
    let id = SegmentId::derived(origin, &bytes);
    write_whole(&id.path(&folder_in(dir, INCOMING)?), &bytes)?;
    Ok(id)
}

/// Moves a whole segment from another folder to [`INCOMING`].
pub(super) fn move_whole_to_incoming(dir: &Path, from: &Path, id: &SegmentId) -> Result<(), SpoolError> {
    let incoming = folder_in(dir, INCOMING)?;
    let target = id.path(&incoming);
    fs::rename(from, &target).map_err(SpoolError::io("move a segment to", &target))?;
    sync_dir(&incoming)
}

/// Takes a segment from [`INCOMING`] into the spool.
pub(super) fn adopt(dir: &Path) -> Result<Option<SegmentId>, SpoolError> {
    let incoming = dir.join(INCOMING);
    let Ok(entries) = fs::read_dir(&incoming) else { return Ok(None) };
    for id in entries.filter_map(|entry| SegmentId::of_file(&entry.ok()?.path())) {
        let (from, to) = (id.path(&incoming), id.path(dir));
        if to.exists() {
            // The same name has the same bytes; it waits already.
            fs::remove_file(&from).map_err(SpoolError::io("remove", &from))?;
            continue;
        }
        fs::rename(&from, &to).map_err(SpoolError::io("move a segment to", &to))?;
        sync_dir(dir)?;
        return Ok(Some(id));
    }
    Ok(None)
}

fn decisions(dir: &Path, id: &SegmentId) -> PathBuf {
    id.path(dir).with_extension(DECISIONS)
}

fn folder_in(dir: &Path, name: &str) -> Result<PathBuf, SpoolError> {
    let folder = dir.join(name);
    if !folder.is_dir() {
        fs::create_dir_all(&folder).map_err(SpoolError::io("make the folder", &folder))?;
        sync_dir(dir)?;
    }
    Ok(folder)
}

pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), SpoolError> {
    let unfinished = path.with_extension(format!("{EXTENSION}-new"));
    let mut file = fs::File::create(&unfinished).map_err(SpoolError::io("make", &unfinished))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(SpoolError::io("write", path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
        })?;
    path.parent().map_or(Ok(()), sync_dir)
}
