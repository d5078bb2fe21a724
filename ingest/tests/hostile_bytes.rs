//! The fuzz targets of ingest/fuzz with fixed seeds: bodies of the hostile corpus and segments, changed at random but the same each time.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

use rand::{Rng, SeedableRng, rngs::StdRng};

const ROUNDS: usize = 2000;
/// Most memory this process may ever have had resident.
const RESIDENT_LIMIT_KIB: u64 = 256 << 10;

/// The bodies of the corpus, decoded where they are in hexadecimal.
fn bodies() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/hostile/cases.toml");
    let corpus: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let unhex = |text: &str| -> Vec<u8> {
        let digits = text.bytes().filter(u8::is_ascii_hexdigit).collect::<Vec<_>>();
        digits.chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    let cases = corpus["case"].as_array().unwrap();
    let body = |case: &toml::Value| {
        let text = |name: &str| case.get(name).and_then(toml::Value::as_str);
        text("body").map(|body| body.as_bytes().to_vec()).or_else(|| text("hex").map(unhex))
    };
    cases.iter().filter_map(body).collect()
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
