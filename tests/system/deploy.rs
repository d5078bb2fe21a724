//! The files in deploy/: what their own tools say of them, and that what belongs together is together.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use beamline_tests::beamline;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Files of a folder with this ending, sorted.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_str().unwrap().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "nothing in {folder}");
    files
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// All documents of a YAML file.
fn yaml(path: impl AsRef<Path>) -> Vec<Value> {
    let documents =
        yaml_serde::Deserializer::from_str(&text(&path)).map(serde::Deserialize::deserialize).collect::<Result<Vec<_>, _>>();
    documents.unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// Runs a tool at the root and gives what it said.
fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
    let output = Command::new(&program).args(arguments).current_dir(root()).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{} {arguments:?}: {said}", program.as_ref().display());
    said
}

/// Every alerting rule.
fn alerts() -> Vec<Value> {
    let groups = files("deploy/prometheus/rules", ".yml")
        .into_iter()
        .flat_map(|path| yaml(path).remove(0)["groups"].as_array().unwrap().clone());
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap().clone());
    rules.filter(|rule| rule["alert"].is_string()).collect()
}

fn names_of_alerts() -> BTreeSet<String> {
    alerts().iter().map(|rule| rule["alert"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn prometheus_takes_its_configuration_and_rules() {
    let said = run("promtool", &["check", "config", "deploy/prometheus/prometheus.yml"]);
    assert!(
        said.contains("SUCCESS") && said.matches("rules found").count() == files("deploy/prometheus/rules", ".yml").len(),
        "{said}"
    );
}

#[test]
fn each_alert_fires_in_one_history_and_is_quiet_in_another() {
    let tests = files("deploy/prometheus/tests", ".yml");
    let paths: Vec<_> = tests.iter().map(|path| path.to_str().unwrap()).collect();
    let said = run("promtool", &[&["test", "rules"], &paths[..]].concat());
    assert_eq!(said.matches("SUCCESS").count(), tests.len(), "{said}");
    // A history expects all alerts that fire in it, so what is not named there is quiet.
    let expected: String = tests.iter().map(text).collect();
    for name in names_of_alerts() {
        assert!(expected.contains(&name), "{name} has no unit test");
    }
}

#[test]
fn alerts_say_how_urgent_they_are_whose_and_what_to_do() {
    for rule in alerts() {
        let name = rule["alert"].as_str().unwrap();
        let severity = rule["labels"]["severity"].as_str().unwrap_or_default();
        assert!(["P0", "P1", "P2", "P3"].contains(&severity), "{name}: severity {severity:?}");
        assert!(rule["labels"]["component"].is_string(), "{name}: no component");
        // The team of an objective comes with its series.
        let team = rule["labels"]["team"].as_str().or(rule["expr"].as_str().filter(|expr| expr.contains("slo:objective")));
        assert!(team.is_some(), "{name}: no team");
        for annotation in ["summary", "description", "value", "threshold", "dashboard"] {
            assert!(!rule["annotations"][annotation].is_null(), "{name}: no {annotation}");
        }
        assert_eq!(rule["annotations"]["runbook_url"], format!("deploy/runbooks/{name}.md"));
    }
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let runbooks: BTreeSet<_> =
        files("deploy/runbooks", ".md").iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(runbooks, names_of_alerts());
    for name in runbooks {
        let text = text(format!("deploy/runbooks/{name}.md"));
        let headings: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .filter(|line| line.starts_with("# ") || line.starts_with("## "))
            .collect();
        let title = format!("# {name}");
        let sections = ["## Meaning", "## First look", "## Likely causes", "## Actions", "## Verification", "## Follow-up"];
        assert_eq!(headings, [&[title.as_str()], &sections[..]].concat(), "{name}");
    }
}

/// Fenced blocks of a language in Markdown.
fn blocks<'t>(markdown: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    markdown.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// One expression each: a line, or lines up to where all parentheses are closed.
fn expressions(block: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = String::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        open = format!("{open}{line}\n");
        if open.matches('(').count() == open.matches(')').count() {
            found.push(std::mem::take(&mut open));
        }
    }
    assert!(open.is_empty(), "{open}");
    found
}

#[test]
fn every_promql_query_of_the_runbooks_and_dashboards_can_be_parsed() {
    let mut queries: Vec<String> = files("deploy/runbooks", ".md")
        .iter()
        .flat_map(|path| blocks(&text(path), "promql").into_iter().flat_map(expressions).collect::<Vec<_>>())
        .collect();
    for path in files("deploy/grafana/dashboards/prometheus", ".json") {
        let dashboard: Value = serde_json::from_str(&text(path)).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expr = target["expr"].as_str().unwrap();
                queries.push(expr.replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$__interval", "1m"));
            }
        }
        for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
            queries.push(annotation["expr"].as_str().unwrap().to_owned());
        }
    }
    assert!(queries.len() > 150, "{}", queries.len());
    let rules: Vec<_> =
        queries.iter().enumerate().map(|(index, expr)| serde_json::json!({"record": format!("q{index}"), "expr": expr})).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    // JSON is YAML.
    fs::write(file.path(), serde_json::json!({"groups": [{"name": "queries", "rules": rules}]}).to_string()).unwrap();
    run("promtool", &["check", "rules", file.path().to_str().unwrap()]);
}

