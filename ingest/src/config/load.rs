//! Reading and checking the configuration.

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};

use super::{Config, Project};

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named on the command line is not there or not readable.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key nobody knows.
    #[error("unknown key `{key}` in {place}{}", hint.as_ref().map_or_else(String::new, |hint| format!("; did you mean `{hint}`?")))]
    UnknownKey {
        /// The key with its section.
        key: String,
        /// File or environment variable.
        place: String,
        /// The nearest known key, if one is near.
        hint: Option<String>,
    },
    /// Not TOML, or a value of the wrong type.
    #[error("{0}")]
    Invalid(String),
}

/// Reads the configuration: defaults, then the TOML file if one is given, then the environment.
///
/// # Errors
/// [`ConfigError`], with the key, the place and what to do.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(Config { projects: Vec::new(), ..Config::default() }));
    if let Some(path) = file {
        std::fs::metadata(path)
            .and_then(|meta| if meta.is_file() { Ok(()) } else { Err(std::io::ErrorKind::IsADirectory.into()) })
            .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
        figment = figment.merge(Toml::file_exact(path));
    }
    figment = figment
        .merge(Env::raw().only(&["CLICKHOUSE_URL"]).map(|_| "clickhouse.url".into()))
        .merge(Env::prefixed("BEAMLINE_").filter(|key| key.as_str().contains("__")).split("__"));
    let mut config: Config = figment.extract().map_err(|error| explain(&error))?;
    if config.projects.is_empty() {
        config.projects.push(Project::open_default());
    }
    check(&config).map_or(Ok(config), |complaint| Err(ConfigError::Invalid(complaint)))
}

/// The text of a file of service level objectives.
///
/// # Errors
/// What the system says.
pub fn read_objectives(path: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}

/// Reads a file of data that the configuration names.
///
/// # Errors
/// What the system says.
pub fn read_database(path: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::read(path)
}

fn explain(error: &figment::Error) -> ConfigError {
    // Of several errors the first is reported; the operator meets the next one on the next run.
    let Some(first) = error.clone().into_iter().next() else { return ConfigError::Invalid(error.to_string()) };
    let place = first.metadata.as_ref().map_or_else(
        || "the configuration".to_owned(),
        |metadata| match &metadata.source {
            Some(source) => source.to_string(),
            None => metadata.name.to_string(),
        },
    );
    match &first.kind {
        Kind::UnknownField(field, expected) => {
            let section = first.path.iter().filter(|part| *part != field).cloned().collect::<Vec<_>>();
            let full = |name: &str| section.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".");
            ConfigError::UnknownKey { key: full(field), place, hint: nearest(field, expected).map(full) }
        }
        kind => ConfigError::Invalid(format!("`{}` in {place}: {kind}", first.path.join("."))),
    }
}

/// The known key most like the wrong one, unless nothing is.
fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), *name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .filter(|(likeness, _)| *likeness > 0.75)
        .map(|(_, name)| name)
}

fn check(config: &Config) -> Option<String> {
    if let Some(complaint) = config.server.complaint() {
        return Some(complaint);
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(project) = config.projects.iter().find(|project| project.site_keys().any(|key| !seen.insert(key.key.clone()))) {
        return Some(format!("a key of project {:?} is given twice; each key must be unique", project.id));
    }
    if let Some(complaint) = config.projects.iter().find_map(Project::complaint) {
        return Some(complaint);
    }
    if let Some(complaint) = config.embedded.complaint(config).or_else(|| config.traces.complaint()) {
        return Some(complaint);
    }
    let database = config.clickhouse.database();
    if database.is_empty() || database == "default" || !database.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Some(format!("clickhouse.database {database:?} must be letters, digits or '_', and not `default`"));
    }
    if let Some(cluster) = &config.clickhouse.cluster {
        let plain = !cluster.is_empty() && cluster.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || config.clickhouse.url.is_none() {
            return Some("clickhouse.cluster must be letters, digits or '_', and needs clickhouse.url".into());
        }
    }
    let spool = &config.spool;
    if spool.segment_max_bytes < 64 << 10 || spool.segment_max_bytes > spool.max_bytes {
        return Some("spool.segment_max_bytes must be at least 65536 and at most spool.max_bytes".into());
    }
    if spool.segment_max_bytes > 256 << 20 {
        return Some("spool.segment_max_bytes must be at most 268435456; a segment is inserted from memory".into());
    }
    if spool.buffer_max_bytes < 64 << 10 {
        return Some("spool.buffer_max_bytes must be at least 65536".into());
    }
    if !(1..=1440).contains(&config.dedup.window_minutes) || !(1..=50_000_000).contains(&config.dedup.max_beacons) {
        return Some("dedup.window_minutes must be 1 to 1440, dedup.max_beacons 1 to 50000000".into());
    }
    if !(1..=16).contains(&config.clickhouse.parallel_inserts()) {
        return Some("clickhouse.parallel_inserts must be 1 to 16".into());
    }
    if spool.segment_max_age_ms == 0 || config.summaries.refresh_seconds == 0 || config.summaries.window_minutes == 0 {
        return Some("spool.segment_max_age_ms, summaries.refresh_seconds and summaries.window_minutes must be at least 1".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("beamline.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path))
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(load_text("").unwrap(), Config::default());
        assert_eq!(load(None).unwrap(), Config::default());
    }

    #[test]
    fn a_file_changes_only_what_it_names() {
        let config = load_text("[server]\nlisten = '127.0.0.1:9'\n[[projects]]\nid = 'shop'\nkey = 'k'\n").unwrap();
        assert_eq!(config.server.listen.port(), 9);
        assert_eq!(config.server.path, rum_protocol::DEFAULT_PATH);
        assert_eq!(config.projects[0].retention_days, 90);
    }

    #[test]
    fn an_unknown_key_names_its_neighbour() {
        let message = load_text("[spool]\nmax_byte = 1\n").unwrap_err().to_string();
        assert!(message.contains("`spool.max_byte`") && message.contains("did you mean `spool.max_bytes`?"), "{message}");
        assert!(message.contains("beamline.toml"), "{message}");
        let message = load_text("[[projects]]\nid = 'a'\nkey = 'a'\nretention = 3\n").unwrap_err().to_string();
        assert!(message.contains("did you mean"), "{message}");
        let message = load_text("[surver]\n").unwrap_err().to_string();
        assert!(message.contains("did you mean `server`?"), "{message}");
    }

    #[test]
    fn wrong_values_name_the_key() {
        let message = load_text("[server]\nlisten = 'nowhere'\n").unwrap_err().to_string();
        assert!(message.contains("server.listen"), "{message}");
        let message = load_text("[[projects]]\nid = 'a b'\nkey = 'a'\n").unwrap_err().to_string();
        assert!(message.contains("\"a b\""), "{message}");
        assert!(matches!(load(Some(Path::new("/nowhere/beamline.toml"))), Err(ConfigError::Unreadable { .. })));
    }
}
