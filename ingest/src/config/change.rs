//! What a changed configuration changes in a service that runs.

use std::{
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use toml::Value;

use super::Config;

/// Settings that are taken over without a restart: starts of their names.
const RELOADABLE: [&str; 4] = ["projects", "enrich", "privacy", "log.filter"];

/// The settings in which two configurations differ and that only a start takes over.
pub fn needs_restart(running: &Config, wanted: &Config) -> Vec<String> {
    let (Ok(running), Ok(wanted)) = (Value::try_from(running), Value::try_from(wanted)) else { return Vec::new() };
    let mut changed = Vec::new();
    compare("", Some(&running), Some(&wanted), &mut changed);
    let is_reloadable = |name: &String| RELOADABLE.iter().any(|start| name == start || name.starts_with(&format!("{start}.")));
    changed.retain(|name| !is_reloadable(name));
    changed
}

fn compare(name: &str, one: Option<&Value>, other: Option<&Value>, changed: &mut Vec<String>) {
    let within = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match (one, other) {
        (Some(Value::Table(one)), Some(Value::Table(other))) => {
            let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
            for key in keys {
                compare(&within(key), one.get(key), other.get(key), changed);
            }
        }
        _ if one == other => {}
        _ => changed.push(name.to_owned()),
    }
}

/// A configuration file that is looked at again and again.
#[derive(Debug)]
pub struct WatchedFile {
    path: PathBuf,
    /// What it looked like when it was last read.
    read: Stamp,
    /// What it looked like the last time.
    last: Stamp,
}

/// Time of the last change, size, and number of the file: the clock of files is coarse, and an editor puts another file in place. Absent for a
/// file that is not there.
type Stamp = Option<(SystemTime, u64, u64)>;

impl WatchedFile {
    /// How often to look.
    pub const EVERY: Duration = Duration::from_secs(1);

    /// A file that has just been read.
    pub fn new(path: PathBuf) -> Self {
        let stamp = stamp(&path);
        Self { path, read: stamp, last: stamp }
    }

    /// Whether the file has changed since it was read, and has settled: a file that is being written looks different every time.
    pub fn has_changed(&mut self) -> bool {
        let now = stamp(&self.path);
        let has_settled = now == self.last;
        self.last = now;
        has_settled && now.is_some() && now != self.read
    }

    /// The file is about to be read.
    pub fn is_read(&mut self) {
        self.last = stamp(&self.path);
        self.read = self.last;
    }
}

fn stamp(path: &PathBuf) -> Stamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len(), meta.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogFormat, Project};

    #[test]
    fn only_what_needs_a_restart_is_named() {
        let running = Config::default();
        assert!(needs_restart(&running, &running).is_empty());
        let mut wanted = running.clone();
        wanted.projects.push(Project { id: "shop".into(), ..Project::open_default() });
        wanted.log.filter = "debug".into();
        wanted.privacy.scrub = false;
        wanted.enrich.country_database = Some("countries.mmdb".into());
        assert!(needs_restart(&running, &wanted).is_empty());
        wanted.log.format = LogFormat::Json;
        wanted.spool.max_bytes = 1;
        wanted.clickhouse.url = Some("http://127.0.0.1:1".into());
        assert_eq!(needs_restart(&running, &wanted), ["clickhouse.url", "log.format", "spool.max_bytes"]);
    }

    #[test]
    fn a_file_has_changed_when_it_has_settled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("beamline.toml");
        std::fs::write(&path, "a").unwrap();
        let mut file = WatchedFile::new(path.clone());
        assert!(!file.has_changed());
        std::fs::write(&path, "ab").unwrap();
        assert!(!file.has_changed(), "it may still be written");
        assert!(file.has_changed());
        file.is_read();
        assert!(!file.has_changed());
        std::fs::remove_file(&path).unwrap();
        assert!(!file.has_changed() && !file.has_changed(), "one that is gone says nothing");
    }
}