#[test]
fn every_family_that_is_asked_for_is_documented() {
    let documented = names_of_families(&text("docs/monitoring.md"));
    let mut folders = files("deploy/prometheus/rules", ".yml");
    folders.extend(files("deploy/runbooks", ".md"));
    folders.extend(files("deploy/grafana/dashboards/prometheus", ".json"));
    for path in folders {
        for name in names_of_families(&text(&path)) {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let known = documented.contains(&name) || family.is_some_and(|family| documented.contains(family));
            assert!(known, "{} asks for {name}, which docs/monitoring.md does not have", path.display());
        }
    }
}

/// Words that are names of metric families; those after a colon belong to a recording rule.
fn names_of_families(text: &str) -> BTreeSet<String> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == ':';
    let words = text.split(|character| !is_word(character)).filter(|word| !word.contains(':'));
    let names = words
        .filter(|word| ["beamline_", "rum_", "process_"].iter().any(|prefix| word.starts_with(prefix)) && !word.ends_with('_'));
    names.map(str::to_owned).collect()
}

#[test]
fn alertmanager_sends_each_severity_to_its_team() {
    let config = "deploy/alertmanager/alertmanager.yml";
    assert!(run("amtool", &["check-config", config]).contains("1 templates"));
    for (severity, on_top, by_team) in [
        ("P0", "webhook,escalation,", ["on-call-p0", "frontend-p0", "security-p0"]),
        ("P1", "webhook,escalation,", ["on-call-p1", "frontend-p1", "security-p1"]),
        ("P2", "webhook,", ["platform-chat", "frontend-chat", "security-chat"]),
        ("P3", "webhook,", ["platform-mail", "frontend-mail", "security-mail"]),
    ] {
        for (team, receiver) in ["platform", "frontend", "security"].iter().zip(by_team) {
            let (file, severity, team) =
                (format!("--config.file={config}"), format!("severity={severity}"), format!("team={team}"));
            let said = run("amtool", &["config", "routes", "test", &file, &severity, &team, "alertname=X"]);
            assert_eq!(said.lines().next(), Some(format!("{on_top}{receiver}").as_str()), "{severity} {team}");
        }
    }
}

#[test]
fn no_secret_is_in_the_files() {
    let config = text("deploy/alertmanager/alertmanager.yml");
    let by_value = ["slack_api_url:", "smtp_auth_password:", "routing_key:", "service_key:", "credentials:", "password:"];
    for key in by_value {
        assert!(!config.contains(key), "{key} names a secret itself; name a file");
    }
    let documented = text("deploy/alertmanager/secrets/README.md");
    for name in config
        .split("secrets/")
        .skip(1)
        .map(|rest| rest.split(|end: char| !(end.is_ascii_alphanumeric() || end == '-')).next().unwrap())
    {
        assert!(name.is_empty() || name == "README" || documented.contains(name), "secrets/{name} is not documented");
    }
}

#[test]
fn slo_render_writes_the_committed_rules_and_says_what_is_wrong() {
    let rendered = run(beamline(), &["slo", "render", "deploy/slo.yaml"]);
    assert_eq!(rendered, text("deploy/prometheus/rules/slo.yml"));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "vitals: [{project: shop, vital: LCP, objective: 75}]").unwrap();
    let output = Command::new(beamline()).args(["slo", "render", file.path().to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("objective 75 is not a share from 0.5 to 0.9999"), "{said}");
}

/// All dashboards with the name of their data source.
fn dashboards() -> Vec<(&'static str, PathBuf, Value)> {
    let of = |store| {
        let paths = files(&format!("deploy/grafana/dashboards/{store}"), ".json");
        paths.into_iter().map(move |path| (store, path.clone(), serde_json::from_str(&text(path)).unwrap()))
    };
    of("prometheus").chain(of("clickhouse")).collect()
}

