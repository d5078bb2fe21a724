//! The families of real users, as docs/monitoring.md describes them.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use rum_protocol::{Metric, Rating};

use super::{
    Counters, Reading,
    cells::Totals,
    distribution::{self, bounds, grid, in_unit, merge},
    tracker::Key,
};
use crate::{
    clickhouse::readings::{OTHER, PoorVital},
    exposition::{Exemplar, Family, Kind, Labels, Series, Value},
};

const QUANTILES: [f64; 5] = [0.5, 0.75, 0.9, 0.95, 0.99];
const SAME: &str = "Every instance shows the same; take the maximum.";

/// Every family but those of the reading itself.
pub(super) fn of(counters: &Counters, reading: &Reading) -> Vec<Family> {
    let mut families = Vec::new();
    for vital in Metric::ALL {
        families.extend(of_vital(vital, counters, reading));
    }
    families.push(ratings(counters));
    families.extend(activity(counters));
    families.push(requests(counters));
    families.extend(measures(counters));
    families.push(folded(counters));
    families.retain(|family| !family.series.is_empty());
    families
}

/// How long ago ClickHouse was read.
pub(super) fn age(age: Duration) -> Family {
    let help = "How long ago the other rum_ families were read from ClickHouse. Of one instance.";
    number("rum_summaries_age_seconds", help, Kind::Gauge, vec![series(Vec::new(), age.as_secs_f64())])
}

/// Readings that failed.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
pub(super) fn failures(failures: u64) -> Family {
    let help = "Readings of the rollups that failed; the last good one stays. Adds up over instances.";
    number("rum_summaries_failures_total", help, Kind::Counter, vec![series(Vec::new(), failures as f64)])
}

fn number(name: &'static str, help: &'static str, kind: Kind, series: Vec<Series>) -> Family {
    Family { name: name.into(), help: help.into(), kind, series }
}

fn series(labels: Labels, value: f64) -> Series {
    Series { labels, value: Value::Number(value) }
}

fn label(name: &'static str, value: &str) -> (Cow<'static, str>, String) {
    (name.into(), value.to_owned())
}

/// Device, page and project of a counter whose key has a kind or vital and a device.
fn place(key: &Key) -> Labels {
    let device = key.rest.get(1).map_or("", String::as_str);
    vec![label("device", device), label("page", &key.page), label("project", &key.project)]
}

/// Name and unit: `lcp`, `_seconds`, and how many of the unit one of the vital's own is.
fn named(vital: Metric) -> (String, &'static str, f64) {
    let (unit, scale) = if vital.is_duration() { ("_seconds", 1e-3) } else { ("", 1.0) };
    (vital.name().to_lowercase(), unit, scale)
}

fn of_vital(vital: Metric, counters: &Counters, reading: &Reading) -> [Family; 3] {
    let (name, unit, scale) = named(vital);
    let is_of_vital = |(key, _): &(&Key, &[f64])| key.rest.first().is_some_and(|metric| metric == vital.name());
    let window = Window::of(vital, counters, reading);
    let summary = |buckets: Option<&Vec<(i16, i64)>>, sum: f64, count: f64| Value::Summary {
        quantiles: QUANTILES.map(|rank| (rank, distribution::quantile(buckets.map_or(&[], Vec::as_slice), rank) * scale)).into(),
        sum: sum * scale,
        count,
    };

    let (mut summaries, mut histograms) = (Vec::new(), Vec::new());
    for (key, totals) in counters.vitals.counters().filter(is_of_vital) {
        let Some(Totals { classes, sum, cells }) = Totals::of(totals) else { continue };
        let count = classes.iter().sum();
        let device = key.rest.get(1).map_or("", String::as_str);
        let at = (key.project.as_str(), key.page.clone(), device);
        summaries.push(Series { labels: place(key), value: summary(window.pages.get(&at), sum, count) });
        let poor = reading.poor.iter().find(|poor| {
            poor.metric == vital.name() && poor.project_id == key.project && poor.page == key.page && poor.device == device
        });
        histograms.push(Series { labels: place(key), value: histogram(vital, cells, sum * scale, poor) });
    }
    let whole = counters.projects.counters().filter(is_of_vital).filter_map(|(key, totals)| {
        let Totals { classes, sum, .. } = Totals::of(totals)?;
        let value = summary(window.projects.get(key.project.as_str()), sum, classes.iter().sum());
        Some(Series { labels: vec![label("project", &key.project)], value })
    });
    let family = |name: String, help: String, kind, series| Family { name: name.into(), help: help.into(), kind, series };
    let metric = vital.name();
    [
        family(
            format!("rum_{name}{unit}"),
            format!("{metric} by page: quantiles over the configured window. {SAME}"),
            Kind::Summary,
            summaries,
        ),
        family(
            format!("rum_project_{name}{unit}"),
            format!("{metric} of all pages: quantiles over the configured window. {SAME}"),
            Kind::Summary,
            whole.collect(),
        ),
        family(
            format!("rum_{name}_distribution{unit}"),
            format!("{metric} by bounds that hold the rating thresholds exactly. {SAME}"),
            Kind::Histogram,
            histograms,
        ),
    ]
}

