//! Panels of the Prometheus dashboards, asked as Grafana asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;

use crate::{
    Prometheus,
    grafana::{Chosen, Query, queries},
};

/// What panels show.
#[derive(Debug, Default)]
pub struct Shown {
    /// How many queries were answered.
    pub queries: usize,
    /// Those without an answer, by dashboard and panel.
    pub empty: BTreeSet<String>,
    /// p75 by vital: each value a panel shows of it, the newest where it shows several.
    pub percentiles: BTreeMap<&'static str, Vec<f64>>,
}

/// One series of an answer: its labels and its last value.
struct Answered {
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Asks everything that the dashboards of this folder ask, and checks that the answers have what their panels draw.
///
/// # Panics
/// If a query is refused, or an answer is of no use to its panel.
pub async fn ask(prometheus: &Prometheus, folder: &Path, chosen: &Chosen) -> Shown {
    let mut shown = Shown::default();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for query in paths.iter().flat_map(|path| queries(path)) {
        let text = chosen.promql(&query.text);
        shown.queries += 1;
        let is_empty = if query.kind == "variable" {
            label_values(prometheus, &text).await == 0
        } else {
            let answers = answers(prometheus, &query, &text, chosen).await;
            check(&query, &answers);
            shown.remember(&text, &answers);
            answers.is_empty()
        };
        if is_empty {
            shown.empty.insert(query.place);
        }
    }
    shown
}

/// How many values `label_values(series, label)` has.
async fn label_values(prometheus: &Prometheus, call: &str) -> usize {
    let arguments = call.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    let (series, label) = arguments.and_then(|arguments| arguments.rsplit_once(", ")).unwrap();
    prometheus.api(&format!("label/{label}/values"), &[("match[]", series)]).await.as_array().unwrap().len()
}

async fn answers(prometheus: &Prometheus, query: &Query, text: &str, chosen: &Chosen) -> Vec<Answered> {
    let (from, to, step) = (chosen.from.to_string(), chosen.to.to_string(), chosen.interval.to_string());
    let answer = if query.is_instant {
        prometheus.api("query", &[("query", text), ("time", &to)]).await
    } else {
        prometheus.api("query_range", &[("query", text), ("start", &from), ("end", &to), ("step", &step)]).await
    };
    let series = answer["result"].as_array().unwrap().iter().map(|series| {
        let labels: BTreeMap<String, String> = serde_json::from_value(series["metric"].clone()).unwrap();
        let last = series["values"].as_array().and_then(|values| values.last()).unwrap_or(&series["value"]);
        Answered { labels, value: number(&last[1]) }
    });
    series.collect()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn check(query: &Query, answers: &[Answered]) {
    let Query { place, kind, text, .. } = query;
    if matches!(kind.as_str(), "stat" | "gauge") {
        assert!(answers.len() <= 1, "{place}: {} series for one number", answers.len());
    }
    for Answered { labels, .. } in answers {
        for label in placeholders(&query.legend) {
            assert!(labels.get(label).is_some_and(|value| !value.is_empty()), "{place}: no {label} in {labels:?}\n{text}");
        }
        for label in grouping(text) {
            assert!(labels.contains_key(label), "{place}: no label {label} in {labels:?}\n{text}");
        }
        match kind.as_str() {
            "barchart" => assert_eq!(labels.keys().collect::<Vec<_>>(), ["rating", "vital"], "{place}"),
            "heatmap" => assert_eq!(labels.keys().collect::<Vec<_>>(), ["le"], "{place}"),
            _ => {}
        }
    }
}

/// The labels that an aggregation keeps, of a query that is one.
fn grouping(text: &str) -> Vec<&str> {
    let by = text.split_once(" by (").filter(|(aggregation, _)| aggregation.chars().all(char::is_alphanumeric));
    let labels = by.and_then(|(_, rest)| rest.split_once(')')).map_or("", |(labels, _)| labels);
    labels.split(',').map(str::trim).filter(|label| !label.is_empty()).collect()
}

/// The labels in a legend such as `{{page}} {{device}}`.
fn placeholders(legend: &str) -> Vec<&str> {
    legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).collect()
}

impl Shown {
    fn remember(&mut self, text: &str, answers: &[Answered]) {
        let vitals =
            [("LCP", "lcp_seconds{"), ("INP", "inp_seconds{"), ("CLS", "cls{"), ("FCP", "fcp_seconds{"), ("TTFB", "ttfb_seconds{")];
        for (vital, family) in vitals {
            if text.contains(family) && text.contains("quantile=\"0.75\"") {
                self.percentiles.entry(vital).or_default().extend(answers.iter().map(|answer| answer.value));
            }
        }
    }
}
