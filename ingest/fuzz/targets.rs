//! What is done with hostile bytes. Each function may answer what it likes, but must end, in bounded memory, without a panic.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rum_ingest::{
    Front,
    config::Project,
    pipeline::{Body, Head, Pipeline, Sender, StepTimer},
    spool::{Durability, Spool, SpoolConfig},
};

struct Untimed;

impl StepTimer for Untimed {
    fn took(&self, _: &'static str, _: Duration) {}
}

fn accept(bytes: &[u8], encoding: &str) {
    let pipeline = Pipeline::new(&[Project::open_default()]);
    let now = Instant::now();
    let head = Head { key: Some("default"), ..Head::default() };
    let Ok(admitted) = pipeline.admit(head, now, &Untimed) else { return };
    let body = Body { bytes, encoding: Some(encoding), sender: Sender::default(), received: now };
    let _ = pipeline.accept(&admitted, body, 1_700_000_000_000, &Untimed);
}

/// A body as it is.
pub(crate) fn decode(bytes: &[u8]) {
    accept(bytes, "identity");
}

/// A body in each encoding.
pub(crate) fn decompress(bytes: &[u8]) {
    for encoding in ["gzip", "br", "zstd"] {
        accept(bytes, encoding);
    }
}

/// A segment that a crash, a disk or an intruder left behind. To be called inside a Tokio runtime.
pub(crate) fn spool_recovery(dir: &Path, bytes: &[u8]) {
    if std::fs::write(dir.join("000000000001-00000000000000a1.spool"), bytes).is_ok() {
        let _ = Spool::open(
            dir,
            SpoolConfig {
                durability: Durability::Memory,
                max_bytes: 1 << 20,
                buffer_max_bytes: 1 << 16,
                segment_max_bytes: 1 << 16,
                segment_max_age: Duration::from_mins(1),
                readers: 1,
            },
        );
    }
}

/// All that one connection sends. To be called inside a Tokio runtime.
///
/// # Panics
/// If a handler did.
pub(crate) async fn http_front(front: &Front, bytes: &[u8]) {
    front.converse(bytes).await;
    assert_eq!(front.panics(), 0, "a handler panicked");
}
