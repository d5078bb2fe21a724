//! Where the engine's library is.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

/// The npm package, pinned in `embedded-clickhouse/library/package.json`, that carries the library.
const PACKAGE_FILE: &str = "embedded-clickhouse/library/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so";
const FILE_NAME: &str = "libchdb.so";
const VARIABLE: &str = "BEAMLINE_CHDB_LIB";
const SYSTEM_DIRECTORIES: [&str; 5] =
    ["/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib", "/usr/lib64", "/lib/x86_64-linux-gnu"];

/// No library at any of the places looked at. The message says how to get it, or how to do without.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub struct LibraryNotFound {
    /// Every place looked at, in order.
    pub looked_at: Vec<PathBuf>,
}

impl fmt::Display for LibraryNotFound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "the embedded ClickHouse needs the library {FILE_NAME}, which is at none of these places:")?;
        for place in &self.looked_at {
            writeln!(out, "  {}", place.display())?;
        }
        writeln!(out, "get it (linux x86-64, glibc): npm ci --ignore-scripts --prefix embedded-clickhouse/library")?;
        writeln!(out, "or name one: {VARIABLE}=/path/to/{FILE_NAME}")?;
        write!(
            out,
            "or use a ClickHouse server: CLICKHOUSE_URL=http://host:8123, or `[clickhouse] url = \"http://host:8123\"` in the configuration"
        )
    }
}

/// Finds `libchdb.so`: `explicit` alone when given, else `BEAMLINE_CHDB_LIB` alone when set, else the first that exists of: the
/// pinned npm package under the working directory or any directory above the running program, the user's cache directory
/// (`$XDG_CACHE_HOME/beamline/`), and the system's library directories (`$LD_LIBRARY_PATH` first).
///
/// # Errors
///
/// [`LibraryNotFound`] with every place looked at.
pub fn locate_library(explicit: Option<&Path>) -> Result<PathBuf, LibraryNotFound> {
    if let Some(path) = explicit {
        return first_existing(vec![path.to_owned()]);
    }
    if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        return first_existing(vec![path.into()]);
    }
    first_existing(default_places())
}

fn first_existing(mut places: Vec<PathBuf>) -> Result<PathBuf, LibraryNotFound> {
    match places.iter().position(|place| place.is_file()) {
        Some(found) => Ok(places.swap_remove(found)),
        None => Err(LibraryNotFound { looked_at: places }),
    }
}

fn default_places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Ok(directory) = env::current_dir() {
        places.push(directory.join(PACKAGE_FILE));
    }
    if let Ok(program) = env::current_exe() {
        places.extend(program.ancestors().skip(1).map(|directory| directory.join(PACKAGE_FILE)));
    }
    // Tests and `cargo run` work from any directory, also with a target directory outside the source tree.
    if let Some(manifest) = env::var_os("CARGO_MANIFEST_DIR") {
        places.extend(Path::new(&manifest).ancestors().take(2).map(|directory| directory.join(PACKAGE_FILE)));
    }
    if let Some(cache) = cache_directory() {
        places.push(cache.join("beamline").join(FILE_NAME));
    }
    if let Some(paths) = env::var_os("LD_LIBRARY_PATH") {
        places.extend(env::split_paths(&paths).filter(|path| path.is_absolute()).map(|path| path.join(FILE_NAME)));
    }
    places.extend(SYSTEM_DIRECTORIES.map(|directory| Path::new(directory).join(FILE_NAME)));
    let mut seen = std::collections::HashSet::new();
    places.retain(|place| seen.insert(place.clone()));
    places
}

fn cache_directory() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .and_then(absolute)
        .or_else(|| env::var_os("HOME").map(PathBuf::from).and_then(absolute).map(|home| home.join(".cache")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_path_is_the_only_place() {
        let missing = Path::new("/nonexistent/libchdb.so");
        assert_eq!(locate_library(Some(missing)), Err(LibraryNotFound { looked_at: vec![missing.to_owned()] }));
    }

    #[test]
    fn the_message_says_how_to_get_it_and_how_to_do_without() {
        let message = LibraryNotFound { looked_at: vec!["/a/libchdb.so".into(), "/b/libchdb.so".into()] }.to_string();
        for part in ["/a/libchdb.so", "/b/libchdb.so", "npm ci", "BEAMLINE_CHDB_LIB", "CLICKHOUSE_URL"] {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
    }

    #[test]
    fn the_first_existing_place_wins() {
        let directory = tempfile::tempdir().unwrap();
        let second = directory.path().join("second");
        let third = directory.path().join("third");
        std::fs::write(&second, b"").unwrap();
        std::fs::write(&third, b"").unwrap();
        assert_eq!(first_existing(vec![directory.path().join("first"), second.clone(), third]), Ok(second));
    }
}
