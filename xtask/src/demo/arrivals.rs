//! Compares what a visit did with what ClickHouse, `/metrics` and Prometheus show of it.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;

/// Kind, name, rows, different events, and rows that replace no earlier one.
pub(super) const QUERY: &str = "
SELECT
    toString(kind) AS kind, multiIf(kind = 'vital', toString(metric), kind = 'action', name, '') AS name,
    count() AS rows, uniqExact(event_id) AS events, countIf(prev_rating = '') AS first_reports
FROM events WHERE project_id = 'shop' AND kind IN ('page_view', 'vital', 'action') GROUP BY kind, name
UNION ALL
SELECT 'error', toString(source), count(), uniqExact(event_id), count() FROM errors WHERE project_id = 'shop' GROUP BY source
FORMAT TabSeparated";

/// `sum by (__name__) ({__name__=~"rum_.+_count"})`, as an address.
pub(super) const PROMETHEUS_QUERY: &str =
    "/api/v1/query?query=sum%20by%20%28__name__%29%20%28%7B__name__%3D~%22rum_.%2B_count%22%7D%29";

/// What a visit must leave behind, as kind and name with its number.
pub(super) struct Expected(BTreeMap<(String, String), u64>);

impl Expected {
    /// Reads what `tests/browser/visit.mjs` prints.
    pub(super) fn from_json(json: &Value) -> Result<Self> {
        let mut expected = BTreeMap::new();
        for metric in json["vitals"].as_array().context("no `vitals`")? {
            expected.insert(("vital".to_owned(), metric.as_str().context("a vital without name")?.to_owned()), 1);
        }
        let number = |value: &Value| value.as_u64().context("not a number");
        expected.insert(("page_view".to_owned(), String::new()), number(&json["pageViews"])?);
        expected.insert(("action".to_owned(), "click".to_owned()), number(&json["clicks"])?);
        for (kind, counts) in [("action", &json["customActions"]), ("error", &json["errors"])] {
            for (name, count) in counts.as_object().context("no counts")? {
                expected.insert((kind.to_owned(), name.clone()), number(count)?);
            }
        }
        Ok(Self(expected))
    }
}

/// One line of the comparison.
#[derive(Debug, Default, PartialEq)]
struct Line {
    expected: u64,
    rows: u64,
    events: u64,
    first_reports: u64,
    /// Count and p75 on `/metrics`; vitals only.
    metrics: Option<(u64, String)>,
    /// Count in Prometheus; vitals only, and only where one runs.
    prometheus: Option<u64>,
    needs_metrics: bool,
    needs_prometheus: bool,
}

impl Line {
    fn holds(&self) -> bool {
        self.first_reports == self.expected
            && self.rows == self.events
            && (!self.needs_metrics || self.metrics.as_ref().is_some_and(|(count, _)| *count == self.expected))
            && (!self.needs_prometheus || self.prometheus == Some(self.expected))
    }
}

/// What arrived of a visit.
#[derive(Debug)]
pub(super) struct Arrivals(BTreeMap<(String, String), Line>);

impl Arrivals {
    /// Puts what was expected next to what is there.
    ///
    /// # Errors
    /// When an answer cannot be read.
    pub(super) fn compare(expected: &Expected, rows: &str, metrics: &str, prometheus: Option<&str>) -> Result<Self> {
        let mut lines: BTreeMap<_, Line> =
            expected.0.iter().map(|(what, count)| (what.clone(), Line { expected: *count, ..Line::default() })).collect();
        for row in rows.lines() {
            let fields: Vec<_> = row.split('\t').collect();
            let [kind, name, rows, events, first_reports] = fields[..] else { anyhow::bail!("unexpected row {row:?}") };
            let line = lines.entry((kind.to_owned(), name.to_owned())).or_default();
            (line.rows, line.events, line.first_reports) = (rows.parse()?, events.parse()?, first_reports.parse()?);
        }
        let scraped = prometheus.map(prometheus_counts).transpose()?;
        for ((_, metric), line) in lines.iter_mut().filter(|((kind, _), _)| kind == "vital") {
            let family = family(metric);
            line.needs_metrics = true;
            line.metrics = exposed(metrics, &family);
            line.needs_prometheus = scraped.is_some();
            line.prometheus = scraped.as_ref().and_then(|counts| counts.get(&format!("{family}_count")).copied());
        }
        Ok(Self(lines))
    }

    /// Whether everything arrived, exactly once, and nothing else did.
    pub(super) fn is_complete(&self) -> bool {
        self.0.values().all(Line::holds)
    }

