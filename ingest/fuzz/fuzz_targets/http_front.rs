#![no_main]

#[path = "../targets.rs"]
mod targets;

use std::sync::LazyLock;

use rum_ingest::Front;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
static FRONT: LazyLock<Front> = LazyLock::new(|| Front::open(DIR.path()).expect("a front"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| RUNTIME.block_on(async { targets::http_front(&FRONT, bytes).await }));
