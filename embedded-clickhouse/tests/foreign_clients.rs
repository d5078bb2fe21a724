//! Clients that were not written for this engine, unchanged: each runs a script of `tests/clients/` in its own language.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod support;

use std::path::{Path, PathBuf};

use tokio::process::Command;

fn crate_directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

async fn run(mut command: Command, installed: PathBuf, script: &str) {
    assert!(installed.exists(), "{} is not installed: run cargo xtask test", installed.display());
    let running = support::start().await;
    let endpoint = running.engine.endpoint();
    let output = command
        .arg(crate_directory().join("tests/clients").join(script))
        .env("ENGINE_URL", &endpoint.url)
        .env("ENGINE_USER", &endpoint.writer.user)
        .env("ENGINE_KEY", &endpoint.writer.key)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    running.engine.shutdown().await;
}

#[tokio::test]
async fn python_s_clickhouse_connect() {
    let python = crate_directory().join("../.state/python/bin/python");
    run(Command::new(&python), python, "clickhouse_connect_session.py").await;
}

#[tokio::test]
async fn node_s_clickhouse_client() {
    let installed = crate_directory().join("tests/clients/node_modules/@clickhouse/client");
    run(Command::new("node"), installed, "clickhouse_client_session.js").await;
}
