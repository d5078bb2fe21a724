//! A real engine for each test: its own process, its own data directory.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::PathBuf;

use clickhouse::Client;
use embedded_clickhouse::{Engine, SupervisorConfig, locate_library};
use tempfile::TempDir;

/// An engine with the directory it works in.
pub(crate) struct Running {
    pub(crate) engine: Engine,
    pub(crate) http: reqwest::Client,
    pub(crate) directory: TempDir,
}

/// Starts an engine with the default configuration.
pub(crate) async fn start() -> Running {
    start_with(|_| {}).await
}

/// Starts an engine with a configuration that differs from the default one.
pub(crate) async fn start_with(change: impl FnOnce(&mut SupervisorConfig)) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path().join("data"));
    change(&mut config);
    let engine = Engine::start(config).await.unwrap();
    Running { engine, http: reqwest::Client::new(), directory }
}

/// The configuration of an engine that keeps its data in `data_dir`.
pub(crate) fn config(data_dir: PathBuf) -> SupervisorConfig {
    let library = locate_library(None).unwrap_or_else(|missing| panic!("{missing}\nrun cargo xtask test"));
    SupervisorConfig::new(env!("CARGO_BIN_EXE_embedded-clickhouse-engine").into(), library, data_dir)
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `X-ClickHouse-Exception-Code`.
    pub(crate) code: Option<u32>,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let code = headers.get("x-clickhouse-exception-code").map(|code| code.to_str().unwrap().parse().unwrap());
        Self { status, code, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }
}

impl Running {
    /// The `clickhouse` crate's client, as the service uses it.
    pub(crate) fn client(&self) -> Client {
        client(&self.engine)
    }

    /// POSTs `sql` as the writing user and gives the reply's text; any error ends the test.
    pub(crate) async fn write(&self, sql: &str) -> String {
        let answer = self.post(Who::Writer, &[], sql.to_owned()).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.text()
    }

    /// POSTs `sql` with more URL parameters.
    pub(crate) async fn post(&self, who: Who, parameters: &[(&str, &str)], sql: impl Into<reqwest::Body>) -> Answer {
        let request = self.http.post(&self.engine.endpoint().url).query(parameters);
        Answer::of(self.login(request, who).body(sql).send().await.unwrap()).await
    }

    /// GETs `sql` with more URL parameters.
    pub(crate) async fn get(&self, who: Who, parameters: &[(&str, &str)], sql: &str) -> Answer {
        let request = self.http.get(&self.engine.endpoint().url).query(&[("query", sql)]).query(parameters);
        Answer::of(self.login(request, who).send().await.unwrap()).await
    }

    fn login(&self, request: reqwest::RequestBuilder, who: Who) -> reqwest::RequestBuilder {
        let login = match who {
            Who::Writer => &self.engine.endpoint().writer,
            Who::Reader => &self.engine.endpoint().reader,
        };
        request.basic_auth(&login.user, Some(&login.key))
    }
}

/// The user that asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    Writer,
    Reader,
}

/// The `clickhouse` crate's client for an engine.
pub(crate) fn client(engine: &Engine) -> Client {
    let endpoint = engine.endpoint();
    Client::default()
        .with_url(&endpoint.url)
        .with_database(&endpoint.database)
        .with_user(&endpoint.writer.user)
        .with_password(&endpoint.writer.key)
}
