//! The fuzz targets of ingest/fuzz with fixed seeds: bodies and requests of the hostile corpus, and segments, changed at random but the
//! same each time.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

use rand::{Rng, SeedableRng, rngs::StdRng};
use rum_ingest::Front;

const ROUNDS: usize = 2000;
/// Most memory this process may ever have had resident.
const RESIDENT_LIMIT_KIB: u64 = 256 << 10;

/// These texts of the corpus, or bytes in hexadecimal.
fn corpus(text_name: &str, hex_name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/hostile/cases.toml");
    let corpus: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let unhex = |text: &str| -> Vec<u8> {
        let digits = text.bytes().filter(u8::is_ascii_hexdigit).collect::<Vec<_>>();
        digits.chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    let cases = corpus["case"].as_array().unwrap();
    let body = |case: &toml::Value| {
        let text = |name: &str| case.get(name).and_then(toml::Value::as_str);
        text(text_name).map(|text| text.as_bytes().to_vec()).or_else(|| text(hex_name).map(unhex))
    };
    cases.iter().filter_map(body).collect()
}

fn bodies() -> Vec<Vec<u8>> {
    corpus("body", "hex")
}

/// Whole connections: the raw ones of the corpus, every body in a request of its own, and HTTP/2.
fn connections() -> Vec<Vec<u8>> {
    let mut connections = corpus("raw", "raw_hex");
    for (body, encoding) in bodies().into_iter().zip(["identity", "gzip", "br", "zstd"].into_iter().cycle()) {
        let head = format!(
            "POST /api/v1/metrics/rum?key=default HTTP/1.1\r\nhost: x\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connections.push([head.as_bytes(), &body].concat());
    }
    // Preface, SETTINGS, and HEADERS with END_STREAM and END_HEADERS: GET, http, /, :authority x (RFC 9113 section 3.4, RFC 7541).
    let mut http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    http2.extend(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x");
    connections.push(http2);
    connections.push(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\nGET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n".to_vec());
    connections
}

/// Flips, cuts, repeats, or joins with another.
fn mutate(random: &mut StdRng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[random.random_range(0..corpus.len())].clone();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.random()),
            2 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            3 => bytes.extend_from_within(at..),
            _ => {
                let other = &corpus[random.random_range(0..corpus.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[at.min(other.len())..]);
            }
        }
        bytes.truncate(80 << 10);
    }
    bytes
}

fn run(seed: u64, corpus: &[Vec<u8>], mut target: impl FnMut(&[u8])) {
    let mut random = StdRng::seed_from_u64(seed);
    for bytes in corpus {
        target(bytes);
    }
    for _ in 0..ROUNDS {
        target(&mutate(&mut random, corpus));
    }
    assert_memory();
}

fn assert_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    assert!(peak.unwrap() < RESIDENT_LIMIT_KIB, "{peak:?} KiB resident");
}

#[test]
fn hostile_bodies_are_decoded_or_refused() {
    run(1, &bodies(), targets::decode);
}

#[test]
fn hostile_bodies_are_decompressed_or_refused() {
    run(2, &bodies(), targets::decompress);
}

#[tokio::test]
async fn hostile_segments_are_recovered_or_set_aside() {
    let mut record = b"BMLSPL\x00\x01".to_vec();
    for payload in [&b"{}"[..], b"", b"{\"refusals\":[]}", &[0xff; 100]] {
        record.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
        record.extend(crc32fast::hash(payload).to_le_bytes());
        record.extend(payload);
    }
    let corpus = [record, b"BMLSPL\x00\x01".to_vec(), Vec::new(), b"BMLSPL\x00\x01\xff\xff\xff\xff\0\0\0\0".to_vec()];
    run(3, &corpus, |bytes| targets::spool_recovery(tempfile::tempdir().unwrap().path(), bytes));
}

#[tokio::test]
async fn hostile_connections_are_answered_without_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let front = Front::open(dir.path()).unwrap();
    let (mut random, corpus) = (StdRng::seed_from_u64(4), connections());
    for bytes in &corpus {
        targets::http_front(&front, bytes).await;
    }
    for _ in 0..ROUNDS {
        targets::http_front(&front, &mutate(&mut random, &corpus)).await;
    }
    assert_memory();
}
