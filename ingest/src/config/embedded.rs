//! The embedded engine, and who may read in it.

use std::{collections::HashSet, net::SocketAddr, path::PathBuf};

use embedded_clickhouse::ReadLimits;
use serde::{Deserialize, Serialize};

use super::Config;

/// Shortest key of a reader, in bytes.
const MIN_KEY_BYTES: usize = 16;

/// `[embedded]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedded {
    /// Path of `libchdb.so`; looked for in the usual places if absent.
    pub library: Option<PathBuf>,
    /// Address of the engine's ClickHouse HTTP interface. Loopback only; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Password of the user `read`, who may only query; made anew at each start if absent.
    pub read_key: Option<String>,
    /// Most memory the engine may use, in bytes.
    pub memory_limit_bytes: u64,
    /// What one query of a reader may take.
    pub read_limits: ReadLimits,
    /// More users who may only query, each only rows of its projects.
    pub readers: Vec<Reader>,
}

/// One entry of `readers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// User name: letters, digits, `_`.
    pub user: String,
    /// Password, at least 16 characters.
    pub key: String,
    /// Projects whose rows the user sees.
    pub projects: Vec<String>,
}

impl Default for Embedded {
    fn default() -> Self {
        Self {
            library: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            read_key: None,
            memory_limit_bytes: 2 << 30,
            read_limits: ReadLimits::default(),
            readers: Vec::new(),
        }
    }
}

impl Embedded {
    /// What is wrong with the section, if anything.
    pub(super) fn complaint(&self, config: &Config) -> Option<String> {
        if !self.listen.ip().is_loopback() {
            return Some(format!("embedded.listen {} must be a loopback address", self.listen));
        }
        if self.read_key.as_ref().is_some_and(|key| key.len() < MIN_KEY_BYTES) {
            return Some(format!("embedded.read_key must have at least {MIN_KEY_BYTES} characters"));
        }
        let limits = self.read_limits;
        if [limits.seconds, limits.rows, limits.result_rows, limits.result_bytes].contains(&0) || limits.memory_bytes == Some(0) {
            return Some("every value of embedded.read_limits must be at least 1".into());
        }
        let mut users = HashSet::from(["read", "beamline", "default"]);
        self.readers.iter().find_map(|reader| {
            let user = &reader.user;
            let plain =
                !user.is_empty() && user.len() <= 64 && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !plain || !users.insert(user) {
                return Some(format!("embedded.readers: user {user:?} must be letters, digits or '_', given once, and not `read`"));
            }
            if reader.key.len() < MIN_KEY_BYTES {
                return Some(format!("embedded.readers: the key of {user:?} must have at least {MIN_KEY_BYTES} characters"));
            }
            if reader.projects.is_empty() {
                return Some(format!("embedded.readers: {user:?} needs `projects`"));
            }
            let unknown = reader.projects.iter().find(|id| config.projects.iter().all(|project| project.id != **id))?;
            Some(format!("embedded.readers: {user:?} is to read {unknown:?}, which is no project"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_readers_are_named() {
        let reader = Reader { user: "ada".into(), key: "k".repeat(16), projects: vec!["default".into()] };
        let complaint = |reader: &Reader| {
            let embedded = Embedded { readers: vec![reader.clone()], ..Embedded::default() };
            embedded.complaint(&Config::default()).unwrap_or_default()
        };
        assert_eq!(complaint(&reader), "");
        for (wrong, part) in [
            (Reader { user: "read".into(), ..reader.clone() }, "\"read\""),
            (Reader { user: "a b".into(), ..reader.clone() }, "\"a b\""),
            (Reader { key: "short".into(), ..reader.clone() }, "16 characters"),
            (Reader { projects: Vec::new(), ..reader.clone() }, "needs `projects`"),
            (Reader { projects: vec!["shop".into()], ..reader.clone() }, "\"shop\""),
        ] {
            assert!(complaint(&wrong).contains(part), "{}", complaint(&wrong));
        }
        let limits = ReadLimits { rows: 0, ..ReadLimits::default() };
        assert!(Embedded { read_limits: limits, ..Embedded::default() }.complaint(&Config::default()).is_some());
    }
}
