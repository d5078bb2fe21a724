//! Clients that take their time must cost the others none of theirs.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::{Duration, Instant};

use beamline_tests::{Launch, Service, beacon, vital};
use rum_protocol::DEFAULT_PATH;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

const SLOW_CLIENTS: usize = 50;
/// Phases without and with slow clients take turns, so that whatever else the machine does falls on both.
const ROUNDS: usize = 20;
const REQUESTS_A_PHASE: usize = 60;

/// Sends a head byte by byte, a body byte by byte, or nothing behind a good request, until dropped.
async fn dawdle(address: String, kind: usize) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {DEFAULT_PATH}?key=default HTTP/1.1\r\nhost: x\r\n");
    let (at_once, drip) = match kind % 3 {
        0 => (String::new(), format!("{head}x-slow: {}", "y".repeat(8000))),
        1 => (format!("{head}content-length: 60000\r\n\r\n"), " ".repeat(8000)),
        _ => ("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), String::new()),
    };
    stream.write_all(at_once.as_bytes()).await.unwrap();
    for byte in drip.bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// How long honest beacons take, one after the other on one connection.
async fn honest(client: &reqwest::Client, url: &str, times: &mut Vec<Duration>) {
    for _ in 0..REQUESTS_A_PHASE {
        let body = beacon(&format!("b{}", times.len()), "/", &[vital("LCP", 1.0)]).to_string();
        let begin = Instant::now();
        let answer = client.post(url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        times.push(begin.elapsed());
    }
}

fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_slow_clients_do_not_double_the_p99_of_honest_ones() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    let address = service.url.strip_prefix("http://").unwrap().to_owned();
    let url = format!("{}{DEFAULT_PATH}?key=default", service.url);
    let client = reqwest::Client::new();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    honest(&client, &url, &mut Vec::new()).await;
    for _ in 0..ROUNDS {
        honest(&client, &url, &mut alone).await;
        let mut slow = JoinSet::new();
        for kind in 0..SLOW_CLIENTS {
            slow.spawn(dawdle(address.clone(), kind));
        }
        beamline_tests::until("all slow clients are connected", async || {
            let open = service.metric("beamline_connections").await?;
            (open > 50.0).then_some(())
        })
        .await;
        honest(&client, &url, &mut beside).await;
        slow.shutdown().await;
    }
    let (alone, beside) = (p99(&mut alone), p99(&mut beside));
    assert!(beside <= alone * 2, "p99 alone {alone:?}, beside {SLOW_CLIENTS} slow clients {beside:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_and_idle_connections_are_closed_and_one_too_many_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let env = [("HEADER_TIMEOUT_SECONDS", "1"), ("IDLE_TIMEOUT_SECONDS", "1"), ("MAX_CONNECTIONS", "3")]
        .map(|(key, value)| (format!("BEAMLINE_SERVER__{key}"), value.to_owned()));
    let service = Service::start(&dir.path().join("data"), &Launch { env: env.into(), ..Launch::default() });
    let connect = || TcpStream::connect(service.url.strip_prefix("http://").unwrap().to_owned());
    let mut slow = connect().await.unwrap();
    slow.write_all(b"GET /health/live HTTP/1.1\r\nx-slow: ").await.unwrap();
    let mut idle = connect().await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut silent = connect().await.unwrap();
    let mut answer = String::new();
    let one_too_many = async {
        let mut text = String::new();
        connect().await.unwrap().read_to_string(&mut text).await.unwrap();
        text
    };
    let refused = one_too_many.await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: "), "{refused}");
    assert!(refused.ends_with('}') && refused.contains("urn:beamline:problem:overloaded"), "{refused}");
    // Each read ends because the service closes.
    assert_eq!(slow.read_to_string(&mut String::new()).await.unwrap(), 0);
    assert_eq!(silent.read_to_string(&mut String::new()).await.unwrap(), 0);
    idle.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("{\"status\":\"ok\"}"), "{answer}");
    assert_eq!(service.metric("beamline_connections_refused_total").await, Some(1.0));
    service.stop().await;
}
