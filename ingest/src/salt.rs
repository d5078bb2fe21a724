//! The secret of the day behind hashed attributes, kept on disk so that a restart does not change it. Yesterday's is overwritten.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    clock,
    pipeline::{SALT_BYTES, Salt},
};

const FILE: &str = "salt.json";
const DAY_MS: u64 = 86_400_000;
/// How often a new day is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Days since 1970 (UTC).
    day: u64,
    salt: [u8; SALT_BYTES],
}

/// Changes the salt when the day does.
#[derive(Debug)]
pub(crate) struct DailySalt {
    path: PathBuf,
    day: u64,
    salt: Arc<Salt>,
}

impl DailySalt {
    /// Takes over today's salt from the data folder, or makes it. One that the disk does not take is in memory only.
    pub(crate) fn open(data: &Path) -> Self {
        let (path, day) = (data.join(FILE), clock::now_ms() / DAY_MS);
        let bytes = kept(&path, day).map_or_else(|| make(&path, day), |kept| kept.salt);
        Self { path, day, salt: Arc::new(Salt::new(&bytes)) }
    }

    /// The salt, which changes by itself as long as [`Self::follow`] runs.
    pub(crate) const fn salt(&self) -> &Arc<Salt> {
        &self.salt
    }

    /// Works until dropped.
    pub(crate) async fn follow(mut self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            self.look(clock::now_ms() / DAY_MS);
        }
    }

    fn look(&mut self, today: u64) {
        if today == self.day {
            return;
        }
        self.day = today;
        self.salt.rotate(&make(&self.path, today));
    }
}

/// Today's salt as a service keeps it in its data folder, if there is one.
pub(crate) fn of_today(data: &Path) -> Option<Salt> {
    kept(&data.join(FILE), clock::now_ms() / DAY_MS).map(|kept| Salt::new(&kept.salt))
}

fn kept(path: &Path, day: u64) -> Option<Kept> {
    let kept: Kept = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (kept.day == day).then_some(kept)
}

/// A new salt, in place of the one that is kept. If the disk refuses it, a restart makes another.
fn make(path: &Path, day: u64) -> [u8; SALT_BYTES] {
    let salt = rand::random();
    if let Err(error) = keep(path, &Kept { day, salt }) {
        tracing::error!(%error, path = %path.display(), "cannot keep the day's salt");
        let _ = fs::remove_file(path);
    }
    salt
}

fn keep(path: &Path, kept: &Kept) -> std::io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&serde_json::to_vec(kept)?)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_lasts_for_a_day_and_is_forgotten_then() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("salt.json");
        let kept = || fs::read(&file).unwrap();
        let mut salt = DailySalt::open(dir.path());
        let first = kept();
        salt.look(salt.day);
        drop(DailySalt::open(dir.path()));
        assert_eq!(kept(), first);
        salt.look(salt.day + 1);
        assert_ne!(kept(), first);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing of the old one is left");
    }
}