    /// A table for people.
    pub(super) fn table(&self) -> String {
        let mut table = format!(
            "  {:<28} {:>8} {:>10} {:>9} {:>10} {:>10}\n",
            "what the visit left", "expected", "ClickHouse", "/metrics", "Prometheus", "p75"
        );
        for ((kind, name), line) in &self.0 {
            let number = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
            let (count, p75) = line.metrics.as_ref().map_or((None, "-"), |(count, p75)| (Some(*count), p75.as_str()));
            let _ = writeln!(
                table,
                "{} {:<28} {:>8} {:>10} {:>9} {:>10} {:>10}",
                if line.holds() { "✓" } else { "✗" },
                format!("{} {name}", kind.replace('_', " ")).trim_end(),
                line.expected,
                line.first_reports,
                number(count),
                number(line.prometheus),
                p75,
            );
        }
        table
    }
}

fn family(metric: &str) -> String {
    let name = metric.to_lowercase();
    if metric == "CLS" { format!("rum_{name}") } else { format!("rum_{name}_seconds") }
}

/// Sum of the counts of `family` over all its series, and the p75 of the first; `None` when the family is not there.
fn exposed(metrics: &str, family: &str) -> Option<(u64, String)> {
    let samples = |name: String| {
        let start = format!("{name}{{");
        metrics.lines().filter_map(move |line| line.strip_prefix(&start)?.rsplit_once("} "))
    };
    let counts: Vec<u64> = samples(format!("{family}_count")).filter_map(|(_, value)| value.parse().ok()).collect();
    let mut p75 = samples(family.to_owned()).filter(|(labels, _)| labels.contains("quantile=\"0.75\""));
    let p75 =
        p75.next().and_then(|(_, value)| value.parse::<f64>().ok()).map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    (!counts.is_empty()).then(|| (counts.iter().sum(), p75))
}

/// Values by metric name from an answer of Prometheus' query API.
fn prometheus_counts(answer: &str) -> Result<BTreeMap<String, u64>> {
    let json: Value = serde_json::from_str(answer)?;
    let results = json["data"]["result"].as_array().context("Prometheus answered without a result")?;
    Ok(results
        .iter()
        .filter_map(|result| Some((result["metric"]["__name__"].as_str()?.to_owned(), result["value"][1].as_str()?.parse().ok()?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> Expected {
        let visit = json!({
            "vitals": ["CLS", "LCP"], "pageViews": 2, "clicks": 5, "customActions": {"add": 1}, "errors": {"uncaught": 1}
        });
        Expected::from_json(&visit).unwrap()
    }

    const ROWS: &str = "vital\tCLS\t2\t2\t1\nvital\tLCP\t1\t1\t1\npage_view\t\t2\t2\t2\naction\tclick\t5\t5\t5\naction\tadd\t1\t1\t1\n\
                        error\tuncaught\t1\t1\t1\n";
    const METRICS: &str = "# TYPE rum_lcp_seconds summary\nrum_lcp_seconds{page=\"a\",quantile=\"0.75\"} 0.25\n\
                           rum_lcp_seconds_count{page=\"a\"} 1\nrum_cls{page=\"a\",quantile=\"0.75\"} 0.1\nrum_cls_count{page=\"a\"} 1\n";

    fn complete(rows: &str, metrics: &str, prometheus: Option<&str>) -> bool {
        Arrivals::compare(&expected(), rows, metrics, prometheus).unwrap().is_complete()
    }

    #[test]
    fn a_visit_is_complete_when_all_of_it_is_there_once() {
        assert!(complete(ROWS, METRICS, None));
        let table = Arrivals::compare(&expected(), ROWS, METRICS, None).unwrap().table();
        assert!(table.contains("0.2500") && !table.contains('✗'), "{table}");
    }

    #[test]
    fn what_is_missing_doubled_or_foreign_makes_it_incomplete() {
        assert!(!complete(&ROWS.replace("action\tadd\t1\t1\t1\n", ""), METRICS, None), "missing");
        assert!(!complete(&ROWS.replace("click\t5\t5\t5", "click\t6\t5\t6"), METRICS, None), "stored twice");
        assert!(!complete(&format!("{ROWS}vital\tINP\t1\t1\t1\n"), METRICS, None), "not expected");
        assert!(
            !complete(ROWS, &METRICS.replace("rum_cls_count{page=\"a\"} 1", "rum_cls_count{page=\"a\"} 2"), None),
            "counted twice"
        );
    }

    #[test]
    fn a_running_prometheus_must_show_it_too() {
        let answer = |count: &str| {
            json!({"data": {"result": [
                {"metric": {"__name__": "rum_cls_count"}, "value": [1.5, "1"]},
                {"metric": {"__name__": "rum_lcp_seconds_count"}, "value": [1.5, count]},
            ]}})
            .to_string()
        };
        assert!(complete(ROWS, METRICS, Some(&answer("1"))));
        assert!(!complete(ROWS, METRICS, Some(&answer("0"))));
        assert!(!complete(ROWS, METRICS, Some("{\"data\":{\"result\":[]}}")));
    }
}
