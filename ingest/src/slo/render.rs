//! Objectives as Prometheus recording and alerting rules.

use serde::Serialize;

use super::{ANY_PROJECT, Days, Objectives, SloError, VitalObjective};

/// What the file says of itself.
const HEADER: &str = "\
# Written by `beamline slo render` from slo.yaml; change that file, not this one.
#
# slo:total:rate5m and slo:good:rate5m are events per second, with the labels sli, slo, project and team; all that follows is derived from them.
# An average of rates over a window is the window's events divided by its length, so the ratio of two such averages weighs by traffic.
";

/// Windows that error ratios are recorded for.
const WINDOWS: [&str; 6] = ["30m", "1h", "2h", "6h", "1d", "3d"];

/// How fast the budget burns, over two windows, and how urgent that is.
struct Burn {
    factor: f64,
    long: &'static str,
    short: &'static str,
    severity: &'static str,
}

const BURNS: [Burn; 4] = [
    Burn { factor: 14.4, long: "1h", short: "5m", severity: "P1" },
    Burn { factor: 6.0, long: "6h", short: "30m", severity: "P2" },
    Burn { factor: 3.0, long: "1d", short: "2h", severity: "P3" },
    Burn { factor: 1.0, long: "3d", short: "6h", severity: "P3" },
];

/// Where a rule would ask for more bad events than there are events, it asks for this share: with an objective of 75 % no budget burns
/// faster than fourfold.
const HIGHEST_THRESHOLD: f64 = 0.9;

#[derive(Serialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<&'static str>,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Rule {
    Recording {
        record: String,
        expr: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        labels: Option<Labels>,
    },
    Alerting {
        alert: &'static str,
        expr: String,
        labels: AlertLabels,
        annotations: Annotations,
    },
}

/// What a recording adds to its series, or repeats of them to tell itself from others of its name.
#[derive(Clone, Serialize)]
struct Labels {
    sli: &'static str,
    slo: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    team: String,
}

#[derive(Serialize)]
struct AlertLabels {
    severity: &'static str,
    component: &'static str,
    burn: String,
}

#[derive(Serialize)]
struct Annotations {
    summary: String,
    description: String,
    value: &'static str,
    threshold: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'static str>,
    runbook_url: String,
    dashboard: &'static str,
}

/// The rule file of these objectives.
///
/// # Errors
/// None in practice: the rules are plain texts and numbers.
pub fn render(objectives: &Objectives) -> Result<String, SloError> {
    let mut events = Vec::new();
    let mut targets = Vec::new();
    let mut budgets = Vec::new();
    for entry in &objectives.vitals {
        let others = objectives.vitals.iter().filter(|other| other.vital == entry.vital && other.project != ANY_PROJECT);
        let matcher = project_matcher(entry, &others.map(|other| other.project.as_str()).collect::<Vec<_>>());
        let slo = Slo {
            selector: format!("{{sli=\"vital\",slo=\"{}\"{}}}", entry.vital.name(), after_comma(&matcher)),
            labels: Labels {
                sli: "vital",
                slo: entry.vital.name(),
                project: (entry.project != ANY_PROJECT).then(|| entry.project.clone()),
                team: entry.team.0.clone(),
            },
        };
        events.extend(slo.events(&vital_events(entry.vital.name(), &after_comma(&matcher))));
        targets.extend(slo.target(entry.objective.0, entry.minimum_page_views));
        budgets.push(slo.spent(entry.window));
    }
    if let Some(entry) = &objectives.availability {
        let labels = Labels { sli: "availability", slo: "availability", project: None, team: entry.team.0.clone() };
        let slo = Slo { selector: "{sli=\"availability\"}".into(), labels };
        events.extend(slo.events(&availability_events()));
        targets.extend(slo.target(entry.objective.0, entry.minimum_requests));
        budgets.push(slo.spent(entry.window));
    }
    budgets.push(recording("slo:error_budget_remaining:ratio", "1 - slo:bad:ratio_window / (1 - slo:objective:ratio)".into()));
    let mut alerts = Vec::new();
    if !objectives.vitals.is_empty() {
        alerts.extend(BURNS.iter().map(|burn| alert("VitalBudgetBurn", "vital", burn)));
    }
    if objectives.availability.is_some() {
        alerts.extend(BURNS.iter().map(|burn| alert("IngestAvailabilityBurn", "availability", burn)));
    }
    let groups = vec![
        Group { name: "slo-events", interval: None, rules: events },
        Group { name: "slo-objectives", interval: None, rules: targets },
        Group { name: "slo-ratios", interval: None, rules: ratios() },
        Group { name: "slo-budgets", interval: Some("5m"), rules: budgets },
        Group { name: "slo-burn", interval: None, rules: alerts },
    ];
    Ok(format!("{HEADER}{}", yaml_serde::to_string(&File { groups })?))
}

