//! Every hostile request of tests/fixtures/hostile against a real service: each gets its documented answer, and none of them costs the
//! process its life, its memory, or the next honest beacon.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use beamline_tests::{DEADLINE, Launch, Service, beacon, vital};
use rum_protocol::{DEFAULT_PATH, RejectReason};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Most memory the service may ever have had resident after the whole corpus, from start to end. An idle one has about 30 MiB.
const RESIDENT_LIMIT_BYTES: u64 = 192 << 20;

const CONFIG: &str = r#"
[[projects]]
id = "open"
key = "default"
keys = [{ id = "old", key = "disabled", disabled = true }, { id = "live", key = "production", environments = ["production"] }]
[[projects]]
id = "shop"
key = "shop"
allowed_origins = ["https://shop.example"]
"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    case: Vec<Case>,
}

/// See the head of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    status: u16,
    #[serde(default)]
    reason: String,
    method: Option<String>,
    target: Option<String>,
    #[serde(default)]
    headers: Vec<String>,
    body: Option<String>,
    hex: Option<String>,
    raw: Option<String>,
    raw_hex: Option<String>,
    repeat: Option<(String, usize)>,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let whole = |text: &str| match &self.repeat {
            Some((unit, times)) => text.replace('@', &unit.repeat(*times)),
            None => text.to_owned(),
        };
        if let Some(raw) = &self.raw {
            return whole(raw).into_bytes();
        }
        if let Some(raw) = &self.raw_hex {
            return unhex(&whole(raw));
        }
        let body = match (&self.body, &self.hex) {
            (Some(text), _) => whole(text).into_bytes(),
            (None, hex) => unhex(&whole(hex.as_deref().unwrap_or_default())),
        };
        let target = self.target.as_deref().map_or_else(|| format!("{DEFAULT_PATH}?key=default"), whole);
        let mut head =
            format!("{} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n", self.method.as_deref().unwrap_or("POST"));
        for header in &self.headers {
            head.push_str(&whole(header));
            head.push_str("\r\n");
        }
        let length = format!("content-length: {}\r\n\r\n", body.len());
        [head.into_bytes(), length.into_bytes(), body].concat()
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn corpus() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile/cases.toml");
    let corpus: Corpus = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    corpus.case
}

/// Sends a request and reads until the service closes. A service that closes first is no error.
async fn send(service: &Service, bytes: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(service.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let mut answer = Vec::new();
    let both = async { tokio::join!(writer.write_all(bytes), reader.read_to_end(&mut answer)) };
    let ended = tokio::time::timeout(DEADLINE, both).await;
    assert!(ended.is_ok(), "the connection stays open");
    answer
}

/// Status and reason of an HTTP/1 answer; 0 for anything else.
fn outcome(answer: &[u8]) -> (u16, String) {
    let text = String::from_utf8_lossy(answer);
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok()).unwrap_or(0);
    let reason = RejectReason::ALL.iter().find(|reason| text.contains(&format!("\"{}\"", reason.problem_type())));
    (status, reason.map_or_else(String::new, |reason| reason.name().to_owned()))
}

fn highest_resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_request_gets_its_answer_and_costs_nothing_else() {
    let cases = corpus();
    assert!(cases.len() >= 200, "{}", cases.len());
    let dir = tempfile::tempdir().unwrap();
    let env = [("BODY", "1"), ("HEADER", "1"), ("IDLE", "1")]
        .map(|(what, seconds)| (format!("BEAMLINE_SERVER__{what}_TIMEOUT_SECONDS"), seconds.to_owned()));
    let service = Service::start(&dir.path().join("data"), &Launch { config: CONFIG.into(), env: env.into() });
    let mut wrong = Vec::new();
    for case in &cases {
        let answer = send(&service, &case.bytes()).await;
        let found = outcome(&answer);
        if found != (case.status, case.reason.clone()) {
            let answer = String::from_utf8_lossy(&answer[..answer.len().min(600)]).into_owned();
            wrong.push(format!("{}: expected {} {}, got {found:?}\n{answer}\n", case.name, case.status, case.reason));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let resident = highest_resident_bytes(service.pid());
    assert!(resident < RESIDENT_LIMIT_BYTES, "{} MiB resident", resident >> 20);

    service.accept(&beacon("honest", "/honest", &[vital("LCP", 1.0)])).await;
    service.until_sql("SELECT count() FROM events WHERE page = '/honest'", "1").await;
    let log = service.stop().await;
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_request_at_once_is_survived_too() {
    let dir = tempfile::tempdir().unwrap();
    let env = [("BODY", "1"), ("HEADER", "1"), ("IDLE", "1")]
        .map(|(what, seconds)| (format!("BEAMLINE_SERVER__{what}_TIMEOUT_SECONDS"), seconds.to_owned()));
    let service = std::sync::Arc::new(Service::start(&dir.path().join("data"), &Launch { config: CONFIG.into(), env: env.into() }));
    let mut sent = tokio::task::JoinSet::new();
    for case in corpus() {
        let service = service.clone();
        sent.spawn(async move { send(&service, &case.bytes()).await });
    }
    let (mut answered, mut refused) = (0, 0);
    while let Some(answer) = sent.join_next().await {
        let (status, _) = outcome(&answer.unwrap());
        *if status < 400 { &mut answered } else { &mut refused } += 1;
    }
    assert!(answered > 0 && refused > 200, "{answered} {refused}");
    let resident = highest_resident_bytes(service.pid());
    assert!(resident < RESIDENT_LIMIT_BYTES, "{} MiB resident", resident >> 20);
    service.accept(&beacon("honest", "/", &[vital("LCP", 1.0)])).await;
}
