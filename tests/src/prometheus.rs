//! A real Prometheus.

use std::{
    io::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::until;

/// A running Prometheus; killed when dropped.
pub struct Prometheus {
    process: Child,
    /// HTTP address.
    pub url: String,
}

impl Prometheus {
    /// Starts it with this configuration and the data in `dir/tsdb`, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(dir: &Path, config: &str) -> Self {
        Self::start_with(dir, config, &[]).await
    }

    /// The same with more arguments.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_with(dir: &Path, config: &str, arguments: &[&str]) -> Self {
        let file = dir.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            // What fires before it has found Alertmanager is told right after.
            .arg("--rules.alert.resend-delay=1s")
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { process, url: format!("http://127.0.0.1:{port}") };
        until("Prometheus is ready", async || {
            let answer = reqwest::get(format!("{}/-/ready", started.url)).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        started
    }

    /// The value of a query that gives one series; absent for none.
    ///
    /// # Panics
    /// If the query is refused.
    pub async fn value(&self, query: &str) -> Option<f64> {
        let answer = self.api("query", &[("query", query)]).await;
        answer["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// `data` of an answer of the HTTP API.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn api(&self, what: &str, parameters: &[(&str, &str)]) -> Value {
        let url = format!("{}/api/v1/{what}", self.url);
        let answer: Value = reqwest::Client::new().get(url).query(parameters).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].clone()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The real promtool reads a page of `/metrics` and finds nothing to complain about.
///
/// # Panics
/// If it does.
pub fn assert_exposition(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
