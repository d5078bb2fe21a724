//! From a request to one statement that its user may run.

use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;

use super::authentication::Role;
use super::body::join;
use super::fault::{Fault, Reason};
use super::formats::{self, Chunks};
use super::parameters::RequestParameters;
use crate::engine::READER_ROLE;
use crate::sql::{self, Insert};

/// A statement with all it needs.
pub(crate) struct Job {
    pub(crate) role: Role,
    /// The engine's role for the connection; absent for all roles.
    pub(crate) engine_role: Option<String>,
    /// A GET request may only read, whoever asks.
    pub(crate) read_only: bool,
    pub(crate) session: Option<(String, Duration)>,
    /// The current database, when it is not the usual one.
    pub(crate) database: Option<String>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) work: Work,
}

/// What is to be done.
pub(crate) enum Work {
    /// An INSERT with its data.
    Insert {
        /// The statement without its FORMAT clause.
        statement: Bytes,
        /// The statement with its FORMAT clause, for the engine's parser to judge.
        judged: Bytes,
        format: String,
        data: Vec<Bytes>,
    },
    /// Anything else.
    Query {
        sql: Bytes,
        format: String,
        /// How its chunks join, when the reply can be streamed.
        streamed: Option<Chunks>,
    },
}

/// Settings of which a reader may ask for less: the reader's bounds.
pub(crate) const CAPPED: [&str; 4] = ["max_execution_time", "max_rows_to_read", "max_result_rows", "max_result_bytes"];
/// Settings that a reader may not touch.
const BOUNDS: [&str; 5] =
    ["timeout_overflow_mode", "max_memory_usage", "max_memory_usage_for_user", "max_untracked_memory", "profile"];
/// Settings that nobody may touch here: each would make the engine read statements otherwise than this front does.
const DIALECTS: [&str; 3] = ["dialect", "profile", "implicit_select"];
/// Names that a reader's statement may not use: the function that reads any file without asking for a grant, the one that runs a text
/// nobody has looked at, and the bounds.
const REFUSED_NAMES: [&str; 10] = [
    "file",
    "eval",
    "max_execution_time",
    "max_rows_to_read",
    "max_result_rows",
    "max_result_bytes",
    "timeout_overflow_mode",
    "max_memory_usage",
    "max_memory_usage_for_user",
    "max_untracked_memory",
];
/// Makes one array of all rows, so chunks no longer join.
const ARRAY_OF_ROWS: &str = "output_format_json_array_of_rows";

impl Job {
    pub(crate) fn new(
        role: Role,
        method: &Method,
        parameters: RequestParameters,
        body: Vec<Bytes>,
        served_database: &str,
    ) -> Result<Self, Fault> {
        let default_format = parameters.default_format.unwrap_or_else(|| "TabSeparated".to_owned());
        let work = work(role, parameters.query.map(Bytes::from), body, default_format)?;
        let settings = allowed_settings(role, parameters.settings)?;
        let mut job = Self {
            role,
            engine_role: (role == Role::Reader).then(|| READER_ROLE.to_owned()),
            read_only: role != Role::Writer || method == Method::GET || method == Method::HEAD,
            // Each role has its own sessions, whatever their names.
            session: parameters
                .session
                .map(|session| (format!("{role:?} {}", session.id), Duration::from_secs(session.timeout_seconds))),
            database: current_database(parameters.database, served_database)?,
            settings,
            parameters: parameters.parameters,
            work,
        };
        if parameters.wait_for_end || job.settings.iter().any(|(name, _)| name == ARRAY_OF_ROWS) {
            job.materialize();
        }
        Ok(job)
    }

    fn materialize(&mut self) {
        if let Work::Query { streamed, .. } = &mut self.work {
            *streamed = None;
        }
    }
}

fn work(role: Role, query: Option<Bytes>, mut body: Vec<Bytes>, default_format: String) -> Result<Work, Fault> {
    if role == Role::Writer {
        let in_query = query.as_ref().map_or(Insert::No, |query| sql::insert_head(query));
        let (text, head) = match (query.clone(), in_query) {
            (Some(query), found @ (Insert::WithData(_) | Insert::FromInfile)) => (query, found),
            (query, _) => {
                let text = with_query(query, std::mem::take(&mut body));
                let found = sql::insert_head(&text);
                (text, found)
            }
        };
        match head {
            Insert::WithData(head) => {
                let mut data = vec![text.slice(head.data_start..)];
                data.append(&mut body);
                data.retain(|piece| !piece.is_empty());
                return Ok(Work::Insert {
                    statement: text.slice(..head.statement_end),
                    judged: text.slice(..head.clause_end),
                    format: head.format,
                    data,
                });
            }
            Insert::FromInfile => return Err(Fault::new(Reason::AccessDenied, "FROM INFILE is not available.")),
            Insert::No => return read_work(text, default_format),
        }
    }
    let sql = with_query(query, body);
    if let Some(name) = sql::uses_any(&sql, &REFUSED_NAMES) {
        let what = match name {
            "file" => "read files",
            "eval" => "run texts",
            _ => "change its bounds",
        };
        return Err(Fault::new(Reason::AccessDenied, &format!("Not enough privileges: this user may not {what} ('{name}')")));
    }
    read_work(sql, default_format)
}

