//! From what happens to who hears of it: real beacons and faults, the real Prometheus with the committed rules, the real Alertmanager with the
//! committed routes. Only times are shorter: rules fire at once instead of after minutes.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use beamline_tests::{
    Alertmanager, Heard, Prometheus, Proxied, Service, Trouble, beacon, grafana::Chosen, listen, now_ms, panels, until, vital,
};
use serde_json::{Value, json};

const CONFIG: &str =
    "[summaries]\nrefresh_seconds = 2\n[spool]\nmax_bytes = 2000000\nsegment_max_bytes = 1000000\nsegment_max_age_ms = 50\n";
/// With a measure, and a second key whose limit is soon reached.
const PROJECTS: &str = "[[projects]]\nid = \"default\"\nkey = \"default\"\nmeasures = [\"purchase\"]\n\
    [[projects]]\nid = \"busy\"\nkey = \"busy\"\nrate_limit_per_second = 1\n";
const DAY_SECONDS: u64 = 86_400;
/// A burn is seen at full minutes.
const BURN_DEADLINE: Duration = Duration::from_secs(100);
const WEEK_SECONDS: u64 = 7 * 86_400;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy")
}

/// The committed rules, each firing as soon as its condition holds.
fn eager_rules(dir: &Path) {
    std::fs::create_dir(dir).unwrap();
    for entry in std::fs::read_dir(deploy().join("prometheus/rules")).unwrap() {
        let path = entry.unwrap().path();
        let mut rules: Value = yaml_serde::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for group in rules["groups"].as_array_mut().unwrap() {
            group.as_object_mut().unwrap().remove("interval");
            for rule in group["rules"].as_array_mut().unwrap() {
                // One scrape that a busy machine was too slow for is no service that is down.
                if rule["alert"] == "BeamlineDown" {
                    rule["for"] = "5s".into();
                } else {
                    rule.as_object_mut().unwrap().remove("for");
                }
            }
        }
        std::fs::write(dir.join(path.file_name().unwrap()), rules.to_string()).unwrap();
    }
}

