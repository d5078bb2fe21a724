//! `beamline sql`: one question to ClickHouse.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::{
    app::Store,
    clickhouse::{ClickHouse, Endpoint, FORMAT_FOR_PEOPLE, FORMAT_FOR_PROGRAMS},
    config::{Config, data_dir::SqlEndpoint},
};

/// Longest statement, as the embedded engine takes it from a reader.
const MAX_BYTES: u64 = 256 << 10;

#[derive(Args)]
pub(crate) struct SqlCommand {
    /// The statement, such as `SELECT count() FROM events`; read from standard input if absent.
    statement: Option<String>,
    /// ClickHouse format of the answer, such as `CSVWithNames` or `JSONEachRow`. A FORMAT clause of the statement comes before it. Default:
    /// `PrettyCompact` on a terminal, else `TabSeparatedWithNames`.
    #[arg(long, short)]
    format: Option<String>,
    /// Ask as this one of `embedded.readers`, who sees only its projects. Default: the user `read`, who sees all.
    #[arg(long, value_name = "USER")]
    reader: Option<String>,
}

/// Asks as a reader: the embedded engine of a running service, or of one that is stopped, or the configured server.
pub(crate) async fn run(config: &Config, command: SqlCommand) -> anyhow::Result<()> {
    let statement = match command.statement {
        Some(statement) => statement,
        None => from_standard_input()?,
    };
    let on_terminal = io::stdout().is_terminal();
    let usual = if on_terminal { FORMAT_FOR_PEOPLE } else { FORMAT_FOR_PROGRAMS };
    let format = command.format.as_deref().unwrap_or(usual);
    let (clickhouse, ours) = reading(config, command.reader.as_deref()).await?;
    let mut out = io::stdout().lock();
    let asked = clickhouse.ask(&statement, format, |chunk| out.write_all(chunk)).await;
    if let Some(store) = ours {
        store.close().await;
    }
    match asked {
        // `| head` has seen enough.
        Err(crate::clickhouse::QueryError::Reply(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        asked => Ok(asked?),
    }
}

fn from_standard_input() -> anyhow::Result<String> {
    let mut statement = String::new();
    io::stdin().take(MAX_BYTES + 1).read_to_string(&mut statement).context("cannot read the statement from standard input")?;
    if statement.len() as u64 > MAX_BYTES {
        bail!("the statement is longer than {MAX_BYTES} bytes");
    }
    Ok(statement)
}

/// A client for reading, and the engine if it was started for this question.
async fn reading(config: &Config, reader: Option<&str>) -> anyhow::Result<(ClickHouse, Option<Store>)> {
    if let Some(url) = &config.clickhouse.url {
        if reader.is_some() {
            bail!("readers are of the embedded engine; on a server give another clickhouse.user");
        }
        let (user, password) = (config.clickhouse.user.clone(), config.clickhouse.password.clone());
        let endpoint = Endpoint { url: url.clone(), database: config.clickhouse.database().into(), user, password, cluster: None };
        return Ok((ClickHouse::for_reading(&endpoint), None));
    }
    let login = |at: SqlEndpoint| -> anyhow::Result<ClickHouse> {
        let known = reader.map(|name| {
            let found = config.embedded.readers.iter().find(|known| known.user == name);
            found.with_context(|| format!("{name:?} is none of embedded.readers"))
        });
        let (user, key) = match known.transpose()? {
            Some(known) => (known.user.clone(), known.key.clone()),
            None => (at.user, at.key),
        };
        let endpoint = Endpoint { url: at.url, database: at.database, user: Some(user), password: Some(key), cluster: None };
        Ok(ClickHouse::new(&endpoint))
    };
    let store = Store::join(config).await?;
    let at = config.data.read_endpoint().context("the embedded engine has not said where it is")?;
    let ours = if store.is_ours() { Some(store) } else { None };
    Ok((login(at)?, ours))
}
