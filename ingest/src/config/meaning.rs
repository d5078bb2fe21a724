//! What events mean and what of them may be kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[enrich]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Enrich {
    /// A database of networks and countries in the `MaxMind` DB format; without one no country is stored. Read at start and on every
    /// reload.
    pub country_database: Option<PathBuf>,
}

/// `[privacy]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// Take e-mail addresses, tokens, card numbers, network addresses, long numbers, credentials and queries out of all texts.
    pub scrub: bool,
    /// Attributes of actions and errors that name a user: their values are replaced by a keyed hash whose secret is made anew every
    /// day (UTC).
    pub hash_attributes: Vec<String>,
}

impl Default for Privacy {
    fn default() -> Self {
        Self { scrub: true, hash_attributes: Vec::new() }
    }
}

/// `ignore` of a project: what is refused although it is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a configuration file, never arguments")]
pub struct Ignore {
    /// Well-known crawlers, monitors and link previews, by their user agent.
    pub bots: bool,
    /// Browsers without a window. Off, because synthetic monitoring uses them too.
    pub headless: bool,
    /// Errors that come from a browser extension, and requests of its files.
    pub browser_extensions: bool,
    /// Pages on the visitor's own machine: `localhost`, loopback addresses.
    pub localhost: bool,
    /// Releases; `*` stands for any text.
    pub releases: Vec<String>,
    /// Pages by path, or by whole address if the pattern has `://`; `*` stands for any text.
    pub url_patterns: Vec<String>,
}

impl Default for Ignore {
    fn default() -> Self {
        Self {
            bots: true,
            headless: false,
            browser_extensions: false,
            localhost: false,
            releases: Vec::new(),
            url_patterns: Vec::new(),
        }
    }
}

/// Longest pattern, in bytes.
const PATTERN_MAX_BYTES: usize = 256;
/// Most patterns of one kind in one project.
const PATTERNS_MAX: usize = 500;

impl Ignore {
    /// What is wrong with the patterns, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        [("ignore.releases", &self.releases), ("ignore.url_patterns", &self.url_patterns)]
            .into_iter()
            .find_map(|(name, patterns)| bounded(name, patterns))
    }
}

/// What is wrong with a project's `routes`, if anything.
pub(super) fn route_complaint(routes: &[String]) -> Option<String> {
    let is_wrong = |route: &&String| {
        let inner = route.strip_suffix("/*").unwrap_or(route);
        !route.starts_with('/') || route.contains(['?', '#']) || inner.contains('*')
    };
    let wrong = routes.iter().find(is_wrong);
    wrong.map(|route| format!("route {route:?} must look like /product/:id or /blog/*")).or_else(|| bounded("routes", routes))
}

fn bounded(name: &str, patterns: &[String]) -> Option<String> {
    if patterns.len() > PATTERNS_MAX {
        return Some(format!("{name} has {} entries, the limit is {PATTERNS_MAX}", patterns.len()));
    }
    let is_wrong = |pattern: &&String| pattern.is_empty() || pattern.len() > PATTERN_MAX_BYTES;
    patterns.iter().find(is_wrong).map(|_| format!("an entry of {name} is empty or longer than {PATTERN_MAX_BYTES} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_patterns_are_named() {
        for route in ["product", "/a?b", "/a/*/b", "*", "/a*"] {
            assert!(route_complaint(&[route.to_owned()]).is_some_and(|text| text.contains(route)), "{route}");
        }
        assert_eq!(route_complaint(&["/", "/product/:id", "/blog/*"].map(str::to_owned)), None);
        assert!(Ignore { releases: vec![String::new()], ..Ignore::default() }.complaint().is_some());
        assert!(Ignore { url_patterns: vec!["x".into(); 501], ..Ignore::default() }.complaint().is_some());
        assert_eq!(Ignore::default().complaint(), None);
    }
}