/// A project that sent beacons at this time a week ago, as the recording rule would have kept it; and what dashboards compare today with.
fn remember(dir: &Path) {
    let now = now_ms() / 1000;
    let mut text = String::new();
    let mut keep = |series: &str, ago: u64, value: &dyn Fn(u64) -> u64| {
        writeln!(text, "# TYPE {} gauge", series.split('{').next().unwrap()).unwrap();
        for at in (now - ago - 1800..now - ago + 1800).step_by(60) {
            writeln!(text, "{series} {} {at}", value(at)).unwrap();
        }
    };
    keep("project:beamline_beacons_accepted:increase30m{project=\"silent\"}", WEEK_SECONDS, &|_| 500);
    keep("project:rum_errors:rate5m{project=\"default\"}", WEEK_SECONDS, &|_| 1);
    keep("project:rum_page_views:rate5m{project=\"default\"}", WEEK_SECONDS, &|_| 10);
    keep("rum_sessions_total{project=\"default\",device=\"mobile\",release=\"1.0\"}", WEEK_SECONDS, &|at| at);
    for family in ["rum_errors_total", "rum_page_views_total"] {
        keep(&format!("{family}{{project=\"default\",page=\"/\",device=\"mobile\",release=\"1.0\"}}"), DAY_SECONDS, &|at| at);
    }
    text.push_str("# EOF\n");
    let file = dir.join("last-week.txt");
    std::fs::write(&file, text).unwrap();
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&file, &dir.join("tsdb")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn config(instances: &[&Service], alertmanager: &Alertmanager, rules: &Path) -> String {
    let targets: Vec<&str> = instances.iter().map(|service| service.url.strip_prefix("http://").unwrap()).collect();
    json!({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [rules.join("*.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.url.strip_prefix("http://").unwrap()]}]}]},
        "scrape_configs": [{"job_name": "beamline", "static_configs": [{"targets": targets}]}],
    })
    .to_string()
}

/// Vitals of a visit beside its LCP: value of the first visit.
const OTHERS: [(&str, f64); 4] = [("INP", 11.0), ("CLS", 0.013), ("FCP", 70.0), ("TTFB", 41.0)];

/// The value of a vital in a visit.
fn spread(first: f64, number: usize) -> f64 {
    first * f64::from(u32::try_from(number % 20).unwrap() + 1)
}

/// A visit that is slow and goes wrong in a new way.
fn bad_visit(number: usize) -> Value {
    let error = |of: usize| json!({"type": "error", "source": "api", "at_ms": now_ms(), "name": format!("Failure{of}"), "message": format!("cause {of}")});
    let mut events: Vec<Value> = (0..100).map(|_| vital("LCP", 9000.0)).collect();
    events.push(json!({"type": "page_view", "at_ms": now_ms()}));
    events.push(json!({"type": "action", "at_ms": now_ms(), "action": "purchase", "value": 20}));
    events.extend(OTHERS.map(|(metric, value)| vital(metric, spread(value, number))));
    events.extend((0..4).map(|of| error(number % 10 * 4 + of)));
    beacon(&format!("bad-{number}"), "/checkout", &events)
}

/// Everything a webhook was told of: alert names, with every message of one group.
fn told(heard: &Heard) -> BTreeSet<String> {
    let heard = heard.lock().unwrap();
    let alerts = heard.iter().flat_map(|(_, body)| body["alerts"].as_array().unwrap());
    alerts.map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
}

async fn hears(heard: &Heard, alertname: &str, deadline: Duration, prometheus: &Prometheus) {
    let begin = Instant::now();
    while !told(heard).contains(alertname) {
        let firing = prometheus.api("alerts", &[]).await;
        assert!(begin.elapsed() <= deadline, "nobody heard of {alertname}, but of {:?}; firing: {firing}", told(heard));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told_to_those_who_can_help() {
    let dir = tempfile::tempdir().unwrap();
    let at = Proxied::start(dir.path(), &format!("{CONFIG}{PROJECTS}")).await;
    let service = &at.service;
    let (port, heard) = listen().await;
    std::fs::create_dir(dir.path().join("alertmanager")).unwrap();
    let alertmanager = Alertmanager::start(&dir.path().join("alertmanager"), port).await;
    let rules = dir.path().join("rules");
    eager_rules(&rules);
    remember(dir.path());
    let prometheus = Prometheus::start(dir.path(), &config(&[service], &alertmanager, &rules)).await;
    let shown = async |query: &str| until(query, async || prometheus.value(query).await).await;

    // A quiet service: the first values are there, and nothing but last week's traffic is missed.
    let unknown = async || service.post_with_key("nobody", "{}").send().await.unwrap().status();
    assert_eq!(unknown().await, 401);
    shown("beamline_beacons_total{reason=\"unknown_key\"}").await;
    let quick = Duration::from_secs(30);
    hears(&heard, "BeaconsStopped", quick, &prometheus).await;
    assert_eq!(told(&heard), ["BeaconsStopped".to_owned()].into());

    // Unknown keys; slow pages; errors, of many new causes.
    for _ in 0..600 {
        assert_eq!(unknown().await, 401);
    }
    for number in 0..20 {
        service.accept(&bad_visit(number)).await;
    }
    let mut lossy = beacon("lossy", "/checkout", &[json!({"type": "page_view", "at_ms": now_ms()})]);
    lossy["lost"] = json!({"dropped": 1, "refused": 1});
    service.accept(&lossy).await;
    until("a limit is reached", async || {
        let status = service.post_with_key("busy", lossy.to_string()).send().await.ok()?.status();
        (status == 429).then_some(())
    })
    .await;
    hears(&heard, "UnknownKeys", quick, &prometheus).await;
    hears(&heard, "ErrorRateSpike", quick, &prometheus).await;
    hears(&heard, "NewErrorSpike", quick, &prometheus).await;

    // ClickHouse goes away, and the spool fills.
    at.proxy.suffer(Trouble::Reset);
    hears(&heard, "ClickHouseDown", quick, &prometheus).await;
    let mut number = 1000;
    while service.metric("beamline_spool_bytes").await.unwrap() < 1_200_000.0 {
        service.accept(&bad_visit(number)).await;
        number += 1;
    }
    hears(&heard, "SpoolFilling", quick, &prometheus).await;
    hears(&heard, "VitalBudgetBurn", BURN_DEADLINE, &prometheus).await;

    // Every rule was evaluated, and none failed.
    let groups = prometheus.api("rules", &[]).await;
    let rules: Vec<&Value> =
        groups["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 80 && rules.iter().all(|rule| rule["health"] == "ok"), "{groups}");

    // Messages come in groups, and lead to a runbook that is there.
    for (receiver, body) in heard.lock().unwrap().iter() {
        let names: BTreeSet<&str> =
            body["alerts"].as_array().unwrap().iter().map(|alert| alert["labels"]["alertname"].as_str().unwrap()).collect();
        assert_eq!(names.len(), 1, "{receiver}: {body}");
        for alert in body["alerts"].as_array().unwrap() {
            let runbook = alert["annotations"]["runbook_url"].as_str().unwrap();
            let path = &runbook[runbook.find("deploy/runbooks/").unwrap()..];
            assert!(deploy().parent().unwrap().join(path).is_file(), "{runbook}");
        }
    }

    // The fast burn speaks for the slow ones.
    let burning = until("slow burns are held back", async || {
        let alerts: Value = reqwest::get(format!("{}/api/v2/alerts", alertmanager.url)).await.ok()?.json().await.ok()?;
        let held = alerts.as_array()?.iter().any(|alert| {
            alert["labels"]["alertname"] == "VitalBudgetBurn"
                && alert["labels"]["severity"] != "P1"
                && alert["status"]["state"] == "suppressed"
        });
        held.then_some(alerts)
    })
    .await;
    drop(burning);
    every_panel_shows_what_it_draws(&prometheus).await;
    let of_burns =
        heard.lock().unwrap().iter().flat_map(|(_, body)| body["alerts"].as_array().unwrap().clone()).collect::<Vec<_>>();
    let severities: BTreeSet<String> = of_burns
        .iter()
        .filter(|alert| alert["labels"]["alertname"] == "VitalBudgetBurn")
        .map(|alert| alert["labels"]["severity"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(severities, ["P1".to_owned()].into());
    at.proxy.suffer(Trouble::None);
}

/// Every query of every Prometheus dashboard, over what was really scraped.
async fn every_panel_shows_what_it_draws(prometheus: &Prometheus) {
    let now = now_ms() / 1000;
    let chosen = Chosen { from: now - 900, to: now, interval: 60, variables: vec![("project", vec!["default"])] };
    let shown = panels::ask(prometheus, &deploy().join("grafana/dashboards/prometheus"), &chosen).await;
    assert!(shown.queries > 120, "{}", shown.queries);
    // There is no exporter of the host here.
    let of_host = ["service: Memory", "service: Processor"].map(str::to_owned);
    assert_eq!(shown.empty, of_host.into());
    assert!(shown.percentiles["LCP"].len() >= 6 && shown.percentiles.values().all(|shown| shown.len() >= 2), "{shown:?}");
    let is_near = |value: f64, exact: f64| (value / exact - 1.0).abs() < 0.0055;
    for (vital, values) in &shown.percentiles {
        // Of 20 values the fifteenth, by nearest rank.
        let exact = OTHERS.iter().find(|(metric, _)| metric == vital).map_or(9000.0, |(_, first)| spread(*first, 14));
        let exact = if *vital == "CLS" { exact } else { exact / 1000.0 };
        // A page without that vital in the window has a quantile of nothing.
        let known: Vec<_> = values.iter().filter(|value| !value.is_nan()).collect();
        assert!(known.len() >= 2 && known.iter().all(|value| is_near(**value, exact)), "{vital}: {values:?}, exactly {exact}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_add_up_and_show_the_same_users() {
    let dir = tempfile::tempdir().unwrap();
    let at = Proxied::start(dir.path(), CONFIG).await;
    let other = Service::start(&dir.path().join("other"), &at.another(CONFIG));
    let rules = dir.path().join("rules");
    eager_rules(&rules);
    std::fs::create_dir(dir.path().join("alertmanager")).unwrap();
    let (port, _heard) = listen().await;
    let alertmanager = Alertmanager::start(&dir.path().join("alertmanager"), port).await;
    for instance in [&at.service, &other] {
        until("the first reading", async || instance.metric("rum_summaries_age_seconds").await).await;
    }
    let prometheus = Prometheus::start(dir.path(), &config(&[&at.service, &other], &alertmanager, &rules)).await;
    for number in 0..30 {
        let instance = if number % 3 == 0 { &other } else { &at.service };
        instance
            .accept(&beacon(&format!("two-{number}"), "/", &[json!({"type": "page_view", "at_ms": now_ms()}), vital("LCP", 100.0)]))
            .await;
    }
    let is = async |query: &str, expected: f64| {
        until(&format!("{query} is {expected}"), async || {
            prometheus.value(query).await.filter(|value| (value - expected).abs() < 1e-9).map(drop)
        })
        .await;
    };
    is("sum without (instance) (beamline_beacons_total{outcome=\"accepted\"})", 30.0).await;
    is("count(rum_page_views_total)", 2.0).await;
    is("sum(max without (instance) (rum_page_views_total))", 30.0).await;
    is("min(rum_page_views_total)", 30.0).await;
    is("sum(max without (instance) (rum_vital_ratings_total{vital=\"LCP\",rating=\"good\"}))", 30.0).await;
    is("sum(max without (instance) (rum_lcp_distribution_seconds_bucket{le=\"2.5\"}))", 30.0).await;
}
