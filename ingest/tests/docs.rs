//! What the documentation says is what the code does.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use rum_ingest::config::{self, Config};
use rum_protocol::{RejectReason, Scope};

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

#[test]
fn the_example_configuration_is_the_default_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../beamline.example.toml");
    assert_eq!(config::load(Some(&path)).unwrap(), Config::default());
}

#[test]
fn the_commented_examples_are_valid_too() {
    let text = file("beamline.example.toml");
    let uncommented = text.lines().map(|line| {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let is_setting = bare.starts_with("[[") || bare.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        if is_setting { bare } else { line }
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.toml");
    std::fs::write(&path, uncommented.collect::<Vec<_>>().join("\n")).unwrap();
    let config = config::load(Some(&path)).unwrap();
    assert_eq!(config.projects[0].id, "shop");
    assert_eq!(config.clickhouse.url.as_deref(), Some("http://127.0.0.1:8123"));
}

#[test]
fn every_reason_is_documented() {
    let protocol = file("docs/protocol.md");
    for reason in RejectReason::ALL {
        let scope = if reason.scope() == Scope::Request { "request" } else { "event" };
        let row = format!("| `{}` | {} | {scope}: {} |", reason.name(), reason.status(), reason.title());
        assert!(protocol.lines().any(|line| line == row), "{row}");
    }
}

#[test]
fn every_limit_in_the_protocol_page_is_the_real_one() {
    assert!(file("docs/protocol.md").contains(&format!("1 to {} events", rum_protocol::limits::MAX_EVENTS)));
}