fn recording(record: &str, expr: String) -> Rule {
    Rule::Recording { record: record.into(), expr, labels: None }
}

/// A matcher of the entry's project; of all that no other entry names, if it is for any.
fn project_matcher(entry: &VitalObjective, named: &[&str]) -> String {
    // Dots of names are the only characters with a meaning in a regular expression.
    let pattern = named.join("|").replace('.', "\\\\.");
    match (entry.project.as_str(), named) {
        (ANY_PROJECT, []) => String::new(),
        (ANY_PROJECT, _) => format!("project!~\"{pattern}\""),
        (project, _) => format!("project=\"{project}\""),
    }
}

fn after_comma(matcher: &str) -> String {
    if matcher.is_empty() { String::new() } else { format!(",{matcher}") }
}

/// Expressions of all events a second and of the good ones.
struct Events {
    total: String,
    good: String,
}

fn vital_events(vital: &str, matcher: &str) -> Events {
    // Every instance shows the same counters.
    let rate = |rating: &str| {
        let series = format!("rum_vital_ratings_total{{vital=\"{vital}\"{rating}{matcher}}}");
        format!("sum by (project) (\n  max by (project, page, device, rating) (rate({series}[5m]))\n)")
    };
    let total = rate("");
    let good = format!("{}\nor\n0 * {total}", rate(",rating=\"good\""));
    Events { total, good }
}

fn availability_events() -> Events {
    let rate =
        |status: &str| format!("sum(rate(beamline_http_requests_total{{route!~\"/metrics|/health.*|unmatched\"{status}}}[5m]))");
    let total = rate("");
    let good = format!("{total} - ({} or 0 * {total})", rate(",status=~\"5..\""));
    Events { total, good }
}

/// One objective: which series it is about, and the labels of its own.
struct Slo {
    selector: String,
    labels: Labels,
}

impl Slo {
    fn recording(&self, record: &str, expr: String) -> Rule {
        Rule::Recording { record: record.into(), expr, labels: Some(self.labels.clone()) }
    }

    fn events(&self, events: &Events) -> [Rule; 2] {
        [self.recording("slo:total:rate5m", events.total.clone()), self.recording("slo:good:rate5m", events.good.clone())]
    }

    /// The objective, and the least events that an alert needs.
    fn target(&self, objective: f64, minimum: u32) -> [Rule; 2] {
        let like_total = |value: String| format!("0 * slo:total:rate5m{} + {value}", self.selector);
        [
            self.recording("slo:objective:ratio", like_total(objective.to_string())),
            self.recording("slo:minimum:events", like_total(minimum.to_string())),
        ]
    }

    /// The share of bad events in the objective's own window.
    fn spent(&self, window: Days) -> Rule {
        let Self { selector, .. } = self;
        let expr =
            format!("1 - avg_over_time(slo:good:rate5m{selector}[{window}]) / avg_over_time(slo:total:rate5m{selector}[{window}])");
        self.recording("slo:bad:ratio_window", expr)
    }
}

fn ratios() -> Vec<Rule> {
    let mut rules = vec![recording("slo:bad:ratio_rate5m", "1 - slo:good:rate5m / slo:total:rate5m".into())];
    rules.extend(WINDOWS.map(|window| {
        let expr = format!("1 - avg_over_time(slo:good:rate5m[{window}]) / avg_over_time(slo:total:rate5m[{window}])");
        recording(&format!("slo:bad:ratio_rate{window}"), expr)
    }));
    rules
}

