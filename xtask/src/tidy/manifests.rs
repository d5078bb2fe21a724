//! Rules on what the crates depend on.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::tree;

/// What breaks a rule in the workspace's manifests.
pub(super) fn problems() -> Result<Vec<String>> {
    let output = tree::cargo(["metadata", "--no-deps", "--format-version", "1"]).output().context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(problems_in(&serde_json::from_slice(&output.stdout)?))
}

/// Crates that must not depend on each other, directly, in either direction or kind.
const STRANGERS: &[(&str, &str)] = &[
    ("rum-sdk", "rum-ingest"),
    ("rum-sdk", "embedded-clickhouse"),
    ("embedded-clickhouse", "rum-protocol"),
    ("embedded-clickhouse", "rum-ingest"),
];

fn problems_in(metadata: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for dependency in
        dependencies(metadata, "rum-protocol").filter(|dependency| dependency["kind"].is_null() && dependency["name"] != "serde")
    {
        problems.push(format!("rum-protocol depends on {}; it may depend on serde only", dependency["name"]));
    }
    for (one, other) in STRANGERS {
        // The service starts the engine; nothing of ours is known to the engine.
        let directions: &[_] = if *one == "embedded-clickhouse" { &[(one, other)] } else { &[(one, other), (other, one)] };
        for (from, to) in directions {
            if dependencies(metadata, from).any(|dependency| dependency["name"] == **to) {
                problems.push(format!("{from} depends on {to}; they may not know each other"));
            }
        }
    }
    let bindgen = requirement(metadata, "rum-sdk", "wasm-bindgen");
    let support = requirement(metadata, "xtask", "wasm-bindgen-cli-support");
    if bindgen != support || !bindgen.is_some_and(|version| version.starts_with('=')) {
        problems.push(format!(
            "wasm-bindgen {bindgen:?} in rum-sdk and wasm-bindgen-cli-support {support:?} in xtask must be one pinned version"
        ));
    }
    problems
}

fn dependencies<'m>(metadata: &'m Value, package: &str) -> impl Iterator<Item = &'m Value> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let package = packages.iter().find(|candidate| candidate["name"] == package);
    package.and_then(|package| package["dependencies"].as_array()).into_iter().flatten()
}

fn requirement<'m>(metadata: &'m Value, package: &str, dependency: &str) -> Option<&'m str> {
    dependencies(metadata, package).find(|candidate| candidate["name"] == dependency)?["req"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A workspace that keeps the rules, with one more dependency.
    fn check(package: &str, dependency: &Value, expected: &[&str]) {
        let mut packages = vec![
            json!({"name": "rum-protocol", "dependencies": [{"name": "serde", "kind": null, "req": "^1"}]}),
            json!({"name": "rum-sdk", "dependencies": [{"name": "wasm-bindgen", "kind": null, "req": "=0.2.130"}]}),
            json!({"name": "xtask", "dependencies": [{"name": "wasm-bindgen-cli-support", "kind": null, "req": "=0.2.130"}]}),
            json!({"name": "rum-ingest", "dependencies": []}),
            json!({"name": "embedded-clickhouse", "dependencies": []}),
        ];
        for candidate in &mut packages {
            if candidate["name"] == package {
                candidate["dependencies"].as_array_mut().unwrap().insert(0, dependency.clone());
            }
        }
        let problems = problems_in(&json!({ "packages": packages }));
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, part) in problems.iter().zip(expected) {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn the_protocol_depends_on_serde_only() {
        check("rum-protocol", &json!({"name": "tokio", "kind": null}), &["depends on \"tokio\""]);
        check("rum-protocol", &json!({"name": "serde_json", "kind": "dev"}), &[]);
    }

    #[test]
    fn strangers_do_not_know_each_other() {
        check("rum-ingest", &json!({"name": "rum-sdk", "kind": null}), &["rum-ingest depends on rum-sdk"]);
        check("rum-sdk", &json!({"name": "rum-ingest", "kind": "dev"}), &["rum-sdk depends on rum-ingest"]);
        check(
            "embedded-clickhouse",
            &json!({"name": "rum-protocol", "kind": null}),
            &["embedded-clickhouse depends on rum-protocol"],
        );
        check("rum-ingest", &json!({"name": "embedded-clickhouse", "kind": null}), &[]);
    }

    #[test]
    fn both_halves_of_wasm_bindgen_have_one_version() {
        check("xtask", &json!({"name": "wasm-bindgen-cli-support", "kind": null, "req": "=0.2.129"}), &["one pinned version"]);
    }
}