#[test]
fn panels_do_not_overlap_and_say_what_they_show() {
    let mut uids = BTreeSet::new();
    for (store, path, dashboard) in dashboards() {
        let at = path.display();
        assert!(uids.insert(dashboard["uid"].as_str().unwrap().to_owned()), "{at}: its uid is taken");
        let variables: BTreeSet<_> =
            dashboard["templating"]["list"].as_array().unwrap().iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for panel in dashboard["panels"].as_array().unwrap() {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{at}: {title}: its id is taken");
            let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
            assert!(side("x") + side("w") <= 24 && side("w") > 0 && side("h") > 0, "{at}: {title}");
            for cell in (side("x")..side("x") + side("w")).flat_map(|x| (side("y")..side("y") + side("h")).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{at}: {title} overlaps at {cell:?}");
            }
            if panel["type"] != "row" {
                check_panel(store, panel, &variables, &format!("{at}: {title}"));
            }
        }
    }
    assert_eq!(uids.len(), 18);
}

fn check_panel(store: &str, panel: &Value, variables: &BTreeSet<&str>, at: &str) {
    assert!(panel["description"].as_str().unwrap().len() > 10, "{at}: no description");
    assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{at}: no unit");
    let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().unwrap();
    let bounds: Vec<_> = steps.iter().map(|step| step["value"].as_f64()).collect();
    assert!(bounds[0].is_none() && bounds.is_sorted(), "{at}: thresholds {bounds:?}");
    let targets = panel["targets"].as_array().unwrap();
    assert!(!targets.is_empty(), "{at}: no query");
    let mut references = BTreeSet::new();
    for target in targets {
        assert!(references.insert(target["refId"].as_str().unwrap()), "{at}: two queries with one name");
        let source = [&panel["datasource"], &target["datasource"]].map(|source| source["uid"].as_str());
        assert_eq!(source, [Some("${datasource}"); 2], "{at}");
        let query = target[if store == "prometheus" { "expr" } else { "rawSql" }].as_str().unwrap();
        assert!(!query.contains('@'), "{at}: {query}");
        // What users feel is shown as quantiles and shares.
        let averaged = query.contains("avg") && !query.contains("node_cpu");
        assert!(!averaged, "{at}: shows an average");
        for used in variables_in(query) {
            assert!(variables.contains(used.as_str()), "{at}: no variable {used}");
        }
    }
}

/// Names after `$` and in `${}`, those of Grafana itself apart.
fn variables_in(query: &str) -> Vec<String> {
    let names = query.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.chars().take_while(|character| character.is_ascii_alphanumeric() || *character == '_').collect::<String>()
    });
    names.filter(|name| !name.is_empty() && !name.starts_with("__")).collect()
}

#[test]
fn every_vital_is_coloured_by_its_own_thresholds() {
    let mut rated = 0;
    for (_, path, dashboard) in dashboards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            let title = panel["title"].as_str().unwrap();
            let Some(vital) = rum_protocol::Metric::ALL.iter().find(|vital| title.starts_with(&format!("{} p75", vital.name())))
            else {
                continue;
            };
            let scale = if vital.is_duration() { 1e-3 } else { 1.0 };
            let bounds = vital.thresholds();
            let steps = &panel["fieldConfig"]["defaults"]["thresholds"]["steps"];
            for (step, bound) in [(1, bounds.good), (2, bounds.needs_improvement)] {
                let shown = steps[step]["value"].as_f64().unwrap();
                // A value at the threshold has the better rating.
                assert!(shown > bound * scale && shown < bound * scale + 1e-5, "{}: {title}", path.display());
            }
            rated += 1;
        }
    }
    assert!(rated >= 16, "{rated}");
}

#[test]
fn provisioning_names_what_the_dashboards_use() {
    let sources = &yaml("deploy/grafana/provisioning/datasources/beamline.yml")[0];
    let kinds: BTreeSet<_> =
        sources["datasources"].as_array().unwrap().iter().map(|source| source["type"].as_str().unwrap()).collect();
    for (_, path, dashboard) in dashboards() {
        for variable in dashboard["templating"]["list"].as_array().unwrap() {
            if variable["type"] == "datasource" {
                assert!(kinds.contains(variable["query"].as_str().unwrap()), "{}", path.display());
            }
        }
    }
    let providers = &yaml("deploy/grafana/provisioning/dashboards/beamline.yml")[0];
    for provider in providers["providers"].as_array().unwrap() {
        let path = provider["options"]["path"].as_str().unwrap().replace("/var/lib/grafana", "deploy/grafana");
        assert!(root().join(&path).is_dir(), "{path}");
    }
}

