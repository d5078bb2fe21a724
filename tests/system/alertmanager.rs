//! Alertmanager with the routes, inhibitions and templates of deploy/, its times shortened and its receivers replaced by one that listens.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use beamline_tests::until;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A receiver's name and what it was told.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

/// Takes webhooks until the test ends.
async fn listen() -> (u16, Heard) {
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

struct Alertmanager {
    process: Child,
    url: String,
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Alertmanager {
    async fn start(dir: &Path, webhooks: u16) -> Self {
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
    async fn alert(&self, labels: &[Value]) {
        let alerts: Vec<_> = labels.iter().map(|labels| json!({"labels": labels})).collect();
        self.post("alerts", json!(alerts)).await;
    }

    /// What counts as an acknowledgement.
    async fn silence(&self, alertname: &str) {
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

/// Names of the alerts that a receiver heard of.
fn told(heard: &Heard, receiver: &str) -> Vec<String> {
    let heard = heard.lock().unwrap();
    let alerts = heard.iter().filter(|(name, _)| name == receiver).flat_map(|(_, body)| body["alerts"].as_array().unwrap());
    alerts.map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
}

async fn hears(heard: &Heard, receiver: &str, alertname: &str) {
    let is_told = async || told(heard, receiver).iter().any(|name| name == alertname).then_some(());
    until(&format!("{receiver} hears of {alertname}"), is_told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_acknowledges_is_escalated_and_what_follows_from_it_is_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (port, heard) = listen().await;
    let alertmanager = Alertmanager::start(dir.path(), port).await;

    let platform = |alertname: &str, severity: &str, component: &str| json!({"alertname": alertname, "severity": severity, "team": "platform", "component": component});

    // ClickHouse is down; what follows from it stays quiet.
    alertmanager.alert(&[platform("ClickHouseDown", "P1", "clickhouse"), platform("SummariesStale", "P2", "clickhouse")]).await;
    hears(&heard, "on-call-p1", "ClickHouseDown").await;
    alertmanager.silence("ClickHouseDown").await;

    // Two objectives of one project are one message to the frontend team; the slower burn of one is not in it.
    let burn = |slo: &str, severity: &str| json!({"alertname": "VitalBudgetBurn", "severity": severity, "team": "frontend", "component": "rum", "project": "shop", "slo": slo});
    alertmanager.alert(&[burn("LCP", "P1"), burn("INP", "P1"), burn("LCP", "P3")]).await;
    hears(&heard, "frontend-p1", "VitalBudgetBurn").await;
    assert_eq!(told(&heard, "frontend-p1"), ["VitalBudgetBurn"; 2]);

    // The escalation of what was silenced would have been due before this one.
    hears(&heard, "escalation", "VitalBudgetBurn").await;
    assert_eq!(told(&heard, "escalation"), ["VitalBudgetBurn"; 2]);

    // The service is down: what it measures says nothing. The machine still does.
    alertmanager.alert(&[platform("BeamlineDown", "P0", "service")]).await;
    hears(&heard, "on-call-p0", "BeamlineDown").await;
    alertmanager.alert(&[platform("SpoolFilling", "P1", "spool")]).await;
    alertmanager.alert(&[platform("HostDiskFull", "P1", "host")]).await;
    hears(&heard, "on-call-p1", "HostDiskFull").await;
    for receiver in ["webhook", "on-call-p1", "escalation", "platform-chat", "frontend-mail"] {
        for inhibited in ["SummariesStale", "SpoolFilling"] {
            assert!(!told(&heard, receiver).iter().any(|name| name == inhibited), "{receiver} was told of {inhibited}");
        }
    }
    assert!(told(&heard, "frontend-mail").is_empty());
}

#[test]
fn a_message_has_value_threshold_page_runbook_and_dashboard() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/alertmanager/templates/*.tmpl");
    let annotations = json!({
        "summary": "shop: LCP burns", "description": "Users wait.", "value": "95%", "threshold": "90%", "page": "/cart",
        "runbook_url": "deploy/runbooks/VitalBudgetBurn.md", "dashboard": "/d/beamline-slo-prometheus"
    });
    let labels = json!({"alertname": "VitalBudgetBurn", "severity": "P1"});
    let data = json!({
        "status": "firing", "groupLabels": {"alertname": "VitalBudgetBurn"}, "commonLabels": labels, "commonAnnotations": annotations,
        "alerts": [{"status": "firing", "labels": labels, "annotations": annotations, "startsAt": "2026-01-02T03:04:05Z"}]
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), data.to_string()).unwrap();
    let render = |name: &str| {
        let output = Command::new("amtool")
            .args(["template", "render"])
            .arg(format!("--template.glob={}", templates.display()))
            .arg(format!("--template.text={{{{ template \"beamline.{name}\" . }}}}"))
            .arg(format!("--template.data={}", file.path().display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(render("title"), "[P1] shop: LCP burns");
    assert_eq!(render("color"), "danger");
    for part in ["Users wait.", "95%", "90%", "/cart", "/deploy/runbooks/VitalBudgetBurn.md", "/d/beamline-slo-prometheus"] {
        assert!(render("text").contains(part), "{part} in {}", render("text"));
        assert!(render("html").contains(part), "{part} in {}", render("html"));
    }
}
