//! Who may send, from where, and how much.

use rum_protocol::limits::MAX_NAME_BYTES;
use serde::{Deserialize, Serialize};

use super::meaning::{Ignore, route_complaint};

/// Most measures of a project: each is two series for every device class.
const MOST_MEASURES: usize = 50;

/// One `[[projects]]` entry: a tenant and its site key. A site key is public, since every page that sends shows it; it names the
/// project and is held to its origins and limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Name in every table and metric: letters, digits, `-`, `_`, at most 64.
    pub id: String,
    /// Site key, sent as `?key=`. A project has this one, [`Project::keys`], or both.
    #[serde(default)]
    pub key: Option<String>,
    /// More keys, to change from one to another or to tell environments apart.
    #[serde(default)]
    pub keys: Vec<SiteKey>,
    /// Origins whose pages may send, such as `https://shop.example` or `https://*.shop.example`; `*` allows every one.
    #[serde(default = "any_origin")]
    pub allowed_origins: Vec<String>,
    /// How long raw events are kept, in days.
    #[serde(default = "default_retention_days")]
    pub retention_days: u16,
    /// Beacons a second with one key, averaged; bursts of ten times as many pass. The same holds for the limits below.
    #[serde(default = "default_rate")]
    pub rate_limit_per_second: u32,
    /// Events a second with one key.
    #[serde(default = "default_event_rate")]
    pub event_limit_per_second: u32,
    /// Bytes of bodies a second with one key, as they come over the wire.
    #[serde(default = "default_byte_rate")]
    pub byte_limit_per_second: u32,
    /// Beacons a second from one client network (IPv4 /24, IPv6 /64) with one key. Events and bytes are held to the same share of
    /// their limits. Loopback addresses are not held to it: they are a proxy that is not in `server.trusted_proxies`.
    #[serde(default = "default_client_rate")]
    pub client_rate_limit_per_second: u32,
    /// Most events a day (UTC) the project takes with all its keys; absent for no quota.
    #[serde(default)]
    pub daily_event_quota: Option<u64>,
    /// How pages without a name of their own are named by their path, such as `/product/:id` or `/blog/*`; the first that fits. Paths
    /// that fit none are named by themselves, with what looks like an id replaced by `:id`.
    #[serde(default)]
    pub routes: Vec<String>,
    /// Names of actions and measures that are business measures, such as `purchase`: how many there are, and the sum of their values, are on `/metrics`.
    #[serde(default)]
    pub measures: Vec<String>,
    /// What is refused although it is right.
    #[serde(default)]
    pub ignore: Ignore,
}

/// One entry of `keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteKey {
    /// Name for people, such as `2026-11`.
    pub id: String,
    /// The key, sent as `?key=`.
    pub key: String,
    /// Refuse it, and say so: the end of a rotation.
    #[serde(default)]
    pub disabled: bool,
    /// The values of a beacon's `env` it takes; none for all.
    #[serde(default)]
    pub environments: Vec<String>,
}

fn any_origin() -> Vec<String> {
    vec!["*".into()]
}

const fn default_retention_days() -> u16 {
    90
}

const fn default_rate() -> u32 {
    2000
}

const fn default_event_rate() -> u32 {
    20_000
}

const fn default_byte_rate() -> u32 {
    16 << 20
}

const fn default_client_rate() -> u32 {
    200
}

impl Project {
    /// The project used when none is configured.
    pub fn open_default() -> Self {
        Self {
            id: "default".into(),
            key: Some("default".into()),
            keys: Vec::new(),
            allowed_origins: any_origin(),
            retention_days: default_retention_days(),
            rate_limit_per_second: default_rate(),
            event_limit_per_second: default_event_rate(),
            byte_limit_per_second: default_byte_rate(),
            client_rate_limit_per_second: default_client_rate(),
            daily_event_quota: None,
            routes: Vec::new(),
            measures: Vec::new(),
            ignore: Ignore::default(),
        }
    }

