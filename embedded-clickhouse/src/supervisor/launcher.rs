//! Starts one engine process at a time.

use std::collections::{HashSet, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};

use super::config::{EngineError, Isolation, ReadLimits, SupervisorConfig};
use crate::settings::{EngineSettings, Limits, Ready};

/// The writing user's name.
const WRITE_USER: &str = "beamline";
/// The reading user's name.
const READ_USER: &str = "read";
const RESERVED_DATABASES: [&str; 3] = ["default", "system", "information_schema"];
const MIN_KEY_BYTES: usize = 16;
const MAX_STATEMENTS: usize = 256;
/// Tables with thousands of parts take their time.
const START_TIMEOUT: Duration = Duration::from_mins(5);
/// More than the process itself allows the requests at work.
const END_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_READY_BYTES: u64 = 64 << 10;
const MAX_LINE_BYTES: u64 = 4 << 10;
const KEPT_LINES: usize = 20;

/// Starts engine processes, all alike.
pub(super) struct Launcher {
    program: PathBuf,
    args: Vec<OsString>,
    pub(super) max_restart_wait: Duration,
    pub(super) settings: EngineSettings,
}

impl Launcher {
    pub(super) fn new(config: SupervisorConfig) -> Result<Self, EngineError> {
        let fault = |what, why: &str| Err(EngineError::Config { what, why: why.to_owned() });
        if !config.listen.ip().is_loopback() {
            return fault("listen", "it serves on loopback addresses only");
        }
        if !is_database_name(&config.database) {
            return fault("database", "a name has 1 to 64 letters, digits and underscores, and is none of ClickHouse's own");
        }
        if config.max_concurrent_statements == 0 || config.max_concurrent_statements > MAX_STATEMENTS {
            return fault("max_concurrent_statements", "it must be between 1 and 256");
        }
        if let Some(why) = isolation_complaint(&config.isolation, &config.database) {
            return fault("isolation", why);
        }
        if config.read_key.as_ref().is_some_and(|key| key.len() < MIN_KEY_BYTES) {
            return fault("read_key", "it must have at least 16 characters");
        }
        let random = || random_key().map_err(|source| EngineError::Process { program: config.program.clone(), source });
        let settings = EngineSettings {
            library: config.library,
            data_dir: config.data_dir,
            listen: config.listen,
            database: config.database,
            write_user: WRITE_USER.to_owned(),
            write_key: random()?,
            read_user: READ_USER.to_owned(),
            read_key: config.read_key.map_or_else(random, Ok)?,
            isolation: config.isolation,
            limits: Limits {
                memory_bytes: config.memory_limit_bytes,
                body_bytes: config.max_body_bytes,
                reply_bytes: config.max_reply_bytes,
                concurrent_statements: config.max_concurrent_statements,
                read: ReadLimits { seconds: config.read_limits.seconds.max(1), ..config.read_limits },
                lock_wait: config.max_lock_wait,
            },
        };
        Ok(Self { program: config.program, args: config.args, max_restart_wait: config.max_restart_wait, settings })
    }

