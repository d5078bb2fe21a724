//! What happens at the bounds: rates, a full spool, bodies that never end.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use beamline_tests::{Answer, Launch, Service, beacon, vital};
use rum_protocol::{DEFAULT_PATH, RejectReason};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sends raw bytes and reads the answer until the service closes.
async fn raw(service: &Service, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(service.url.strip_prefix("http://").unwrap()).await.unwrap();
    for part in parts {
        stream.write_all(part).await.unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn head(rest: &str) -> String {
    format!("POST {DEFAULT_PATH}?key=default HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{rest}\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_cut_to_the_keys_rate_and_told_when_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[[projects]]\nid = \"shop\"\nkey = \"default\"\nrate_limit_per_second = 1\n";
    let service = Service::start(&dir.path().join("data"), &Launch::with(config));
    let mut accepted = 0;
    let limited = loop {
        let answer = Answer::to(service.post(json!({"metric": "LCP", "value": 1}).to_string())).await;
        if answer.status != 202 {
            break answer;
        }
        accepted += 1;
    };
    assert!((10..=20).contains(&accepted), "{accepted}");
    assert_eq!((limited.status, &limited.json()["type"]), (429, &json!(RejectReason::RateLimited.problem_type())));
    assert!(limited.headers.contains_key("retry-after"));
    service.until_sql("SELECT count() FROM events", &accepted.to_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_answers_503_and_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let small = "[spool]\nmax_bytes = 65536\nsegment_max_bytes = 65536\nsegment_max_age_ms = 600000\n";
    let service = Service::start(&data, &Launch::with(small));
    let mut accepted = 0_u32;
    let refused = loop {
        let answer = Answer::to(service.post(beacon(&format!("b{accepted}"), "/", &[vital("LCP", 1.0)]).to_string())).await;
        if answer.status != 202 {
            break answer;
        }
        accepted += 1;
    };
    assert_eq!((refused.status, &refused.json()["type"]), (503, &json!(RejectReason::StorageUnavailable.problem_type())));
    assert!(refused.headers.contains_key("retry-after"));
    assert!(accepted > 50, "{accepted}");
    service.stop().await;
    let service = Service::start(&data, &Launch::default());
    service.until_sql("SELECT count(), uniqExact(event_id) FROM events", &format!("{accepted}\t{accepted}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_without_end_are_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let launch = Launch { env: vec![("BEAMLINE_SERVER__BODY_TIMEOUT_SECONDS".into(), "1".into())], ..Launch::default() };
    let service = Service::start(&dir.path().join("data"), &launch);

    let slow = raw(&service, &[head("content-length: 100\r\n").as_bytes(), b"{\"metric\":"]).await;
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains(&RejectReason::BodyIncomplete.problem_type()), "{slow}");

    let chunk = format!("{:x}\r\n{}\r\n", 16 << 10, "x".repeat(16 << 10));
    let head = head("transfer-encoding: chunked\r\n");
    let parts = [head.as_bytes()].into_iter().chain(std::iter::repeat_n(chunk.as_bytes(), 64)).chain([&b"0\r\n\r\n"[..]]);
    let long = raw(&service, &parts.collect::<Vec<_>>()).await;
    assert!(long.starts_with("HTTP/1.1 413") && long.contains(&RejectReason::BodyTooLarge.problem_type()), "{long}");
}
