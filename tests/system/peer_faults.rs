//! Faults found in other services of this kind, one test each. Three more are held where they can be seen exactly: a limiter that
//! starves a steady caller and one that address churn resets in `ingest/src/pipeline/rate_limit.rs`, the first hop of `X-Forwarded-For`
//! in `ingest/src/http/client_address.rs` and, from outside, here.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use beamline_tests::{Answer, Launch, Service, beacon, now_ms, vital};
use rum_protocol::{DEFAULT_PATH, RejectReason, limits};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const VITAL: &str = r#"{"metric":"LCP","value":1}"#;

fn start(config: &str) -> (tempfile::TempDir, Service) {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(config));
    (dir, service)
}

async fn connect(service: &Service) -> TcpStream {
    TcpStream::connect(service.url.strip_prefix("http://").unwrap()).await.unwrap()
}

fn head(key: &str, rest: &str) -> String {
    format!("POST {DEFAULT_PATH}?key={key} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{rest}\r\n")
}

fn refused(answer: &Answer, reason: RejectReason) {
    assert_eq!((answer.status, &answer.json()["type"]), (reason.status(), &json!(reason.problem_type())), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_size_check_only_after_decoding() {
    let (_dir, service) = start("");
    // Nothing of it is gzip: whoever decoded first would say so.
    let large = vec![0_u8; limits::MAX_BODY_BYTES + 1];
    refused(&Answer::to(service.post(large).header("content-encoding", "gzip")).await, RejectReason::BodyTooLarge);
    // Announced and never sent: the answer needs the head only.
    let mut stream = connect(&service).await;
    stream.write_all(head("default", "content-length: 1099511627776\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_chunked_body_without_length() {
    let (_dir, service) = start("");
    let (mut reader, mut writer) = connect(&service).await.into_split();
    writer.write_all(head("default", "transfer-encoding: chunked\r\n").as_bytes()).await.unwrap();
    // A body without end: it is cut off while it is still being sent.
    let endless = async { while writer.write_all(b"400\r\n").await.is_ok() && writer.write_all(&[b' '; 1026]).await.is_ok() {} };
    let mut answer = Vec::new();
    let read = async { reader.read_to_end(&mut answer).await };
    let _ = tokio::join!(endless, read);
    let peak = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let peak: u64 = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok()).unwrap();
    assert!(peak < 192 << 10, "{peak} KiB resident");
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_key_checked_after_parsing() {
    let (_dir, service) = start("");
    refused(&Answer::to(service.post_with_key("nobody", "not json")).await, RejectReason::UnknownKey);
    // A sender that waits for a word is refused without one.
    let mut stream = connect(&service).await;
    stream.write_all(head("nobody", "expect: 100-continue\r\ncontent-length: 26\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_exact_content_type_match() {
    let (_dir, service) = start("");
    let url = format!("{}{DEFAULT_PATH}?key=default", service.url);
    for given in [Some("text/plain;charset=UTF-8"), Some("application/json; charset=utf-8"), Some("Text/Plain ; x=\"y\""), None] {
        let request = reqwest::Client::new().post(&url).body(VITAL);
        let request =
            given.map_or_else(|| request.try_clone().unwrap(), |given| request.try_clone().unwrap().header("content-type", given));
        assert_eq!(Answer::to(request).await.status, 202, "{given:?}");
    }
}

const BEHIND_A_PROXY: &str = "[[projects]]\nid = \"shop\"\nkey = \"default\"\nclient_rate_limit_per_second = 1\n";

fn behind_a_proxy() -> (tempfile::TempDir, Service) {
    let dir = tempfile::tempdir().unwrap();
    let env = vec![("BEAMLINE_SERVER__TRUSTED_PROXIES".to_owned(), "[\"127.0.0.0/8\"]".to_owned())];
    let service = Service::start(&dir.path().join("data"), &Launch { config: BEHIND_A_PROXY.into(), env });
    (dir, service)
}

async fn send_for(service: &Service, forwarded_for: &str) -> Answer {
    Answer::to(service.post(VITAL).header("x-forwarded-for", forwarded_for)).await
}

/// Uses up what a client may send at once.
async fn use_up(service: &Service, mut forwarded_for: impl FnMut(u32) -> String) -> Answer {
    for n in 0..200 {
        let answer = send_for(service, &forwarded_for(n)).await;
        if answer.status != 202 {
            return answer;
        }
    }
    panic!("200 beacons passed a limit of 1 a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_limiter_reset_by_key_churn() {
    let (_dir, service) = behind_a_proxy();
    // The whole /24 shares one limit.
    let limited = use_up(&service, |n| format!("192.0.2.{}", n % 250)).await;
    refused(&limited, RejectReason::RateLimited);
    let wait: u64 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(wait, 1, "one beacon a second");
    for n in 0..300 {
        refused(&Answer::to(service.post_with_key(&format!("churn-{n}"), VITAL)).await, RejectReason::UnknownKey);
        assert_eq!(send_for(&service, &format!("198.{}.{}.1", 18 + n / 256, n % 256)).await.status, 202, "an honest other network");
    }
    // What it has saved up meanwhile is its rate, never a new burst.
    let mut again = 0;
    while send_for(&service, "192.0.2.9").await.status == 202 {
        again += 1;
        assert!(again < 10, "a whole burst again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_first_hop_of_x_forwarded_for_believed() {
    let (_dir, service) = behind_a_proxy();
    // A new lie with every request; the proxy appends the truth.
    let limited = use_up(&service, |n| format!("203.0.{n}.1, 192.0.2.7")).await;
    refused(&limited, RejectReason::RateLimited);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_204_on_garbage() {
    let (_dir, service) = start("");
    for garbage in ["", "garbage", "{}", "null", "[]", "{\"v\":1}", "\u{0}", "<svg/>"] {
        let answer = Answer::to(service.post(garbage)).await;
        assert!((400..500).contains(&answer.status), "{garbage:?}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{garbage:?}");
    }
    assert_eq!(Answer::to(service.post(VITAL)).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_unbounded_task_per_event() {
    let dir = tempfile::tempdir().unwrap();
    let env = vec![("BEAMLINE_SERVER__MAX_REQUESTS_IN_FLIGHT".to_owned(), "2".to_owned())];
    let service = Service::start(&dir.path().join("data"), &Launch { env, ..Launch::default() });
    // Two requests at work, their bodies on the way: the places are taken, and work does not queue up behind them.
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&service).await;
        let expect = head("default", "expect: 100-continue\r\ncontent-length: 26\r\n");
        stream.write_all(expect.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100 Continue"));
        open.push(stream);
    }
    let shed = Answer::to(service.post(VITAL)).await;
    refused(&shed, RejectReason::Overloaded);
    assert!(shed.headers.contains_key("retry-after"));
    assert_eq!(service.fetch("/health/ready").await.status, 200, "probes answer under any load");
    for mut stream in open {
        stream.write_all(VITAL.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    }
    assert_eq!(Answer::to(service.post(VITAL)).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_one_skewed_clock_failing_a_whole_batch() {
    let (_dir, service) = start("");
    let mut events = vec![vital("LCP", 1.0), vital("FCP", 1.0), vital("TTFB", 1.0)];
    events[1]["at_ms"] = json!(1);
    let answer = Answer::to(service.post(beacon("one", "/", &events).to_string())).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(2)));
    assert_eq!(answer.json()["rejected"][0]["reason"], RejectReason::TimeOutOfRange.name());
    // A sender whose clock is ten years ahead, in all of its times.
    let ahead_ms = 10 * 365 * 86_400_000;
    let mut skewed = beacon("two", "/", &[vital("LCP", 1.0)]);
    skewed["sent_at_ms"] = json!(now_ms() + ahead_ms);
    skewed["events"][0]["at_ms"] = json!(now_ms() + ahead_ms);
    service.accept(&skewed).await;
    service.until_sql("SELECT count(), countIf(abs(dateDiff('minute', ts, now())) < 5) FROM events", "3\t3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_failed_flush_dropping_its_batch() {
    let (_dir, service) = start("");
    service.until_sql("SELECT count() FROM events", "0").await;
    for n in 0..60 {
        // The engine dies while beacons come in: some flushes fail, no beacon is lost.
        if n % 20 == 10 {
            service.kill_engine().await;
        }
        service.accept(&beacon(&format!("b{n}"), "/", &[vital("LCP", 1.0)])).await;
    }
    service.until_sql("SELECT count(), uniqExact(event_id) FROM events", "60\t60").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_fault_payload_dumped_into_the_error_log() {
    let dir = tempfile::tempdir().unwrap();
    let env = vec![("BEAMLINE_LOG__FILTER".to_owned(), "rum_ingest=trace".to_owned())];
    let service = Service::start(&dir.path().join("data"), &Launch { env, ..Launch::default() });
    let secret = "geheim-4711";
    for body in [
        format!("{{\"metric\":\"LCP\",\"value\":\"{secret}\"}}"),
        format!("{{\"metric\":\"{secret}"),
        format!("[{{\"event\":\"{}{secret}\"}}]", "x".repeat(300)),
        format!("{{\"v\":1,\"beacon_id\":\"{secret}\",\"events\":\"{secret}\"}}"),
        format!("{{\"v\":\"{secret}\"}}"),
        secret.repeat(10_000),
    ] {
        let answer = Answer::to(service.post(body).header("user-agent", secret).header("x-forwarded-for", secret)).await;
        assert!(answer.status >= 400 && !answer.text.contains(secret), "{answer:?}");
    }
    refused(&Answer::to(service.post_with_key(secret, VITAL)).await, RejectReason::UnknownKey);
    let log = service.stop().await;
    assert!(log.contains("beacon refused"), "refusals are logged at this level");
    assert!(!log.contains(secret), "{log}");
}