fn read_work(sql: Bytes, default_format: String) -> Result<Work, Fault> {
    if sql.trim_ascii().is_empty() {
        return Err(Fault::new(Reason::SyntaxError, "Empty query"));
    }
    let format = sql::format_clause(&sql).unwrap_or(default_format);
    if format.is_empty() || !format.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Fault::new(Reason::UnknownFormat, "Unknown format"));
    }
    let streamable = sql::is_select(&sql) && sql::uses_any(&sql, &[ARRAY_OF_ROWS]).is_none();
    let streamed = if streamable { formats::chunks(&format) } else { None };
    Ok(Work::Query { sql, format, streamed })
}

/// The statement's text: the `query` parameter, a line end, and the body.
fn with_query(query: Option<Bytes>, body: Vec<Bytes>) -> Bytes {
    match query {
        None => join(body),
        Some(query) if body.iter().all(Bytes::is_empty) => query,
        Some(query) => [&[query, Bytes::from_static(b"\n")][..], &body].concat().concat().into(),
    }
}

fn allowed_settings(role: Role, settings: Vec<(String, String)>) -> Result<Vec<(String, String)>, Fault> {
    let refused = |name: &str| Fault::new(Reason::SettingConstraintViolation, &format!("Setting {name} should not be changed"));
    let mut allowed = Vec::new();
    for (name, value) in settings {
        if DIALECTS.contains(&name.as_str()) || (role != Role::Writer && BOUNDS.contains(&name.as_str())) {
            return Err(refused(&name));
        }
        // What a request may do is decided by its method and its user; `readonly` would only keep later settings out.
        if name != "readonly" {
            allowed.push((name, value));
        }
    }
    Ok(allowed)
}

/// The database to make current. Clients that name none send ClickHouse's `default`, which stands for the one served.
fn current_database(wanted: Option<String>, served: &str) -> Result<Option<String>, Fault> {
    match wanted.as_deref() {
        None | Some("" | "default") => Ok(None),
        Some(name) if name == served => Ok(None),
        Some("system" | "information_schema" | "INFORMATION_SCHEMA") => Ok(wanted),
        Some(_) => Err(Fault::new(Reason::UnknownDatabase, "Only the configured database and `system` are served here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_insert(query: Option<&'static str>, body: &[&'static str], statement: &str, format: &str, data: &str) {
        let body = body.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
        match work(Role::Writer, query.map(Bytes::from), body, "TabSeparated".to_owned()).unwrap() {
            Work::Insert { statement: found, format: found_format, data: pieces, .. } => {
                assert_eq!((&found[..], found_format.as_str()), (statement.as_bytes(), format));
                assert_eq!(pieces.concat(), data.as_bytes());
            }
            Work::Query { sql, .. } => panic!("not an insert with data: {sql:?}"),
        }
    }

    #[test]
    fn an_insert_s_head_and_data_may_be_spread_over_parameter_and_body() {
        check_insert(Some("INSERT INTO t FORMAT TSV"), &["1\n", "2\n"], "INSERT INTO t ", "TSV", "1\n2\n");
        check_insert(Some("INSERT INTO t FORMAT TSV\n0\n"), &["1\n"], "INSERT INTO t ", "TSV", "0\n1\n");
        check_insert(None, &["INSERT INTO t FOR", "MAT TSV\n1\n"], "INSERT INTO t ", "TSV", "1\n");
        check_insert(Some("INSERT INTO t"), &["VALUES (1)"], "INSERT INTO t\n", "Values", " (1)");
    }

    fn check_read(role: Role, sql: &'static str, format: &str, streamed: bool) {
        match work(role, Some(sql.into()), Vec::new(), "TabSeparated".to_owned()).unwrap() {
            Work::Query { format: found, streamed: chunks, .. } => {
                assert_eq!((found.as_str(), chunks.is_some()), (format, streamed), "{sql}");
            }
            Work::Insert { .. } => panic!("{sql}"),
        }
    }

    #[test]
    fn only_a_select_in_a_row_by_row_format_is_streamed() {
        check_read(Role::Reader, "SELECT 1", "TabSeparated", true);
        check_read(Role::Reader, "SELECT 1 FORMAT JSON", "JSON", false);
        check_read(Role::Writer, "SHOW TABLES", "TabSeparated", false);
        check_read(Role::Writer, "SELECT 1 FORMAT JSONEachRow SETTINGS output_format_json_array_of_rows=1", "JSONEachRow", false);
    }

    #[test]
    fn a_reader_s_bounds_hold() {
        assert!(work(Role::Reader, Some("SELECT 1 SETTINGS max_execution_time = 0".into()), Vec::new(), String::new()).is_err());
        assert!(work(Role::Reader, Some("SELECT file('x')".into()), Vec::new(), String::new()).is_err());
        assert!(allowed_settings(Role::Reader, vec![("max_memory_usage".to_owned(), "0".to_owned())]).is_err());
        assert!(allowed_settings(Role::Writer, vec![("max_memory_usage".to_owned(), "0".to_owned())]).is_ok());
        assert!(allowed_settings(Role::Writer, vec![("dialect".to_owned(), "kusto".to_owned())]).is_err());
    }

    #[test]
    fn only_the_served_database_and_clickhouse_s_own_can_be_current() {
        let current = |name: &str| current_database(Some(name.to_owned()), "rum");
        assert_eq!(current("default").unwrap(), None);
        assert_eq!(current("rum").unwrap(), None);
        assert_eq!(current("system").unwrap().as_deref(), Some("system"));
        assert!(current("other").is_err());
    }
}
