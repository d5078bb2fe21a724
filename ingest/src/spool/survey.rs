//! A look at a spool from outside, whether a service works on it or not, and the way back in for what was set aside.
//!
//! Nothing here takes the spool's lock. Reading changes nothing; what is put back is moved into `incoming/` in one step, and it is the
//! service that takes it from there.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Sealed, SegmentId, SpoolError,
    aside::{self, CORRUPT, DAMAGED, INCOMING, QUARANTINE, REFUSED},
    segment::{self, EXTENSION},
};

/// Where in the spool something is, and so what is known about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment that ClickHouse does not have yet, or the one that is written.
    Waiting,
    /// A segment put back, not yet taken by the service.
    Incoming,
    /// Lines: what ClickHouse refused of a segment.
    Refused,
    /// A whole segment in quarantine, as earlier releases left it.
    RefusedWhole,
    /// A segment that could not be read. None of it was used.
    Unreadable,
    /// A damaged segment whose part before the damage was used.
    Damaged,
}

/// A segment, or what is left of one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The segment.
    pub id: SegmentId,
    /// Where it is.
    pub place: Place,
    /// Its file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Time since it was last written.
    pub age: Duration,
}

impl Place {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Incoming, Self::Refused, Self::RefusedWhole, Self::Unreadable, Self::Damaged];

    /// One word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Incoming => "incoming",
            Self::Refused | Self::RefusedWhole => "quarantine",
            Self::Unreadable => "unreadable",
            Self::Damaged => "damaged",
        }
    }

    const fn folder_and_extension(self) -> (&'static str, &'static str) {
        match self {
            Self::Waiting => ("", EXTENSION),
            Self::Incoming => (INCOMING, EXTENSION),
            Self::Refused => (QUARANTINE, REFUSED),
            Self::RefusedWhole => (QUARANTINE, EXTENSION),
            Self::Unreadable => (CORRUPT, EXTENSION),
            Self::Damaged => (CORRUPT, DAMAGED),
        }
    }
}

/// Everything in the spool in `dir`, by place, oldest segment first.
///
/// # Errors
/// [`SpoolError::Io`] if the folder cannot be listed.
pub fn survey(dir: &Path) -> Result<Vec<Entry>, SpoolError> {
    let mut all = Vec::new();
    for place in Place::ALL {
        let (folder, extension) = place.folder_and_extension();
        let folder = dir.join(folder);
        let files = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder != dir.join("") => continue,
            files => files.map_err(SpoolError::io("list", &folder))?,
        };
        let mut found = files.filter_map(|file| entry(file.ok()?.path(), place, extension)).collect::<Vec<_>>();
        found.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        all.extend(found);
    }
    Ok(all)
}

fn entry(path: PathBuf, place: Place, extension: &str) -> Option<Entry> {
    if path.extension()? != extension {
        return None;
    }
    let id = SegmentId::parse(path.file_stem()?.to_str()?)?;
    let bytes = fs::metadata(&path).ok()?.len();
    Some(Entry { id, place, bytes, age: segment::age(&path), path })
}

impl Entry {
    /// Reads a segment; what is behind its first damage is left out. `None` if it has gone meanwhile.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn read(&self) -> Result<Option<Sealed>, SpoolError> {
        unless_gone(segment::read(&self.path))
    }

    /// Reads the lines of [`Place::Refused`]. `None` if they have gone meanwhile.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn read_lines(&self) -> Result<Option<String>, SpoolError> {
        unless_gone(fs::read_to_string(&self.path).map_err(SpoolError::io("read", &self.path)))
    }

    /// Writes the lines of [`Place::Refused`] anew, or removes the file if none is left. Durable on return.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn keep_lines(&self, lines: &[&str]) -> Result<(), SpoolError> {
        if lines.is_empty() {
            return fs::remove_file(&self.path).map_err(SpoolError::io("remove", &self.path));
        }
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
        aside::write_whole(&self.path, text.as_bytes())
    }

    /// Whether the segment is still in the spool in `dir`: then the writer is not done with it.
    pub fn still_waits(&self, dir: &Path) -> bool {
        self.place != Place::Waiting && self.id.path(dir).exists()
    }

    /// Puts these records, made of this entry, into the spool in `dir` as a new segment and removes the entry. The new segment's name
    /// follows from the entry and the records: if this is cut short and done again, it is the same segment.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn put_back_as(&self, dir: &Path, records: &[Vec<u8>]) -> Result<SegmentId, SpoolError> {
        let id = aside::write_incoming(dir, &self.id.to_string(), records)?;
        fs::remove_file(&self.path).map_err(SpoolError::io("remove", &self.path))?;
        Ok(id)
    }

    /// Puts a whole segment back into the spool in `dir` under its own name.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn put_back(&self, dir: &Path) -> Result<(), SpoolError> {
        aside::move_whole_to_incoming(dir, &self.path, &self.id)
    }
}

fn unless_gone<T>(read: Result<T, SpoolError>) -> Result<Option<T>, SpoolError> {
    match read {
        Err(SpoolError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// A new file for records taken out of a spool. One that exists is not overwritten.
///
/// # Errors
/// [`SpoolError::Io`].
pub fn export_file(path: &Path) -> Result<impl Write + use<>, SpoolError> {
    fs::File::create_new(path).map(io::BufWriter::new).map_err(SpoolError::io("make", path))
}