/// The manifests of a folder, by kind and name.
fn manifests() -> Vec<Value> {
    let mut paths = files("deploy/kubernetes", ".yaml");
    paths.retain(|path| !path.ends_with("kustomization.yaml"));
    let named = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    let kustomization = &yaml("deploy/kubernetes/kustomization.yaml")[0];
    let listed = kustomization["resources"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
    assert_eq!(listed.collect::<BTreeSet<_>>(), named);
    paths.into_iter().flat_map(yaml).collect()
}

fn manifest<'m>(manifests: &'m [Value], kind: &str, name: &str) -> &'m Value {
    let found = manifests.iter().find(|manifest| manifest["kind"] == kind && manifest["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn what_kubernetes_is_told_fits_together() {
    let manifests = manifests();
    for manifest in &manifests {
        assert!(
            manifest["apiVersion"].is_string() && manifest["kind"].is_string() && manifest["metadata"]["name"].is_string(),
            "{manifest}"
        );
    }
    let set = &manifest(&manifests, "StatefulSet", "beamline")["spec"];
    let labels = &set["template"]["metadata"]["labels"];
    assert_eq!(set["selector"]["matchLabels"], *labels);
    for name in ["beamline", "beamline-pods"] {
        assert_eq!(manifest(&manifests, "Service", name)["spec"]["selector"], *labels);
    }
    assert_eq!(set["serviceName"], "beamline-pods");
    assert_eq!(manifest(&manifests, "PodDisruptionBudget", "beamline")["spec"]["selector"]["matchLabels"], *labels);
    assert_eq!(manifest(&manifests, "NetworkPolicy", "beamline")["spec"]["podSelector"]["matchLabels"], *labels);
    let target = &manifest(&manifests, "HorizontalPodAutoscaler", "beamline")["spec"]["scaleTargetRef"];
    assert_eq!(*target, serde_json::json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "beamline"}));
    assert!(set["replicas"].is_null(), "the autoscaler sets the replicas");

    let pod = &set["template"]["spec"];
    let container = &pod["containers"][0];
    for (probe, path) in [("startupProbe", "/health/live"), ("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready")]
    {
        assert_eq!(container[probe]["httpGet"]["path"], path);
    }
    assert!(container["resources"]["requests"]["cpu"].is_string() && container["resources"]["limits"]["memory"].is_string());
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    let volumes = [pod["volumes"].as_array().unwrap().clone(), vec![set["volumeClaimTemplates"][0]["metadata"].clone()]].concat();
    for mount in container["volumeMounts"].as_array().unwrap() {
        assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
    }
    let rule = &manifest(&manifests, "Ingress", "beamline")["spec"]["rules"][0]["http"]["paths"][0];
    assert_eq!((rule["path"].as_str(), rule["pathType"].as_str()), (Some("/api/v1/metrics/rum"), Some("Exact")));
}

#[test]
fn the_service_takes_the_configurations_of_its_deployments() {
    for config in ["deploy/docker/beamline.toml", "deploy/kubernetes/beamline.toml"] {
        let said = run(beamline(), &["check-config", "--config", config]);
        assert!(said.contains("id = \"shop\""), "{said}");
    }
    let spool: toml::Table = text("deploy/kubernetes/beamline.toml").parse().unwrap();
    let gibibytes = spool["spool"]["max_bytes"].as_integer().unwrap() >> 30;
    assert!(gibibytes < 10, "the spool must fit its volume of 10 GiB");
}

#[test]
fn compose_mounts_what_is_there() {
    let compose = &yaml("deploy/docker/compose.yml")[0];
    let named = compose["volumes"].as_object().unwrap();
    for (name, service) in compose["services"].as_object().unwrap() {
        for port in service["ports"].as_array().into_iter().flatten() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{name} listens to everyone");
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let there = named.contains_key(source) || source == "/" || root().join("deploy/docker").join(source).exists();
            assert!(there, "{name}: {source}");
        }
    }
}

#[test]
fn the_unit_stops_the_service_before_its_engine() {
    let unit = text("deploy/systemd/beamline.service");
    for line in ["KillMode=mixed", "KillSignal=SIGTERM", "TimeoutStopSec=60s", "NoNewPrivileges=yes", "Restart=always"] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn fluent_bit_reads_by_a_parser_that_is_there() {
    let pipeline = &yaml("deploy/fluent-bit/fluent-bit.yaml")[0]["pipeline"];
    let parsers = text("deploy/fluent-bit/parsers.conf");
    for filter in pipeline["filters"].as_array().unwrap() {
        let name = filter["parser"].as_str().unwrap();
        assert!(parsers.lines().any(|line| line.split_whitespace().eq(["Name", name])), "{name}");
    }
    let outputs: Vec<_> = pipeline["outputs"].as_array().unwrap().iter().map(|output| output["name"].as_str().unwrap()).collect();
    assert_eq!(outputs, ["loki", "es"]);
}
