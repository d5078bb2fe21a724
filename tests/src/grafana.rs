//! Queries of dashboards as Grafana sends them: variables and macros filled in.
//!
//! The macros are those of the data source plugin, <https://github.com/grafana/clickhouse-datasource> (`pkg/macros`, `applyConditionalAll`), and of
//! [Grafana's Prometheus data source](https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/).

use std::path::Path;

use serde_json::Value;

/// What is chosen above a dashboard.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Begin of the time range, Unix seconds.
    pub from: u64,
    /// End of the time range, Unix seconds.
    pub to: u64,
    /// Seconds between two points of a graph.
    pub interval: u64,
    /// Values of variables by name; a variable that is not here is set to "All".
    pub variables: Vec<(&'static str, Vec<&'static str>)>,
}

/// One query of a panel.
#[derive(Clone, Debug)]
pub struct Query {
    /// File and panel, to tell which one fails.
    pub place: String,
    /// The panel's type, such as `stat`; `annotation` or `variable` if it belongs to none.
    pub kind: String,
    /// As it is in the file.
    pub text: String,
    /// Columns that the panel sets a unit or a colour for.
    pub columns: Vec<String>,
    /// How series are named, for Prometheus.
    pub legend: String,
    /// Whether one moment is asked for, and not a range of time.
    pub is_instant: bool,
}

/// All queries of a dashboard's file.
///
/// # Panics
/// If the file is no dashboard.
pub fn queries(path: &Path) -> Vec<Query> {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let file = path.file_stem().unwrap().to_string_lossy().into_owned();
    let text = |target: &Value| target["rawSql"].as_str().or(target["expr"].as_str()).map(str::to_owned);
    let query = |title: &Value, kind: &str, text, columns| {
        let place = format!("{file}: {}", title.as_str().unwrap_or_default());
        Query { place, kind: kind.to_owned(), text, columns, legend: String::new(), is_instant: true }
    };
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push(Query {
                legend: target["legendFormat"].as_str().unwrap_or_default().to_owned(),
                is_instant: target["instant"] == true,
                ..query(&panel["title"], panel["type"].as_str().unwrap(), text(target).unwrap(), columns(panel))
            });
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        let text = text(&annotation["target"]).or(text(annotation)).unwrap();
        found.push(query(&annotation["name"], "annotation", text, Vec::new()));
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let asked = variable["query"].as_str().or(variable["query"]["query"].as_str());
        if let Some(asked) = asked.filter(|_| variable["type"] == "query") {
            found.push(query(&variable["name"], "variable", asked.to_owned(), Vec::new()));
        }
    }
    found
}

/// Columns with a setting of their own; ratings are values of a column, not columns.
fn columns(panel: &Value) -> Vec<String> {
    let overrides = panel["fieldConfig"]["overrides"].as_array().into_iter().flatten();
    let names = overrides.filter_map(|entry| entry["matcher"]["options"].as_str());
    names.filter(|name| !["good", "needs-improvement", "poor"].contains(name)).map(str::to_owned).collect()
}

impl Chosen {
    /// SQL without variables and macros.
    ///
    /// # Panics
    /// If a macro is not closed, or one remains.
    pub fn sql(&self, text: &str) -> String {
        let mut sql = self.conditional(text);
        for (name, values) in &self.variables {
            let quoted: Vec<_> = values.iter().map(|value| format!("'{}'", value.replace('\'', "\\'"))).collect();
            sql = sql.replace(&format!("${{{name}:singlequote}}"), &quoted.join(","));
        }
        let (from, to) = (format!("toDateTime({})", self.from), format!("toDateTime({})", self.to));
        sql = called(&sql, "$__timeFilter", |column| format!("{column} >= {from} AND {column} <= {to}"));
        sql = called(&sql, "$__timeInterval", |column| {
            format!("toStartOfInterval(toDateTime({column}), INTERVAL {} second)", self.interval)
        });
        sql = sql.replace("$__fromTime", &from).replace("$__toTime", &to).replace("$__interval_s", &self.interval.to_string());
        assert!(!sql.contains('$'), "{sql}");
        sql
    }

    /// `PromQL` without variables and macros.
    ///
    /// # Panics
    /// If one remains.
    pub fn promql(&self, text: &str) -> String {
        let mut promql = text
            .replace("$__rate_interval", &format!("{}s", self.interval * 4))
            .replace("$__range", &format!("{}s", self.to - self.from))
            .replace("$__interval", &format!("{}s", self.interval));
        for (name, values) in &self.variables {
            promql = promql.replace(&format!("${name}"), &values.join("|"));
        }
        for all in ["page", "device", "release"] {
            promql = promql.replace(&format!("${all}"), ".*");
        }
        assert!(!promql.contains('$'), "{promql}");
        promql
    }

    /// `$__conditionalAll(condition, $variable)` is the condition, or true where the variable is set to "All".
    fn conditional(&self, text: &str) -> String {
        called(text, "$__conditionalAll", |arguments| {
            let (condition, variable) = arguments.rsplit_once(',').unwrap();
            let name = variable.trim().trim_start_matches('$');
            let is_chosen = self.variables.iter().any(|(chosen, _)| *chosen == name);
            if is_chosen { condition.to_owned() } else { "1=1".to_owned() }
        })
    }
}

/// Replaces every call of a macro by what it stands for.
fn called(text: &str, name: &str, expand: impl Fn(&str) -> String) -> String {
    let opening = format!("{name}(");
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(&opening) {
        let mut depth = 1;
        let closing = after.find(|character| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            depth == 0
        });
        let (arguments, following) = after.split_at(closing.unwrap());
        out.push_str(before);
        out.push_str(&expand(arguments));
        rest = &following[1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen() -> Chosen {
        Chosen { from: 100, to: 200, interval: 60, variables: vec![("project", vec!["shop"]), ("page", vec!["/", "/it's"])] }
    }

    #[test]
    fn sql_is_what_the_plugin_makes_of_it() {
        let check = |text: &str, expected: &str| assert_eq!(chosen().sql(text), expected);
        check("$__timeFilter(ts)", "ts >= toDateTime(100) AND ts <= toDateTime(200)");
        check("$__timeInterval(t) AS time", "toStartOfInterval(toDateTime(t), INTERVAL 60 second) AS time");
        check("toDate($__fromTime), $__toTime, $__interval_s", "toDate(toDateTime(100)), toDateTime(200), 60");
        check("p = ${project:singlequote}", "p = 'shop'");
        check("$__conditionalAll(page IN (${page:singlequote}), $page) AND 1", "page IN ('/','/it\\'s') AND 1");
        check("$__conditionalAll(device IN (${device:singlequote}), $device)", "1=1");
    }

    #[test]
    fn promql_is_what_grafana_makes_of_it() {
        let expected = "rate(a{project=\"shop\",device=~\".*\"}[240s]) / increase(a[100s])";
        assert_eq!(
            chosen().promql("rate(a{project=\"$project\",device=~\"$device\"}[$__rate_interval]) / increase(a[$__range])"),
            expected
        );
    }
}
