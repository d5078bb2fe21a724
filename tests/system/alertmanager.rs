//! Alertmanager with the routes, inhibitions and templates of deploy/, its times shortened and its receivers replaced by one that listens.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{path::Path, process::Command};

use beamline_tests::{Alertmanager, Heard, listen, until};
use serde_json::json;

/// Names of the alerts that a receiver heard of.
fn told(heard: &Heard, receiver: &str) -> Vec<String> {
    let heard = heard.lock().unwrap();
    let alerts = heard.iter().filter(|(name, _)| name == receiver).flat_map(|(_, body)| body["alerts"].as_array().unwrap());
    alerts.map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
}

async fn hears(heard: &Heard, receiver: &str, alertname: &str) {
    let is_told = async || told(heard, receiver).iter().any(|name| name == alertname).then_some(());
    until(&format!("{receiver} hears of {alertname}"), is_told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_acknowledges_is_escalated_and_what_follows_from_it_is_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (port, heard) = listen().await;
    let alertmanager = Alertmanager::start(dir.path(), port).await;

    let platform = |alertname: &str, severity: &str, component: &str| json!({"alertname": alertname, "severity": severity, "team": "platform", "component": component});

    // ClickHouse is down; what follows from it stays quiet.
    alertmanager.alert(&[platform("ClickHouseDown", "P1", "clickhouse"), platform("SummariesStale", "P2", "clickhouse")]).await;
    hears(&heard, "on-call-p1", "ClickHouseDown").await;
    alertmanager.silence("ClickHouseDown").await;

    // Two objectives of one project are one message to the frontend team; the slower burn of one is not in it.
    let burn = |slo: &str, severity: &str| json!({"alertname": "VitalBudgetBurn", "severity": severity, "team": "frontend", "component": "rum", "project": "shop", "slo": slo});
    alertmanager.alert(&[burn("LCP", "P1"), burn("INP", "P1"), burn("LCP", "P3")]).await;
    hears(&heard, "frontend-p1", "VitalBudgetBurn").await;
    assert_eq!(told(&heard, "frontend-p1"), ["VitalBudgetBurn"; 2]);

    // The escalation of what was silenced would have been due before this one.
    hears(&heard, "escalation", "VitalBudgetBurn").await;
    assert_eq!(told(&heard, "escalation"), ["VitalBudgetBurn"; 2]);

    // The service is down: what it measures says nothing. The machine still does.
    alertmanager.alert(&[platform("BeamlineDown", "P0", "service")]).await;
    hears(&heard, "on-call-p0", "BeamlineDown").await;
    alertmanager.alert(&[platform("SpoolFilling", "P1", "spool")]).await;
    alertmanager.alert(&[platform("HostDiskFull", "P1", "host")]).await;
    hears(&heard, "on-call-p1", "HostDiskFull").await;
    for receiver in ["webhook", "on-call-p1", "escalation", "platform-chat", "frontend-mail"] {
        for inhibited in ["SummariesStale", "SpoolFilling"] {
            assert!(!told(&heard, receiver).iter().any(|name| name == inhibited), "{receiver} was told of {inhibited}");
        }
    }
    assert!(told(&heard, "frontend-mail").is_empty());
}

#[test]
fn a_message_has_value_threshold_page_runbook_and_dashboard() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/alertmanager/templates/*.tmpl");
    let annotations = json!({
        "summary": "shop: LCP burns", "description": "Users wait.", "value": "95%", "threshold": "90%", "page": "/cart",
        "runbook_url": "deploy/runbooks/VitalBudgetBurn.md", "dashboard": "/d/beamline-slo-prometheus"
    });
    let labels = json!({"alertname": "VitalBudgetBurn", "severity": "P1"});
    let data = json!({
        "status": "firing", "groupLabels": {"alertname": "VitalBudgetBurn"}, "commonLabels": labels, "commonAnnotations": annotations,
        "alerts": [{"status": "firing", "labels": labels, "annotations": annotations, "startsAt": "2026-01-02T03:04:05Z"}]
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), data.to_string()).unwrap();
    let render = |name: &str| {
        let output = Command::new("amtool")
            .args(["template", "render"])
            .arg(format!("--template.glob={}", templates.display()))
            .arg(format!("--template.text={{{{ template \"beamline.{name}\" . }}}}"))
            .arg(format!("--template.data={}", file.path().display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(render("title"), "[P1] shop: LCP burns");
    assert_eq!(render("color"), "danger");
    for part in ["Users wait.", "95%", "90%", "/cart", "/deploy/runbooks/VitalBudgetBurn.md", "/d/beamline-slo-prometheus"] {
        assert!(render("text").contains(part), "{part} in {}", render("text"));
        assert!(render("html").contains(part), "{part} in {}", render("html"));
    }
}