    /// Starts one process and waits until it serves.
    pub(super) async fn launch(&self) -> Result<(Running, Ready), EngineError> {
        let fault = |source| EngineError::Process { program: self.program.clone(), source };
        let mut command = Command::new(&self.program);
        // A group of its own: an interrupt from the terminal is for the parent, which still has rows to write. No environment: the
        // engine needs none but the time zone, and the parent's may hold secrets.
        command.args(&self.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().env("TZ", "UTC").process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(fault)?;
        let missing = || fault(io::ErrorKind::BrokenPipe.into());
        let mut input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let forwarded = tokio::spawn(forward(errors));

        let mut line = serde_json::to_vec(&self.settings).map_err(io::Error::from).map_err(fault)?;
        line.push(b'\n');
        // A process that ends at once cannot be written to; why it ended is the better error.
        let written = input.write_all(&line).await;
        let mut answer = String::new();
        let mut output = BufReader::new(output.take(MAX_READY_BYTES));
        let read = tokio::time::timeout(START_TIMEOUT, output.read_line(&mut answer)).await;
        if written.is_ok()
            && matches!(read, Ok(Ok(1..)))
            && let Ok(ready) = serde_json::from_str(&answer)
        {
            return Ok((Running { child, input }, ready));
        }
        let status = if read.is_err() {
            let _ = child.start_kill();
            format!("no answer within {} s", START_TIMEOUT.as_secs())
        } else {
            drop(input);
            describe(child.wait().await)
        };
        let output = forwarded.await.unwrap_or_default();
        Err(EngineError::Start { status, output: Vec::from(output).join("\n") })
    }
}

/// An engine process that serves.
pub(super) struct Running {
    pub(super) child: Child,
    /// Its end tells the process that the parent is gone.
    input: ChildStdin,
}

impl Running {
    pub(super) async fn end(self) {
        let Self { mut child, input } = self;
        drop(input);
        if tokio::time::timeout(END_TIMEOUT, child.wait()).await.is_err() {
            tracing::warn!("embedded ClickHouse did not end by itself, and is killed");
            let _ = child.kill().await;
        }
    }
}

/// Logs what the process writes to standard error, line by line, and keeps the last lines.
async fn forward(errors: ChildStderr) -> VecDeque<String> {
    let mut errors = BufReader::new(errors);
    let mut last = VecDeque::new();
    loop {
        let mut line = Vec::new();
        // A longer line is logged in pieces.
        match (&mut errors).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await {
            Ok(1..) => {}
            _ => return last,
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        tracing::warn!(target: "embedded_clickhouse::engine", "{line}");
        if last.len() == KEPT_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
}

/// What is wrong with users or names that go into the engine's configuration and its policies, if anything.
fn isolation_complaint(isolation: &Isolation, database: &str) -> Option<&'static str> {
    let is_plain = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_tenant = |name: &String| is_plain(&name.replace('-', "_"));
    let Isolation { column, tables, views, readers } = isolation;
    if readers.is_empty() {
        return None;
    }
    let mut users = HashSet::from([WRITE_USER, READ_USER, "default"]);
    if database.starts_with(|first: char| first.is_ascii_digit()) {
        return Some("with a database whose name begins with a digit");
    }
    if !is_plain(column) || !tables.iter().chain(views).all(is_plain) || tables.is_empty() {
        return Some("the column, the tables and the views must be named by letters, digits and underscores");
    }
    if !readers.iter().all(|reader| is_plain(&reader.user) && reader.user.len() <= 64 && users.insert(&reader.user)) {
        return Some("each user needs a name of its own, of letters, digits and underscores, and not `read` or `beamline`");
    }
    if readers.iter().any(|reader| reader.key.len() < MIN_KEY_BYTES) {
        return Some("each user's key must have at least 16 characters");
    }
    let all_plain = readers.iter().all(|reader| !reader.tenants.is_empty() && reader.tenants.iter().all(is_tenant));
    (!all_plain).then_some("each user needs tenants, named by letters, digits, '-' and '_'")
}

fn is_database_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && (1..=64).contains(&name.len()) && !RESERVED_DATABASES.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
}

/// 256 random bits in hexadecimal.
fn random_key() -> io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    Ok(bytes.iter().fold(String::with_capacity(64), |mut key, byte| {
        let _ = fmt::Write::write_fmt(&mut key, format_args!("{byte:02x}"));
        key
    }))
}

pub(super) fn describe(status: io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::{Credentials, TenantReader};

    fn config() -> SupervisorConfig {
        SupervisorConfig::new("/bin/true".into(), "/nonexistent/libchdb.so".into(), "/nonexistent/data".into())
    }

    fn refused(config: SupervisorConfig) -> &'static str {
        match Launcher::new(config) {
            Err(EngineError::Config { what, .. }) => what,
            _ => "nothing",
        }
    }

    #[test]
    fn a_configuration_that_cannot_be_safe_is_refused() {
        assert_eq!(refused(config()), "nothing");
        assert_eq!(refused(SupervisorConfig { listen: ([0, 0, 0, 0], 0).into(), ..config() }), "listen");
        for name in ["", "default", "SYSTEM", "a-b", "a`b", "information_schema"] {
            assert_eq!(refused(SupervisorConfig { database: name.to_owned(), ..config() }), "database", "{name}");
        }
        assert_eq!(refused(SupervisorConfig { read_key: Some("short".to_owned()), ..config() }), "read_key");
        assert_eq!(refused(SupervisorConfig { max_concurrent_statements: 0, ..config() }), "max_concurrent_statements");
        let good = TenantReader { user: "shop".to_owned(), key: "k".repeat(16), tenants: vec!["a-b".to_owned()] };
        let isolated = |reader: TenantReader| {
            let (column, tables) = ("project_id".to_owned(), vec!["events".to_owned()]);
            refused(SupervisorConfig {
                isolation: Isolation { column, tables, readers: vec![reader], views: Vec::new() },
                ..config()
            })
        };
        assert_eq!(isolated(good.clone()), "nothing");
        for bad in [
            TenantReader { user: "read".to_owned(), ..good.clone() },
            TenantReader { user: "a b".to_owned(), ..good.clone() },
            TenantReader { key: "short".to_owned(), ..good.clone() },
            TenantReader { tenants: Vec::new(), ..good.clone() },
            TenantReader { tenants: vec!["a'b".to_owned()], ..good.clone() },
        ] {
            assert_eq!(isolated(bad), "isolation");
        }
    }

    #[test]
    fn keys_are_long_differ_and_stay_out_of_debug() {
        let (one, two) = (random_key().unwrap(), random_key().unwrap());
        assert!(one.len() == 64 && one != two);
        let shown = format!("{:?}", Credentials { user: "read".to_owned(), key: one.clone() });
        assert!(shown.contains("read") && !shown.contains(&one));
    }
}
