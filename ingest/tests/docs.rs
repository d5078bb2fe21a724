//! What the documentation says is what the code does.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use rum_ingest::config::{self, Config};
use rum_protocol::{ATTRIBUTION_NAMES, AttributionKind, Event, Metric, RejectReason, Scope, limits};

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
    let protocol = file("docs/protocol.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(protocol.contains(&format!("1 to {} events", limits::MAX_EVENTS)));
    let texts = format!("Texts have at most {} bytes, addresses {};", limits::MAX_NAME_BYTES, limits::MAX_URL_BYTES);
    assert!(protocol.contains(&texts), "{texts}");
    for text in [
        format!("maps of at most {} texts of at most {} bytes", limits::MAX_ATTRIBUTES, limits::MAX_ATTRIBUTE_VALUE_BYTES),
        format!("names of at most {}. Those of the beacon", limits::MAX_ATTRIBUTE_KEY_BYTES),
        format!("at most {} bytes. The SDK", limits::MAX_LAID_UNDER_BYTES),
        format!("`unit` (at most {} bytes)", limits::MAX_UNIT_BYTES),
        format!("stand for up to {} equal ones", limits::MAX_ERROR_COUNT),
        format!("at most {} of `{{\"at_ms\"", limits::MAX_BREADCRUMBS),
    ] {
        assert!(protocol.contains(&text), "{text}");
    }
    for kind in Event::TYPES {
        assert!(protocol.contains(&format!("| `{kind}` | ")), "{kind}");
    }
}

#[test]
fn the_protocol_page_has_every_name_of_an_attribution_and_no_other() {
    let protocol = file("docs/protocol.md");
    let table = protocol.split_once("| name | | vitals | meaning |\n").unwrap().1;
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|')).collect::<Vec<_>>();
    let expected = ATTRIBUTION_NAMES.iter().map(|known| {
        let kind = match known.kind {
            AttributionKind::Number => "number",
            AttributionKind::Text => "text",
            AttributionKind::Url => "address",
            AttributionKind::TextOrUrl => "text or address",
        };
        let metrics = known.metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ");
        format!("| `{}` | {kind} | {metrics} | {} |", known.name, known.meaning)
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

/// The part of `docs/metrics.md` about one vital.
fn section(metrics: &str, metric: Metric) -> &str {
    let start = metrics.find(&format!("\n## {}: ", metric.name())).unwrap_or_else(|| panic!("no section on {metric:?}"));
    let rest = &metrics[start + 1..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

#[test]
fn every_vital_is_documented_whole() {
    let metrics = file("docs/metrics.md");
    for metric in Metric::ALL {
        let section = section(&metrics, metric);
        let unit = if metric.is_duration() { "| unit | ms" } else { "| unit | none |" };
        assert!(section.contains(unit), "{metric:?}: {unit}");
        let bounds = metric.thresholds();
        let thresholds = format!("| thresholds | good up to {}, poor above {} |", bounds.good, bounds.needs_improvement);
        assert!(section.contains(&thresholds), "{metric:?}: {thresholds}");
        for row in ["definition", "formula", "reported", "absent", "after a restore", "soft navigation"] {
            assert!(section.contains(&format!("\n| {row} | ")), "{metric:?}: {row}");
        }
        assert!(section.contains("\n| specification | [") && section.contains("](https://"), "{metric:?}");
        assert!(metrics.contains(&format!("\n| {} | `", metric.name())), "{metric:?} is in the table of engines");
    }
}

#[test]
fn the_attribution_of_every_vital_is_documented_by_its_names() {
    let metrics = file("docs/metrics.md");
    let types = file("npm/src/web-vitals/types.ts");
    for metric in Metric::ALL {
        let rows = section(&metrics, metric).lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?, cells.next()?))
        });
        let (on_the_wire, not): (Vec<_>, Vec<_>) = rows
            .skip_while(|(name, _)| *name != "wire")
            .filter(|(name, _)| name.starts_with(['`', '–']))
            .partition(|(name, _)| name.starts_with('`'));
        let names = on_the_wire.iter().map(|(name, _)| name.trim_matches('`')).collect::<std::collections::BTreeSet<_>>();
        let expected = ATTRIBUTION_NAMES.iter().filter(|known| known.metrics.contains(&metric)).map(|known| known.name).collect();
        assert_eq!(names, expected, "{metric:?}");
        assert!(!not.is_empty(), "{metric:?}: entries are for callbacks alone");
        for field in on_the_wire.iter().chain(&not).flat_map(|(_, fields)| fields.split(", ")) {
            for part in field.trim_matches('`').split('.').filter(|part| !matches!(*part, "sourceURL" | "invoker")) {
                let is_declared = types.contains(&format!("  {part}: ")) || types.contains(&format!("  {part}?: "));
                assert!(is_declared, "{metric:?}: {part} is not in the types");
            }
        }
    }
}
