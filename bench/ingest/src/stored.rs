//! How much a target has stored: asked of the target itself, after the load.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

/// Longest time without progress until what is missing is taken as lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where to count.
#[derive(Debug)]
pub(crate) enum Stored {
    /// It stores nothing, or nowhere that can be asked.
    Nowhere,
    /// Rows of the service's tables `events` and `errors`.
    Events(Engine),
    /// Rows of fastify's table.
    TeamEvents(Engine),
    /// Lines of a log, one for a beacon.
    Lines(PathBuf),
    /// Members of a list, one for a beacon.
    Redis(SocketAddr),
    /// Messages of a stream, one for a beacon.
    Nats(SocketAddr),
    /// Rows, one for a beacon.
    Postgres(SocketAddr),
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Events,
    Beacons,
}

impl Stored {
    /// What is counted; absent if nothing can be.
    pub(crate) const fn counted(&self) -> Option<Counted> {
        match self {
            Self::Nowhere => None,
            Self::Events(_) | Self::TeamEvents(_) => Some(Counted::Events),
            Self::Lines(_) | Self::Redis(_) | Self::Nats(_) | Self::Postgres(_) => Some(Counted::Beacons),
        }
    }

    /// Waits until it can be asked: a service makes its tables after it has begun to listen.
    pub(crate) fn ready(self) -> Result<Self> {
        let begin = Instant::now();
        while let Err(error) = self.count() {
            if begin.elapsed() > PATIENCE {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(self)
    }

    /// Waits until as many are there as were acknowledged, or until nothing has come for a while: how many are there.
    pub(crate) fn drained(&self, expected: u64) -> Result<u64> {
        let (mut last, mut changed) = (self.count()?, Instant::now());
        while last != expected && changed.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(100));
            let now = self.count()?;
            if now != last {
                (last, changed) = (now, Instant::now());
            }
        }
        Ok(last)
    }

    fn count(&self) -> Result<u64> {
        let text = match self {
            Self::Nowhere => "0".into(),
            Self::Events(engine) => engine.ask("SELECT (SELECT count() FROM events) + (SELECT count() FROM errors)")?,
            Self::TeamEvents(engine) => engine.ask("SELECT count() FROM team_events")?,
            Self::Lines(path) => fs::read_to_string(path)?.lines().count().to_string(),
            Self::Redis(address) => {
                said(*address, "LLEN beacons\r\nQUIT\r\n")?.trim_start_matches(':').lines().next().unwrap_or("").into()
            }
            Self::Nats(address) => {
                let text = ask_nats(*address, "$JS.API.STREAM.INFO.beacons", "")?;
                let messages = text.split_once("\"messages\":").map_or("", |(_, rest)| rest);
                messages.split(|char: char| !char.is_ascii_digit()).next().unwrap_or_default().into()
            }
            Self::Postgres(_) => self.psql("SELECT count(*) FROM beacons")?,
        };
        text.trim().parse().with_context(|| format!("{self:?} answered {text:?} instead of a number"))
    }

    /// The stream that takes beacons.
    pub(crate) fn make_stream(address: SocketAddr) -> Result<()> {
        let stream = r#"{"name":"beacons","subjects":["beacons"],"storage":"file","retention":"limits"}"#;
        let text = ask_nats(address, "$JS.API.STREAM.CREATE.beacons", stream)?;
        ensure!(!text.contains("\"error\""), "no stream: {text}");
        Ok(())
    }

    /// The table that takes beacons.
    pub(crate) fn make_table(&self) -> Result<()> {
        let table = "CREATE TABLE beacons (received_at timestamptz NOT NULL DEFAULT now(), body text NOT NULL)";
        self.psql(table).map(drop)
    }

    fn psql(&self, statement: &str) -> Result<String> {
        let Self::Postgres(address) = self else { bail!("not PostgreSQL") };
        let mut command = Command::new("psql");
        command.args(["--no-psqlrc", "--tuples-only", "--no-align", "--username=bench", "--dbname=postgres", "--host=127.0.0.1"]);
        let output = command.arg(format!("--port={}", address.port())).args(["--command", statement]).output()?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// An engine's HTTP interface, and who asks.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) url: String,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) key: String,
}

impl Engine {
    /// The reader that a service with this data folder has written down.
    pub(crate) fn of_service(data: &Path) -> Result<Self> {
        Self::in_file(&data.join("sql-endpoint.json"))
    }

    /// Its writer.
    pub(crate) fn of_service_for_writing(data: &Path) -> Result<Self> {
        Self::in_file(&data.join("sql-writer.json"))
    }

    fn in_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let value: serde_json::Value = serde_json::from_str(&text)?;
        let field = |name: &str| value[name].as_str().map(str::to_owned).with_context(|| format!("{name} is missing"));
        Ok(Self { url: field("url")?, database: field("database")?, user: field("user")?, key: field("key")? })
    }

    pub(crate) fn ask(&self, statement: &str) -> Result<String> {
        let Self { url, database, user, key } = self;
        let address: SocketAddr = url.trim_start_matches("http://").trim_end_matches('/').parse()?;
        let text = said(
            address,
            &format!(
                "POST /?database={database} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-ClickHouse-User: {user}\r\n\
                 X-ClickHouse-Key: {key}\r\nContent-Length: {}\r\n\r\n{statement}",
                statement.len()
            ),
        )?;
        ensure!(text.starts_with("HTTP/1.1 200"), "{statement}: {text}");
        let (head, body) = text.split_once("\r\n\r\n").context("an answer without a body")?;
        // A chunked body of one line: its length, and then the line.
        let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Ok(if is_chunked { body.lines().nth(1).unwrap_or_default() } else { body }.trim().to_owned())
    }
}

/// All that is answered to `text` until the other side hangs up.
fn said(address: SocketAddr, text: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("no whole answer")?;
    Ok(answer)
}

/// The answer to one request of NATS' management interface.
fn ask_nats(address: SocketAddr, subject: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = "CONNECT {\"verbose\":false}\r\nSUB _INBOX.ask 1\r\n";
    stream.write_all(format!("{head}PUB {subject} _INBOX.ask {}\r\n{body}\r\n", body.len()).as_bytes())?;
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let bytes = stream.read(&mut part)?;
        ensure!(bytes > 0, "NATS hung up");
        read.extend_from_slice(&part[..bytes]);
        let text = String::from_utf8_lossy(&read);
        if let Some((_, message)) = text.split_once("MSG ")
            && message.ends_with("}\r\n")
        {
            return Ok(message.to_owned());
        }
    }
}