fn histogram(vital: Metric, cells: &[f64], sum: f64, poor: Option<&PoorVital>) -> Value {
    let example = poor.map(|poor| exemplar(vital, poor));
    let at = example.as_ref().map(|example| grid(vital).classic_of(grid(vital).cell_of(example.value)));
    grid(vital).histogram(cells.iter().copied(), sum, |bucket| example.clone().filter(|_| at == Some(bucket)))
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn exemplar(vital: Metric, poor: &PoorVital) -> Exemplar {
    let trace = Some(label("trace_id", &poor.trace_id)).filter(|_| !poor.trace_id.is_empty());
    Exemplar {
        labels: [label("view_id", &format!("{:016x}", poor.view_id))].into_iter().chain(trace).collect(),
        value: in_unit(vital, poor.value),
        at_seconds: poor.at_ms as f64 / 1000.0,
    }
}

/// Project, page and device.
type Place<'a> = (&'a str, String, &'a str);

/// Counts by bucket of the window, by page and device and by project.
struct Window<'a> {
    pages: BTreeMap<Place<'a>, Vec<(i16, i64)>>,
    projects: BTreeMap<&'a str, Vec<(i16, i64)>>,
}

impl<'a> Window<'a> {
    fn of(vital: Metric, counters: &Counters, reading: &'a Reading) -> Self {
        let mut window = Self { pages: BTreeMap::new(), projects: BTreeMap::new() };
        for row in reading.window.iter().filter(|row| row.metric == vital.name()) {
            let has_place = row.page.is_empty() || counters.shown.pages.has(&row.project_id, &row.page);
            let page = if has_place { row.page.clone() } else { OTHER.to_owned() };
            merge(window.pages.entry((&row.project_id, page, &row.device)).or_default(), &row.buckets);
            merge(window.projects.entry(&row.project_id).or_default(), &row.buckets);
        }
        window
    }
}

fn ratings(counters: &Counters) -> Family {
    let mut shown = Vec::new();
    for (key, totals) in counters.vitals.counters() {
        let Some(vital) = key.rest.first().and_then(|metric| Metric::from_name(metric)) else { continue };
        let mut by_rating = [(Rating::Good, 0.0), (Rating::NeedsImprovement, 0.0), (Rating::Poor, 0.0)];
        for (bound, count) in bounds(vital).into_iter().chain([f64::INFINITY]).zip(totals) {
            for (_, sum) in by_rating.iter_mut().filter(|(rating, _)| *rating == vital.rate(bound)) {
                *sum += count;
            }
        }
        for (rating, count) in by_rating {
            let name = match rating {
                Rating::Good => "good",
                Rating::NeedsImprovement => "needs-improvement",
                Rating::Poor => "poor",
            };
            let labels = place(key).into_iter().chain([label("rating", name), label("vital", vital.name())]);
            shown.push(series(labels.collect(), count));
        }
    }
    let help = "Vitals by rating. Every instance shows the same; take the maximum.";
    number("rum_vital_ratings_total", help, Kind::Counter, shown)
}

fn activity(counters: &Counters) -> [Family; 5] {
    const PAGE: &[&str] = &["device", "page", "project", "release"];
    const SESSION: &[&str] = &["device", "project", "release"];
    let family = |kind: &str, name: &'static str, help: &'static str, labels: &[&'static str]| {
        let of_kind = counters.activity.counters().filter(|(key, _)| key.rest.first().is_some_and(|of| of == kind));
        let shown = of_kind.map(|(key, totals)| {
            let value = |name: &str| match name {
                "device" => key.rest.get(1).map_or("", String::as_str),
                "page" => &key.page,
                "release" => &key.release,
                _ => &key.project,
            };
            series(labels.iter().map(|name| label(name, value(name))).collect(), totals.first().copied().unwrap_or_default())
        });
        number(name, help, Kind::Counter, shown.collect())
    };
    [
        family("page_view", "rum_page_views_total", "Page views. Every instance shows the same; take the maximum.", PAGE),
        family("session", "rum_sessions_total", "Sessions that began. Every instance shows the same; take the maximum.", SESSION),
        family("action", "rum_actions_total", "Actions of users. Every instance shows the same; take the maximum.", PAGE),
        family("error", "rum_errors_total", "Errors. Every instance shows the same; take the maximum.", PAGE),
        family(
            "error_group",
            "rum_new_error_groups_total",
            "Causes of errors never stored before. Every instance shows the same; take the maximum.",
            &["project"],
        ),
    ]
}

