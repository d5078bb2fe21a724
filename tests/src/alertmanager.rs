//! Alertmanager with the routes, inhibitions and templates of deploy/, its times shortened and its receivers replaced by one that listens.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::until;

/// A receiver's name and what it was told.
pub type Heard = Arc<Mutex<Vec<(String, Value)>>>;

/// Takes webhooks until the test ends; on which port, and what it was told.
///
/// # Panics
/// If there is no free port.
pub async fn listen() -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Heard::default());
    let told = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, told.clone()));
        }
    });
    (port, heard)
}

/// Answers the requests of one connection.
async fn take(stream: TcpStream, heard: Heard) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut receiver, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
            if let Some(path) = line.strip_prefix("POST /") {
                receiver = path.split(' ').next()?.to_owned();
            } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            } else if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        heard.lock().unwrap().push((receiver, serde_json::from_slice(&body).ok()?));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.ok()?;
    }
}

/// A real Alertmanager with the committed routes; killed when dropped.
pub struct Alertmanager {
    process: Child,
    /// HTTP address.
    pub url: String,
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Alertmanager {
    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(dir: &Path, webhooks: u16) -> Self {
        let config = dir.join("alertmanager.yml");
        std::fs::write(&config, shortened(webhooks).to_string()).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", dir.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { process, url: format!("http://127.0.0.1:{port}") };
        until("Alertmanager is ready", async || {
            let answer = reqwest::get(format!("{}/-/ready", started.url)).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        started
    }

    /// Alerts of one moment.
    ///
    /// # Panics
    /// If they are refused.
    pub async fn alert(&self, labels: &[Value]) {
        let alerts: Vec<_> = labels.iter().map(|labels| json!({"labels": labels})).collect();
        self.post("alerts", json!(alerts)).await;
    }

    /// What counts as an acknowledgement.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn silence(&self, alertname: &str) {
        let matcher = json!({"name": "alertname", "value": alertname, "isRegex": false, "isEqual": true});
        let silence = json!({
            "matchers": [matcher], "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z", "createdBy": "test", "comment": "looking"
        });
        self.post("silences", silence).await;
    }

    async fn post(&self, what: &str, body: Value) {
        let answer = reqwest::Client::new().post(format!("{}/api/v2/{what}", self.url)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

/// The committed configuration in seconds instead of minutes and hours, with a webhook for each receiver.
fn shortened(webhooks: u16) -> Value {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/alertmanager");
    let text = std::fs::read_to_string(deploy.join("alertmanager.yml")).unwrap();
    let mut config: Value = yaml_serde::from_str(&text).unwrap();
    shorten(&mut config["route"]);
    config["global"] = json!({});
    config["templates"] = json!([deploy.join("templates/*.tmpl")]);
    for receiver in config["receivers"].as_array_mut().unwrap() {
        let name = receiver["name"].as_str().unwrap().to_owned();
        *receiver = json!({"name": name, "webhook_configs": [{"url": format!("http://127.0.0.1:{webhooks}/{name}")}]});
    }
    config
}

fn shorten(route: &mut Value) {
    for (time, seconds) in [("10s", "1s"), ("30s", "1s"), ("5m", "1s"), ("15m", "6s"), ("30m", "1h")] {
        for key in ["group_wait", "group_interval", "repeat_interval"] {
            if route[key] == time {
                route[key] = json!(seconds);
            }
        }
    }
    for below in route["routes"].as_array_mut().into_iter().flatten() {
        shorten(below);
    }
}
