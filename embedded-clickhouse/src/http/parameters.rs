//! What a request says beside its body.

use axum::http::HeaderMap;

use super::authentication::Login;
use super::fault::{Fault, Reason};

/// The parameters of a request's URL (and of a multipart body), sorted by what they mean to ClickHouse: some names are reserved,
/// `param_…` are the statement's own parameters, and all others are settings.
#[derive(Default)]
pub(crate) struct RequestParameters {
    pub(crate) query: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) default_format: Option<String>,
    pub(crate) query_id: Option<String>,
    pub(crate) session: Option<SessionRequest>,
    pub(crate) login: Option<Login>,
    /// `compress=1`: the reply goes in ClickHouse's own compressed blocks.
    pub(crate) compress_reply: bool,
    /// `decompress=1`: the body comes so.
    pub(crate) decompress_body: bool,
    /// The reply begins only when the statement has ended, so that an error always has its own status.
    pub(crate) wait_for_end: bool,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) settings: Vec<(String, String)>,
}

/// A connection kept between requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRequest {
    pub(crate) id: String,
    pub(crate) timeout_seconds: u64,
}

const MAX_PARAMETERS: usize = 1000;
const DEFAULT_SESSION_SECONDS: u64 = 60;
const MAX_SESSION_SECONDS: u64 = 3600;

/// Reserved names without meaning here: no roles, no compression of replies but ClickHouse's own, no buffering to size, no progress
/// headers, no choice of protocol revision.
const IGNORED: [&str; 12] = [
    "role",
    "enable_http_compression",
    "http_zlib_compression_level",
    "buffer_size",
    "client_protocol_version",
    "session_check",
    "quota_key",
    "stacktrace",
    "close_session",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "add_http_cors_header",
];

impl RequestParameters {
    pub(crate) fn parse(url_query: Option<&str>, headers: &HeaderMap) -> Result<Self, Fault> {
        let mut parameters = Self::default();
        let (mut user, mut key) = (None, None);
        let (mut session_id, mut session_seconds) = (None, DEFAULT_SESSION_SECONDS);
        for (name, value) in form_urlencoded::parse(url_query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "query" => parameters.query = Some(value.into_owned()),
                "database" => parameters.database = Some(value.into_owned()),
                "default_format" => parameters.default_format = Some(value.into_owned()),
                "query_id" => parameters.query_id = Some(value.into_owned()),
                "session_id" => session_id = Some(value.into_owned()),
                "session_timeout" => {
                    session_seconds = value.parse().unwrap_or(DEFAULT_SESSION_SECONDS).clamp(1, MAX_SESSION_SECONDS);
                }
                "user" => user = Some(value.into_owned()),
                "password" => key = Some(value.into_owned()),
                "compress" => parameters.compress_reply = is_on(&value),
                "decompress" => parameters.decompress_body = is_on(&value),
                "wait_end_of_query" => parameters.wait_for_end = is_on(&value),
                _ => parameters.add(&name, value.into_owned())?,
            }
        }
        parameters.login = user.map(|user| Login { user, key: key.unwrap_or_default() });
        parameters.session =
            session_id.filter(|id| !id.is_empty()).map(|id| SessionRequest { id, timeout_seconds: session_seconds });
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        parameters.database = parameters.database.or_else(|| header("x-clickhouse-database"));
        parameters.default_format = parameters.default_format.or_else(|| header("x-clickhouse-format"));
        Ok(parameters)
    }

    /// Takes one field of a multipart body.
    pub(crate) fn add_field(&mut self, name: &str, value: String) -> Result<(), Fault> {
        if name == "query" {
            self.query = Some(value);
            return Ok(());
        }
        if name.starts_with("param_") {
            return self.add(name, value);
        }
        Err(Fault::new(Reason::BadArguments, &format!("field '{name}' is neither 'query' nor 'param_…'")))
    }

    fn add(&mut self, name: &str, value: String) -> Result<(), Fault> {
        if self.parameters.len() + self.settings.len() >= MAX_PARAMETERS {
            return Err(Fault::new(Reason::BadArguments, &format!("more than {MAX_PARAMETERS} parameters")));
        }
        if let Some(parameter) = name.strip_prefix("param_") {
            self.parameters.push((parameter.to_owned(), value));
        } else if !IGNORED.contains(&name) {
            if !is_setting_name(name) {
                return Err(Fault::new(Reason::BadArguments, "a setting's name has letters, digits and underscores only"));
            }
            self.settings.push((name.to_owned(), value));
        }
        Ok(())
    }
}

fn is_on(value: &str) -> bool {
    matches!(value, "1" | "true")
}

fn is_setting_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_meaning() {
        let parsed = RequestParameters::parse(
            Some("query=SELECT+1&database=rum&param_x=a%26b&max_threads=2&compress=1&session_id=s&session_timeout=9999999&role=x&user=u"),
            &HeaderMap::new(),
        )
        .unwrap();
        assert_eq!(parsed.query.as_deref(), Some("SELECT 1"));
        assert_eq!(parsed.database.as_deref(), Some("rum"));
        assert_eq!(parsed.parameters, [("x".to_owned(), "a&b".to_owned())]);
        assert_eq!(parsed.settings, [("max_threads".to_owned(), "2".to_owned())]);
        assert!(parsed.compress_reply && !parsed.decompress_body);
        assert_eq!(parsed.session, Some(SessionRequest { id: "s".to_owned(), timeout_seconds: 3600 }));
        assert_eq!(parsed.login.map(|login| login.user).as_deref(), Some("u"));
    }

    #[test]
    fn a_setting_s_name_cannot_carry_sql() {
        assert!(RequestParameters::parse(Some("a%3D1%2Cb=2"), &HeaderMap::new()).is_err());
    }

    #[test]
    fn headers_stand_in_for_missing_parameters() {
        let headers: HeaderMap = [("x-clickhouse-database", "a"), ("x-clickhouse-format", "JSON")]
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .into_iter()
            .collect();
        let parsed = RequestParameters::parse(Some("database=b"), &headers).unwrap();
        assert_eq!((parsed.database.as_deref(), parsed.default_format.as_deref()), (Some("b"), Some("JSON")));
    }
}
