//! A journal beside the segments: small notes that are to outlive the segments they are about, for a while.
//!
//! Notes go to files that are closed after an eighth of the time they are kept, and removed whole. Each start begins a new file, so that
//! nothing is ever written behind a note that a crash cut short.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    SpoolError,
    format::{MAGIC, encode},
    segment::{age, read, sync_dir},
};

/// In the spool's folder.
const FOLDER: &str = "journal";
const EXTENSION: &str = "journal";
/// Files that cover the time notes are kept.
const FILES: u32 = 8;
/// A file is closed at this size too.
const FILE_MAX_BYTES: u64 = 16 << 20;
/// Most bytes of notes held in memory while the disk refuses them; beyond them the oldest are given up.
const HELD_MAX_BYTES: usize = 16 << 20;

/// Durable notes of a limited time.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    keep: Duration,
    state: Mutex<State>,
    failures: AtomicU64,
}

#[derive(Debug)]
struct State {
    next_number: u64,
    open: Option<OpenFile>,
    /// Notes the disk has refused, oldest first.
    held: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    path: PathBuf,
    bytes: u64,
    since: Instant,
}

impl Journal {
    /// Opens the journal in a spool's folder, which is made with the first note, and reads the notes that are not older than `keep`,
    /// oldest first. What cannot be read is passed over and reported.
    pub fn open(spool: &Path, keep: Duration) -> (Self, Vec<Vec<u8>>) {
        let dir = spool.join(FOLDER);
        let mut files = numbered(&dir).unwrap_or_else(|error| {
            tracing::error!(%error, "starting without the journal");
            Vec::new()
        });
        files.sort_unstable();
        let next_number = files.last().map_or(1, |(number, _)| number + 1);
        let mut notes = Vec::new();
        for (_, path) in files.iter().filter(|(_, path)| age(path) < keep) {
            match read(path) {
                Ok(sealed) => notes.extend(sealed.records().map(<[u8]>::to_vec)),
                Err(error) => tracing::error!(%error, "passing over a journal file that cannot be read"),
            }
        }
        let state = Mutex::new(State { next_number, open: None, held: Vec::new() });
        (Self { dir, keep, state, failures: AtomicU64::new(0) }, notes)
    }

    /// Adds a note; it is on disk when this returns. After an error the note is held and tried again with the next one.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn append(&self, note: Vec<u8>) -> Result<(), SpoolError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held.push(note);
        state.write(&self.dir, self.keep / FILES).inspect(|()| self.remove_old(&state)).inspect_err(|_| {
            self.failures.fetch_add(1, Ordering::Relaxed);
            state.bound();
        })
    }

    /// Notes that the disk refused at first.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// A file that cannot be removed is tried again the next time.
    fn remove_old(&self, state: &State) {
        let open = state.open.as_ref().map(|open| &open.path);
        for (_, path) in numbered(&self.dir).unwrap_or_default() {
            if Some(&path) != open && age(&path) >= self.keep {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

impl State {
    fn write(&mut self, dir: &Path, file_age: Duration) -> Result<(), SpoolError> {
        let mut open = match self.open.take().filter(|open| open.bytes < FILE_MAX_BYTES && open.since.elapsed() < file_age) {
            Some(open) => open,
            None => self.begin(dir)?,
        };
        let mut bytes = Vec::new();
        self.held.iter().for_each(|note| encode(note, &mut bytes));
        // After a failure nobody knows what is on disk: nothing more goes to this file.
        open.file.write_all(&bytes).and_then(|()| open.file.sync_data()).map_err(SpoolError::io("write to", &open.path))?;
        open.bytes += bytes.len() as u64;
        self.held.clear();
        self.open = Some(open);
        Ok(())
    }

    fn begin(&mut self, dir: &Path) -> Result<OpenFile, SpoolError> {
        fs::create_dir_all(dir).map_err(SpoolError::io("make the folder", dir))?;
        let path = dir.join(format!("{:012}.{EXTENSION}", self.next_number));
        self.next_number += 1;
        let mut file = OpenOptions::new().append(true).create_new(true).open(&path).map_err(SpoolError::io("make", &path))?;
        file.write_all(MAGIC).map_err(SpoolError::io("write to", &path))?;
        sync_dir(dir)?;
        Ok(OpenFile { file, path, bytes: 0, since: Instant::now() })
    }

    fn bound(&mut self) {
        while self.held.iter().map(Vec::len).sum::<usize>() > HELD_MAX_BYTES {
            self.held.remove(0);
        }
    }
}

fn numbered(dir: &Path) -> Result<Vec<(u64, PathBuf)>, SpoolError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(SpoolError::io("list", dir))?,
    };
    let files = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let number = path.extension().is_some_and(|extension| extension == EXTENSION).then_some(path.file_stem()?)?;
        Some((number.to_str()?.parse().ok()?, path))
    });
    Ok(files.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn notes(dir: &Path) -> Vec<Vec<u8>> {
        Journal::open(dir, HOUR).1
    }

    #[test]
    fn notes_are_read_back_after_every_start() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..4_u8 {
            let (journal, found) = Journal::open(dir.path(), HOUR);
            assert_eq!(found, (0..number).flat_map(|number| [vec![number], vec![number; 9]]).collect::<Vec<_>>());
            journal.append(vec![number]).unwrap();
            journal.append(vec![number; 9]).unwrap();
        }
    }

    #[test]
    fn a_note_that_was_cut_short_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(dir.path(), HOUR);
        journal.append(b"whole".to_vec()).unwrap();
        journal.append(b"cut".to_vec()).unwrap();
        let (_, path) = numbered(&dir.path().join(FOLDER)).unwrap().remove(0);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let (journal, found) = Journal::open(dir.path(), HOUR);
        assert_eq!(found, [b"whole"]);
        journal.append(b"next".to_vec()).unwrap();
        assert_eq!(notes(dir.path()), [&b"whole"[..], b"next"]);
    }

    #[test]
    fn old_files_are_not_read_and_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(dir.path(), HOUR);
        journal.append(b"old".to_vec()).unwrap();
        let (_, path) = numbered(&dir.path().join(FOLDER)).unwrap().remove(0);
        let long_ago = std::time::SystemTime::now() - 2 * HOUR;
        File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        let (journal, found) = Journal::open(dir.path(), HOUR);
        assert!(found.is_empty() && path.exists());
        journal.append(b"new".to_vec()).unwrap();
        assert!(!path.exists());
        assert_eq!(notes(dir.path()), [b"new"]);
    }

    #[test]
    fn what_the_disk_refuses_is_written_with_the_next_note() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(dir.path(), HOUR);
        let folder = dir.path().join(FOLDER);
        fs::write(&folder, "in the way").unwrap();
        journal.append(b"first".to_vec()).unwrap_err();
        fs::remove_file(&folder).unwrap();
        journal.append(b"second".to_vec()).unwrap();
        assert_eq!(journal.failures(), 1);
        assert_eq!(notes(dir.path()), [&b"first"[..], b"second"]);
    }
}