    /// All keys of the project, [`Project::key`] first.
    pub fn site_keys(&self) -> impl Iterator<Item = SiteKey> + '_ {
        let first =
            self.key.as_ref().map(|key| SiteKey { id: String::new(), key: key.clone(), disabled: false, environments: Vec::new() });
        first.into_iter().chain(self.keys.iter().cloned())
    }

    /// What is wrong with the entry, if anything.
    pub fn complaint(&self) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.id.is_empty() || self.id.len() > 64 || !self.id.bytes().all(plain) {
            return Some(format!("project id {:?} must be 1 to 64 letters, digits, '-' or '_'", self.id));
        }
        if self.site_keys().next().is_none() {
            return Some(format!("project {:?} has no key; add `key = \"…\"`", self.id));
        }
        if self.site_keys().any(|key| key.key.is_empty() || key.key.len() > 128 || !key.key.bytes().all(plain)) {
            return Some(format!("the keys of project {:?} must be 1 to 128 letters, digits, '-' or '_'", self.id));
        }
        if self.retention_days == 0 {
            return Some(format!("retention_days of project {:?} must be at least 1", self.id));
        }
        let rates = [
            ("rate_limit_per_second", self.rate_limit_per_second),
            ("event_limit_per_second", self.event_limit_per_second),
            ("byte_limit_per_second", self.byte_limit_per_second),
            ("client_rate_limit_per_second", self.client_rate_limit_per_second),
        ];
        if let Some((name, _)) = rates.iter().find(|(_, rate)| *rate == 0) {
            return Some(format!("{name} of project {:?} must be at least 1", self.id));
        }
        if self.measures.len() > MOST_MEASURES || self.measures.iter().any(|name| name.is_empty() || name.len() > MAX_NAME_BYTES) {
            return Some(format!("project {:?} may have {MOST_MEASURES} measures, each of 1 to {} bytes", self.id, MAX_NAME_BYTES));
        }
        let patterns = route_complaint(&self.routes).or_else(|| self.ignore.complaint());
        if let Some(complaint) = patterns {
            return Some(format!("project {:?}: {complaint}", self.id));
        }
        self.allowed_origins.iter().find(|origin| Origin::parse(origin).is_none()).map(|origin| {
            format!(
                "allowed origin {origin:?} of project {:?} must look like https://shop.example, https://*.shop.example or *",
                self.id
            )
        })
    }

    /// The parsed [`Project::allowed_origins`]; entries that do not parse allow nothing.
    pub fn origins(&self) -> Origins {
        Origins(self.allowed_origins.iter().filter_map(|origin| Origin::parse(origin)).collect())
    }
}

/// Origins that may send.
#[derive(Clone, Debug, PartialEq)]
pub struct Origins(Vec<Origin>);

#[derive(Clone, Debug, PartialEq)]
enum Origin {
    Any,
    Exact(String),
    /// `scheme://` and `.parent.example[:port]`; one or more labels stand before the parent.
    Subdomains {
        scheme: String,
        parent: String,
    },
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let (scheme, host) = text.split_once("://")?;
        let scheme_ok = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_lowercase());
        let parent = host.strip_prefix('*');
        let rest = parent.unwrap_or(host);
        let host_ok = !rest.is_empty() && !rest.contains(['/', '*', '?', '#', ' ']) && rest == rest.to_ascii_lowercase();
        match parent {
            _ if !scheme_ok || !host_ok => None,
            None => Some(Self::Exact(text.into())),
            Some(parent) => {
                parent.starts_with('.').then(|| Self::Subdomains { scheme: format!("{scheme}://"), parent: parent.into() })
            }
        }
    }
}

impl Origins {
    /// Whether pages of this origin may send. `None` is a request without an `Origin` header: no browser page of another site.
    pub fn allow(&self, origin: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        self.0.iter().any(|allowed| match allowed {
            Origin::Any => true,
            Origin::Exact(exact) => exact == origin,
            Origin::Subdomains { scheme, parent } => origin
                .strip_prefix(scheme.as_str())
                .and_then(|host| host.strip_suffix(parent.as_str()))
                .is_some_and(|labels| !labels.is_empty() && !labels.contains(['/', '@', ':'])),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(list: &[&str]) -> Origins {
        Project { allowed_origins: list.iter().map(ToString::to_string).collect(), ..Project::open_default() }.origins()
    }

    #[test]
    fn origins_match_exactly_or_by_subdomain() {
        let allowed = origins(&["https://a.example", "https://*.b.example:8443"]);
        for good in ["https://a.example", "https://x.b.example:8443", "https://x.y.b.example:8443"] {
            assert!(allowed.allow(Some(good)), "{good}");
        }
        for bad in [
            "http://a.example",
            "https://a.example.evil",
            "https://b.example:8443",
            "https://.b.example:8443/",
            "https://evil/@x.b.example:8443",
            "null",
            "",
        ] {
            assert!(!allowed.allow(Some(bad)), "{bad}");
        }
        assert!(allowed.allow(None));
        assert!(origins(&["*"]).allow(Some("null")));
    }

    #[test]
    fn wrong_entries_are_named() {
        for origin in ["shop.example", "https://", "https://*shop.example", "https://Shop.example", "https://a.example/path"] {
            let project = Project { allowed_origins: vec![origin.into()], ..Project::open_default() };
            assert!(project.complaint().is_some_and(|text| text.contains(origin)), "{origin}");
        }
        assert_eq!(Project::open_default().complaint(), None);
    }
}