fn alert(name: &'static str, sli: &'static str, burn: &Burn) -> Rule {
    let Burn { factor, long, short, severity } = burn;
    let threshold = format!("clamp_max({factor} * (1 - slo:objective:ratio{{sli=\"{sli}\"}}), {HIGHEST_THRESHOLD})");
    let expr = format!(
        "slo:bad:ratio_rate{long}{{sli=\"{sli}\"}} > {threshold}\n\
         and slo:bad:ratio_rate{short}{{sli=\"{sli}\"}} > {threshold}\n\
         and 60 * sum_over_time(slo:total:rate5m{{sli=\"{sli}\"}}[{long}:1m]) >= slo:minimum:events{{sli=\"{sli}\"}}"
    );
    let asked = if sli == "vital" { "slo=\\\"%s\\\",project=\\\"%s\\\"" } else { "slo=\\\"%s\\\"" };
    let of_labels = if sli == "vital" { "$labels.slo $labels.project" } else { "$labels.slo" };
    let threshold = format!(
        "{{{{ with printf \"clamp_max({factor} * (1 - slo:objective:ratio{{{asked}}}), {HIGHEST_THRESHOLD})\" {of_labels} | query }}}}\
         {{{{ . | first | value | humanizePercentage }}}}{{{{ end }}}}"
    );
    let (component, summary, description, page, dashboard) = if sli == "vital" {
        (
            "rum",
            format!("{{{{ $labels.project }}}}: {{{{ $labels.slo }}}} burns its error budget (limit {factor}x)"),
            format!(
                "{{{{ $value | humanizePercentage }}}} of the {{{{ $labels.slo }}}} values of the last {long} are not good, \
                 and it goes on in the last {short}."
            ),
            Some(WORST_PAGE),
            "/d/beamline-slo-prometheus?var-project={{ $labels.project }}",
        )
    } else {
        (
            "service",
            format!("Beacons fail faster than the error budget allows (limit {factor}x)"),
            format!(
                "{{{{ $value | humanizePercentage }}}} of the beacon requests of the last {long} were answered with a server error, \
                 and it goes on in the last {short}."
            ),
            None,
            "/d/beamline-service-prometheus",
        )
    };
    Rule::Alerting {
        alert: name,
        expr,
        labels: AlertLabels { severity, component, burn: format!("{factor}x") },
        annotations: Annotations {
            summary,
            description,
            value: "{{ $value | humanizePercentage }}",
            threshold,
            page,
            runbook_url: format!("deploy/runbooks/{name}.md"),
            dashboard,
        },
    }
}

/// The page with the most values that are not good in the last hour.
const WORST_PAGE: &str = "{{ with printf \"topk(1, sum by (page) (max by (page, device, rating) \
    (increase(rum_vital_ratings_total{project=\\\"%s\\\",vital=\\\"%s\\\",rating!=\\\"good\\\"}[1h]))))\" $labels.project $labels.slo | query }}\
    {{ . | first | label \"page\" }}{{ end }}";

#[cfg(test)]
mod tests {
    use super::*;

    fn expressions(text: &str, record: &str) -> Vec<String> {
        let rendered = render(&Objectives::parse(text).unwrap()).unwrap();
        let file: yaml_serde::Value = yaml_serde::from_str(&rendered).unwrap();
        let rules = file["groups"].as_sequence().unwrap().iter().flat_map(|group| group["rules"].as_sequence().unwrap());
        rules
            .filter(|rule| rule["record"] == record || rule["alert"] == record)
            .map(|rule| rule["expr"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn any_project_leaves_out_those_with_an_entry_for_the_same_vital() {
        let text = "vitals:
            - {project: '*', vital: LCP}
            - {project: a.b, vital: LCP, objective: 0.9}
            - {project: c, vital: INP, minimum_page_views: 7}";
        assert_eq!(
            expressions(text, "slo:objective:ratio"),
            [
                "0 * slo:total:rate5m{sli=\"vital\",slo=\"LCP\",project!~\"a\\\\.b\"} + 0.75",
                "0 * slo:total:rate5m{sli=\"vital\",slo=\"LCP\",project=\"a.b\"} + 0.9",
                "0 * slo:total:rate5m{sli=\"vital\",slo=\"INP\",project=\"c\"} + 0.75",
            ]
        );
        assert!(expressions(text, "slo:minimum:events")[2].ends_with(" + 7"));
        assert_eq!(expressions(text, "VitalBudgetBurn").len(), 4);
        assert!(expressions(text, "IngestAvailabilityBurn").is_empty());
    }

    #[test]
    fn the_committed_rules_are_those_of_the_committed_objectives() {
        let objectives = Objectives::parse(include_str!("../../../deploy/slo.yaml")).unwrap();
        let rendered = render(&objectives).unwrap();
        let committed = include_str!("../../../deploy/prometheus/rules/slo.yml");
        assert!(rendered == committed, "run `beamline slo render deploy/slo.yaml > deploy/prometheus/rules/slo.yml`\n{rendered}");
    }
}