fn requests(counters: &Counters) -> Family {
    let shown = counters.activity.counters().filter_map(|(key, totals)| {
        let outcome = match key.rest.first()?.as_str() {
            "request" => "ok",
            "failed_request" => "failed",
            _ => return None,
        };
        let device = key.rest.get(1).map_or("", String::as_str);
        let place =
            [("device", device), ("outcome", outcome), ("page", &key.page), ("project", &key.project), ("release", &key.release)];
        let labels = place.into_iter().map(|(name, value)| label(name, value)).collect();
        Some(series(labels, totals.first().copied().unwrap_or_default()))
    });
    let help =
        "Fetches and XMLHttpRequests; failed: no answer, or a status from 400 on. Every instance shows the same; take the maximum.";
    number("rum_requests_total", help, Kind::Counter, shown.collect())
}

fn measures(counters: &Counters) -> [Family; 2] {
    let family = |name: &'static str, help: &'static str, index: usize| {
        let shown = counters.measures.counters().map(|(key, totals)| {
            let [measure, device] = key.rest.as_slice() else { return series(Vec::new(), f64::NAN) };
            let labels = vec![label("device", device), label("measure", measure), label("project", &key.project)];
            series(labels, totals.get(index).copied().unwrap_or_default())
        });
        number(name, help, Kind::Counter, shown.collect())
    };
    [
        family(
            "rum_measure_events_total",
            "Actions and measures that are business measures. Every instance shows the same; take the maximum.",
            0,
        ),
        family(
            "rum_measure_value_total",
            "Sum of the values of business measures, those above zero. Every instance shows the same; take the maximum.",
            1,
        ),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn folded(counters: &Counters) -> Family {
    let of = |(project, count): (&String, &u64)| series(vec![label("project", project)], *count as f64);
    number(
        "rum_series_folded_total",
        "Series that went into __other__ because of the cap, at each reading. Every instance shows the same; take the maximum.",
        Kind::Counter,
        counters.series_folded.iter().map(of).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clickhouse::readings::{VitalDay, VitalWindow},
        exposition::{Format, encode},
        summaries::Summaries,
    };
    use std::time::Instant;

    fn reading(lcp: (i64, i64, i64), buckets: Vec<(i16, i64)>, sum: f64) -> Reading {
        let (project_id, metric, page, device) = ("shop".to_owned(), "LCP".to_owned(), "/".to_owned(), "mobile".to_owned());
        let day = VitalDay {
            project_id: project_id.clone(),
            metric: metric.clone(),
            page: page.clone(),
            device: device.clone(),
            day: 1,
            ratings: lcp,
            sum,
            buckets: buckets.clone(),
        };
        let poor = PoorVital {
            project_id: project_id.clone(),
            metric: metric.clone(),
            page: page.clone(),
            device: device.clone(),
            view_id: 0xab,
            value: 5000.0,
            at_ms: 1500,
            trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
        };
        let window = VitalWindow { project_id, metric, page, device, buckets };
        Reading { vitals: vec![day], window: vec![window], poor: vec![poor], ..Reading::default() }
    }

    #[test]
    fn a_vital_is_shown_in_seconds_by_page_and_by_project() {
        let mut counters = Counters::default();
        let pages = [("shop".to_owned(), "/".to_owned())];
        counters.update(&Reading::default(), &pages, &[], 1000);
        // 1000 ms twice, 3000 ms and 5000 ms.
        let reading = reading((2, 1, 1), vec![(638, 2), (740, 1), (787, 1)], 10_000.0);
        counters.update(&reading, &pages, &[], 1000);
        counters.update(&reading, &pages, &[], 1000);
        let summaries = Summaries::default();
        assert_eq!(summaries.families().len(), 1);
        summaries.replace(of(&counters, &reading), Instant::now());
        let page = String::from_utf8(encode(&summaries.families(), Format::OpenMetrics)).unwrap();
        let labels = "device=\"mobile\",page=\"/\",project=\"shop\"";
        for line in [
            "# TYPE rum_lcp_seconds summary".to_owned(),
            format!("rum_lcp_seconds_sum{{{labels}}} 10"),
            format!("rum_lcp_seconds_count{{{labels}}} 4"),
            "rum_project_lcp_seconds_count{project=\"shop\"} 4".to_owned(),
            format!("rum_lcp_distribution_seconds_bucket{{{labels},le=\"1.024\"}} 2"),
            format!("rum_lcp_distribution_seconds_bucket{{{labels},le=\"2.5\"}} 2"),
            format!("rum_lcp_distribution_seconds_bucket{{{labels},le=\"4\"}} 3"),
            format!(
                "rum_lcp_distribution_seconds_bucket{{{labels},le=\"8.192\"}} 4 # {{view_id=\"00000000000000ab\",trace_id=\"0af7651916cd43dd8448eb211c80319c\"}} 5 1.500"
            ),
            format!("rum_lcp_distribution_seconds_count{{{labels}}} 4"),
            format!("rum_vital_ratings_total{{{labels},rating=\"needs-improvement\",vital=\"LCP\"}} 1"),
        ] {
            assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
        }
        assert!(page.contains("rum_summaries_age_seconds "));
    }
}
