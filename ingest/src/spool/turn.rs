//! Whose turn it is: the writer's, which moves segments into ClickHouse, or that of a command that needs the tables to stand still.
//!
//! The writer takes a turn for each segment, several at a time, and keeps it until the segment is stored whole. A command takes all turns at
//! once: it waits until no segment is half stored, and keeps new ones from being begun. Both are locks of files, so they end with
//! the process that holds them.

use std::{
    fs::{File, OpenOptions, TryLockError, create_dir_all},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::SpoolError;

/// Whoever waits for all turns holds this, so that it is not overtaken for ever.
const GATE: &str = "gate.lock";
const TURNS: &str = "turns.lock";
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Not all turns could be had.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// A segment is half stored, and stays so.
    #[error("the writer has not finished its segments within {} s; its log says why. Try again when it has", .0.as_secs())]
    Busy(Duration),
    /// The disk refused.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// The turns of one spool.
#[derive(Clone, Debug)]
pub struct Turns {
    dir: PathBuf,
}

/// A turn, or all of them; given back when dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held for their locks")] Vec<File>);

impl Turns {
    /// The turns of the spool in this folder.
    pub fn of(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    /// One turn. A disk that can hold no lock gives it at once: beacons must go on.
    pub async fn one(&self) -> Turn {
        let (Ok(gate), Ok(turns)) = (self.open(GATE), self.open(TURNS)) else { return Turn(Vec::new()) };
        loop {
            match gate.try_lock_shared().and_then(|()| turns.try_lock_shared()) {
                Ok(()) => return Turn(vec![turns]),
                Err(TryLockError::Error(_)) => return Turn(Vec::new()),
                Err(TryLockError::WouldBlock) => drop(gate.unlock()),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// All turns.
    ///
    /// # Errors
    /// [`TurnError::Busy`] if others kept theirs for as long as `patience`, or what the disk says.
    pub async fn all(&self, patience: Duration) -> Result<Turn, TurnError> {
        let begin = Instant::now();
        create_dir_all(&self.dir).map_err(SpoolError::io("make the folder", &self.dir))?;
        let files = [GATE, TURNS].map(|name| self.open(name).map_err(SpoolError::io("open", &self.dir.join(name))));
        let mut held = Vec::new();
        for file in files {
            let file = file?;
            loop {
                match file.try_lock() {
                    Ok(()) => break,
                    Err(TryLockError::Error(error)) => return Err(SpoolError::io("lock", &self.dir)(error).into()),
                    Err(TryLockError::WouldBlock) if begin.elapsed() > patience => return Err(TurnError::Busy(patience)),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK_EVERY).await,
                }
            }
            held.push(file);
        }
        Ok(Turn(held))
    }

    fn open(&self, name: &str) -> std::io::Result<File> {
        let path = self.dir.join(name);
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).or_else(|_| File::open(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_turns_wait_for_each_and_keep_new_ones_back() {
        let dir = tempfile::tempdir().unwrap();
        let turns = Turns::of(dir.path());
        let (first, second) = (turns.one().await, turns.one().await);
        assert!(matches!(turns.all(Duration::ZERO).await, Err(TurnError::Busy(_))));
        drop(first);
        assert!(matches!(turns.all(Duration::ZERO).await, Err(TurnError::Busy(_))));
        drop(second);
        let all = turns.all(Duration::ZERO).await.unwrap();
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { turns.one().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(all);
        drop(waiting.await.unwrap());
        turns.all(Duration::ZERO).await.unwrap();
    }
}
