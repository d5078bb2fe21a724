//! TLS and HTTP/2, by clients that are not the service's own libraries' servers: rustls and hyper as a browser would use them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{path::Path, sync::Arc};

use beamline_tests::{Launch, Service, beacon, until, vital};
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rum_protocol::DEFAULT_PATH;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
        version::{TLS12, TLS13},
    },
};

/// Makes a certificate and writes it and its key where the service reads them.
fn certify(dir: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["beamline.test".to_owned()]).unwrap();
    std::fs::write(dir.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(dir.join("cert.pem"), cert.pem()).unwrap();
    cert.der().clone()
}

fn launch(dir: &Path) -> Launch {
    let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    Launch::with(&format!("[server.tls]\ncert = {:?}\nkey = {:?}\n", file("cert.pem"), file("key.pem")))
}

fn address(service: &Service) -> &str {
    service.url.strip_prefix("http://").unwrap()
}

async fn connect(
    service: &Service,
    trusted: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    let stream = TcpStream::connect(address(service)).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("beamline.test").unwrap(), stream).await
}

fn post(number: u32) -> Request<Full<Bytes>> {
    let body = beacon(&format!("tls-{number}"), "/", &[vital("LCP", f64::from(number))]).to_string();
    Request::post(format!("https://beamline.test{DEFAULT_PATH}?key=default"))
        .header("host", "beamline.test")
        .body(body.into())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn beacons_over_tls_are_stored_whatever_the_versions() {
    let dir = tempfile::tempdir().unwrap();
    let certificate = certify(dir.path());
    let service = Service::start(&dir.path().join("data"), &launch(dir.path()));
    let mut number = 0;
    for version in [&TLS12, &TLS13] {
        number += 1;
        let stream = connect(&service, &certificate, version, "http/1.1").await.unwrap();
        let (mut sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        assert_eq!(sender.send_request(post(number)).await.unwrap().status(), 202);

        number += 1;
        let stream = connect(&service, &certificate, version, "h2").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) = conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        assert_eq!(sender.send_request(post(number)).await.unwrap().status(), 202);
    }
    service.until_sql("SELECT count(), sum(value) FROM events", "4\t10").await;

    // What is no TLS at all is no answer, and no trouble.
    let mut plain = TcpStream::connect(address(&service)).await.unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(connect(&service, &certificate, &TLS13, "h2").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_over_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let first = certify(dir.path());
    let service = Service::start(&dir.path().join("data"), &launch(dir.path()));
    let old = connect(&service, &first, &TLS13, "http/1.1").await.unwrap();
    let (mut sender, connection) = conn::http1::handshake(TokioIo::new(old)).await.unwrap();
    tokio::spawn(connection);

    let second = certify(dir.path());
    service.hang_up();
    until("the new certificate", async || connect(&service, &second, &TLS13, "h2").await.ok()).await;
    assert!(connect(&service, &first, &TLS13, "h2").await.is_err());
    assert_eq!(sender.send_request(post(1)).await.unwrap().status(), 202, "an open connection goes on");

    std::fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    service.hang_up();
    until("the log says so", async || service.log().contains("the old certificate stays").then_some(())).await;
    assert!(connect(&service, &second, &TLS13, "h2").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_http2_connection_carries_many_beacons_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    let stream = TcpStream::connect(address(&service)).await.unwrap();
    let (mut sender, connection) = conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    // With the first answer the client knows how many streams it may have; what it opens beyond that before is refused, to be sent again.
    assert_eq!(sender.send_request(post(0)).await.unwrap().status(), 202);
    let mut requests = JoinSet::new();
    for number in 1..200 {
        let mut sender = sender.clone();
        requests.spawn(async move {
            let answer = sender.send_request(post(number)).await.unwrap();
            let status = answer.status();
            answer.into_body().collect().await.unwrap();
            status
        });
    }
    assert!(requests.join_all().await.iter().all(|status| status.as_u16() == 202));
    service.until_sql("SELECT count(), uniqExact(value) FROM events", "200\t200").await;
}

/// A frame of HTTP/2, RFC 9113 section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_streams_that_are_reset_at_once_costs_its_own_connection() {
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::default());
    let mut flood = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat();
    for stream in (1..20_000).step_by(2) {
        // GET, http, /, :authority x; then CANCEL.
        flood.extend(frame(HEADERS, 0x5, stream, b"\x82\x86\x84\x41\x01x"));
        flood.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    let (mut reads, mut writes) = TcpStream::connect(address(&service)).await.unwrap().into_split();
    let writing = tokio::spawn(async move { writes.write_all(&flood).await });
    // Ends only because the service ends it; the reset may overtake the last frame.
    let _ = reads.read_to_end(&mut Vec::new()).await;
    let _ = writing.await.unwrap();
    service.accept(&beacon("after-the-flood", "/", &[vital("LCP", 1.0)])).await;
    let answered = service.metric("beamline_http_requests_total{route=\"unmatched\",status=\"404\"}").await.unwrap_or(0.0);
    assert!(answered < 1000.0, "{answered} of 10,000 were worked on");
}
