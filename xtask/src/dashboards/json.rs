//! Descriptions as Grafana's JSON.

use anyhow::{Context, Result, bail};
use rum_protocol::Metric;
use serde_json::{Value, json};

use super::Store;
use super::layout::places;
use super::source::{Dashboard, Kind, Panel, PromQl, Variable};

/// Version of the JSON model, of Grafana 11.
const SCHEMA_VERSION: u32 = 39;
const GREEN: &str = "green";
const YELLOW: &str = "yellow";
const RED: &str = "red";

/// The dashboard of one data source.
pub(super) fn dashboard(dashboard: &Dashboard, store: Store) -> Result<Value> {
    let chosen = match store {
        Store::Prometheus => &dashboard.variables.prometheus,
        Store::ClickHouse => &dashboard.variables.clickhouse,
    };
    let shown = shown(&dashboard.panels, store);
    let places = places(shown.iter().map(|panel| if panel.kind == Kind::Row { (24, 1) } else { (panel.width, panel.height) }));
    let mut panels = Vec::new();
    for (index, (panel, place)) in shown.iter().zip(places).enumerate() {
        let mut value = self::panel(panel, store).with_context(|| panel.title.clone())?;
        value["id"] = json!(index + 1);
        value["gridPos"] = json!({"x": place.x, "y": place.y, "w": place.width, "h": place.height});
        panels.push(value);
    }
    let mut variables = vec![data_source_variable(store), project_variable(store)];
    variables.extend(chosen.iter().map(|variable| choice(*variable, store)));
    Ok(json!({
        "uid": format!("beamline-{}-{}", dashboard.uid, store.name()),
        "title": format!("{} ({})", dashboard.title, if store == Store::Prometheus { "Prometheus" } else { "ClickHouse" }),
        "description": dashboard.description,
        "tags": ["beamline", store.name()],
        "schemaVersion": SCHEMA_VERSION,
        "editable": true,
        "graphTooltip": 1,
        "refresh": if store == Store::Prometheus { "30s" } else { "1m" },
        "timezone": "utc",
        "time": {"from": dashboard.from, "to": "now"},
        "templating": {"list": variables},
        "annotations": {"list": [releases(store)]},
        "links": [{
            "type": "dashboards", "title": "Beamline", "tags": ["beamline", store.name()], "asDropdown": true,
            "includeVars": true, "keepTime": true, "icon": "dashboard", "targetBlank": false, "tooltip": "The other dashboards"
        }],
        "panels": panels,
    }))
}

/// The panels with a query for the data source, and the rows above them.
fn shown(panels: &[Panel], store: Store) -> Vec<&Panel> {
    let has_query = |panel: &Panel| match store {
        Store::Prometheus => !panel.prometheus.is_empty(),
        Store::ClickHouse => !panel.clickhouse.is_empty(),
    };
    let is_shown = |(index, panel): &(usize, &Panel)| match panel.kind {
        Kind::Row => panels[index + 1..].iter().take_while(|below| below.kind != Kind::Row).any(has_query),
        _ => has_query(panel),
    };
    panels.iter().enumerate().filter(is_shown).map(|(_, panel)| panel).collect()
}

fn data_source(store: Store) -> Value {
    json!({"type": store.kind(), "uid": "${datasource}"})
}

fn data_source_variable(store: Store) -> Value {
    json!({"name": "datasource", "label": "Data source", "type": "datasource", "query": store.kind(), "refresh": 1, "hide": 0})
}

fn project_variable(store: Store) -> Value {
    let query = match store {
        Store::Prometheus => "label_values(rum_page_views_total, project)".to_owned(),
        Store::ClickHouse => {
            "SELECT DISTINCT project_id FROM vitals_1h WHERE t > now() - INTERVAL 30 DAY ORDER BY project_id".to_owned()
        }
    };
    variable("project", "Project", store, &query)
}

fn choice(chosen: Variable, store: Store) -> Value {
    let name = chosen.name();
    let query = match store {
        Store::Prometheus => format!("label_values(rum_page_views_total{{project=\"$project\"}}, {name})"),
        Store::ClickHouse => format!(
            "SELECT {name} FROM events WHERE project_id = ${{project:singlequote}} AND kind = 'page_view' AND $__timeFilter(ts) \
             GROUP BY {name} ORDER BY count() DESC LIMIT 200"
        ),
    };
    let label = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
    let mut variable = variable(name, &label, store, &query);
    variable["multi"] = json!(true);
    variable["includeAll"] = json!(true);
    variable["current"] = json!({"text": ["All"], "value": ["$__all"]});
    if store == Store::Prometheus {
        variable["allValue"] = json!(".*");
    }
    variable
}

fn variable(name: &str, label: &str, store: Store, query: &str) -> Value {
    let asked = match store {
        Store::Prometheus => json!({"query": query, "refId": "variable"}),
        Store::ClickHouse => json!(query),
    };
    json!({
        "name": name, "label": label, "type": "query", "datasource": data_source(store), "definition": query, "query": asked,
        "refresh": 2, "sort": 1, "multi": false, "includeAll": false
    })
}

/// A line in every graph where a release was first seen.
fn releases(store: Store) -> Value {
    let mut annotation = json!({
        "name": "Releases", "datasource": data_source(store), "enable": true, "hide": false, "iconColor": "purple"
    });
    match store {
        Store::Prometheus => {
            let seen = "sum by (release) (rum_page_views_total{project=\"$project\",release!~\"|__other__\"}";
            annotation["expr"] = json!(format!("{seen}) unless {seen} offset 15m)"));
            annotation["titleFormat"] = json!("{{release}}");
            annotation["step"] = json!("60s");
        }
        Store::ClickHouse => {
            annotation["target"] = query(
                "SELECT toDateTime(min(t)) AS time, release AS text, 'release' AS tags FROM vitals_1h \
                 WHERE project_id = ${project:singlequote} AND release != '' GROUP BY release HAVING $__timeFilter(time)",
                1,
                "A",
            );
        }
    }
    annotation
}

fn panel(panel: &Panel, store: Store) -> Result<Value> {
    if panel.kind == Kind::Row {
        return Ok(json!({"type": "row", "title": panel.title, "collapsed": false, "panels": []}));
    }
    let format = u8::from(!panel.kind.over_time());
    let targets: Vec<Value> = match store {
        Store::Prometheus => {
            let asked = panel.prometheus.iter().enumerate();
            asked.map(|(index, asked)| promql(panel.kind, asked, index)).collect::<Result<_>>()?
        }
        Store::ClickHouse => {
            let asked = panel.clickhouse.iter().enumerate();
            asked.map(|(index, sql)| Ok(query(&filters(sql, store)?, format, reference(index)))).collect::<Result<_>>()?
        }
    };
    let mut value = json!({
        "type": panel.kind.plugin(),
        "title": panel.title,
        "description": panel.description,
        "datasource": data_source(store),
        "fieldConfig": field_config(panel)?,
        "options": options(panel),
        "targets": targets,
    });
    // The rollups that panels over time read have one row an hour.
    if store == Store::ClickHouse && panel.kind.over_time() {
        value["interval"] = json!("1h");
    }
    if let Some([column, row]) = &panel.matrix {
        let cell = if store == Store::Prometheus { "Value" } else { "value" };
        value["transformations"] =
            json!([{"id": "groupingToMatrix", "options": {"columnField": column, "rowField": row, "valueField": cell}}]);
    } else if panel.kind == Kind::Table && store == Store::Prometheus {
        value["transformations"] =
            json!([{"id": "organize", "options": {"excludeByName": {"Time": true}, "renameByName": {"Value": "value"}}}]);
    }
    Ok(value)
}

fn reference(index: usize) -> &'static str {
    ["A", "B", "C", "D", "E", "F", "G", "H"].get(index).copied().unwrap_or("Z")
}

fn promql(kind: Kind, asked: &PromQl, index: usize) -> Result<Value> {
    let format = match kind {
        Kind::Table | Kind::Bars => "table",
        Kind::Heatmap => "heatmap",
        _ => "time_series",
    };
    Ok(json!({
        "refId": reference(index), "datasource": data_source(Store::Prometheus), "expr": filters(&asked.expr, Store::Prometheus)?,
        "legendFormat": asked.legend, "range": kind.over_time(), "instant": !kind.over_time(), "format": format
    }))
}

/// `format` 0 is a time series, 1 a table.
fn query(sql: &str, format: u8, reference: &str) -> Value {
    json!({
        "refId": reference, "datasource": data_source(Store::ClickHouse), "editorType": "sql",
        "queryType": if format == 0 { "timeseries" } else { "table" }, "format": format, "rawSql": sql.trim()
    })
}

/// Writes out `@where(page, device)` (matchers in `PromQL`, a condition in SQL), `@only(page, device)` (the same without the project), and
/// `@hours` (the chosen time, for hourly rollups), `@failures` (errors without what the browser only advises) and `@hourly` (the vitals by
/// hour: those of the site as long as all pages are chosen, which are fewer rows).
fn filters(text: &str, store: Store) -> Result<String> {
    let project = match store {
        Store::Prometheus => "project=\"$project\"",
        Store::ClickHouse => "project_id = ${project:singlequote}",
    };
    let text = written_out(text, "@where(", Some(project), store)?;
    let text = written_out(&text, "@only(", None, store)?;
    let columns = "device, release, t, count, good, needs_improvement, poor, buckets";
    let hourly = format!(
        "(SELECT project_id, metric, '' AS page, {columns} FROM vitals_site_1h WHERE $__conditionalAll(0, $page) UNION ALL \
         SELECT project_id, metric, page, {columns} FROM vitals_1h WHERE NOT $__conditionalAll(0, $page)) AS vitals_1h"
    );
    let text = text.replace("@failures", "source NOT IN ('deprecation', 'intervention')");
    Ok(text.replace("@hourly", &hourly).replace("@hours", "t >= toStartOfHour($__fromTime) AND t <= $__toTime"))
}

fn written_out(text: &str, opening: &str, first: Option<&str>, store: Store) -> Result<String> {
    let mut parts = text.split(opening);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (names, rest) = part.split_once(')').with_context(|| format!("{opening} without )"))?;
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let conditions = names.map(|name| condition(name, store)).collect::<Result<Vec<_>>>()?;
        let conditions = first.map(str::to_owned).into_iter().chain(conditions).collect::<Vec<_>>();
        out.push_str(&conditions.join(if store == Store::Prometheus { "," } else { " AND " }));
        out.push_str(rest);
    }
    Ok(out)
}

fn condition(name: &str, store: Store) -> Result<String> {
    if !["page", "device", "release", "country"].contains(&name) {
        bail!("no variable {name:?}");
    }
    Ok(match store {
        Store::Prometheus => format!("{name}=~\"${name}\""),
        Store::ClickHouse => format!("$__conditionalAll({name} IN (${{{name}:singlequote}}), ${name})"),
    })
}

fn field_config(panel: &Panel) -> Result<Value> {
    let (steps, colored) = match (&panel.rating, panel.thresholds) {
        (Some(vital), _) => (rating_steps(vital)?, true),
        (None, Some([yellow, red])) if yellow <= red => (steps([GREEN, YELLOW, RED], yellow, red), true),
        (None, Some([yellow, red])) => (steps([RED, YELLOW, GREEN], red, yellow), true),
        (None, None) => (json!([{"color": GREEN, "value": null}]), false),
    };
    let over_time = panel.kind == Kind::Timeseries;
    let color = if colored && !over_time { "thresholds" } else { "palette-classic" };
    let mut custom = json!({});
    if over_time {
        custom = json!({
            "drawStyle": "line", "lineWidth": 1, "fillOpacity": if panel.stacked { 40 } else { 8 }, "showPoints": "auto",
            "spanNulls": false, "stacking": {"mode": if panel.stacked { "normal" } else { "none" }, "group": "A"},
            "thresholdsStyle": {"mode": if colored { "line" } else { "off" }}
        });
    } else if panel.kind == Kind::Table {
        custom = json!({"align": "auto", "filterable": true});
    }
    let mut defaults = json!({
        "unit": panel.unit, "color": {"mode": color}, "thresholds": {"mode": "absolute", "steps": steps}, "custom": custom, "min": 0
    });
    if let Some(max) = panel.max {
        defaults["max"] = json!(max);
    }
    Ok(json!({"defaults": defaults, "overrides": overrides(panel)?}))
}

fn steps([low, middle, high]: [&str; 3], first: f64, second: f64) -> Value {
    json!([{"color": low, "value": null}, {"color": middle, "value": first}, {"color": high, "value": second}])
}

/// Grafana colours a value that equals a step as above it; a rating's threshold belongs to the better side, so the step is a little higher.
fn rating_steps(vital: &str) -> Result<Value> {
    let vital = Metric::from_name(vital).with_context(|| format!("no vital {vital:?}"))?;
    let scale = if vital.is_duration() { 1e-3 } else { 1.0 };
    let bounds = vital.thresholds();
    let above = |bound: f64| bound * scale + 1e-6;
    Ok(steps([GREEN, YELLOW, RED], above(bounds.good), above(bounds.needs_improvement)))
}

fn overrides(panel: &Panel) -> Result<Vec<Value>> {
    let matcher = |column: &String| json!({"id": "byName", "options": column});
    let mut overrides = Vec::new();
    for (name, color) in [("good", GREEN), ("needs-improvement", YELLOW), ("poor", RED)] {
        overrides.push(json!({
            "matcher": matcher(&name.to_owned()), "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]
        }));
    }
    for (column, unit) in &panel.units {
        overrides.push(json!({"matcher": matcher(column), "properties": [{"id": "unit", "value": unit}]}));
    }
    for (column, vital) in &panel.ratings {
        let unit = if vital == "CLS" { "none" } else { "s" };
        overrides.push(json!({"matcher": matcher(column), "properties": [
            {"id": "unit", "value": unit},
            {"id": "decimals", "value": if vital == "CLS" { 3 } else { 2 }},
            {"id": "thresholds", "value": {"mode": "absolute", "steps": rating_steps(vital)?}},
            {"id": "color", "value": {"mode": "thresholds"}},
            {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}}
        ]}));
    }
    Ok(overrides)
}

fn options(panel: &Panel) -> Value {
    let reduce = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    match panel.kind {
        Kind::Stat => json!({"reduceOptions": reduce, "colorMode": "background", "graphMode": "none", "textMode": "auto"}),
        Kind::Gauge => json!({"reduceOptions": reduce, "showThresholdMarkers": true}),
        Kind::Bargauge => json!({"reduceOptions": reduce, "displayMode": "basic", "orientation": "horizontal"}),
        Kind::Timeseries => {
            json!({"legend": {"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": {"mode": "multi", "sort": "desc"}})
        }
        Kind::Bars => json!({
            "orientation": "horizontal", "stacking": if panel.stacked { "percent" } else { "none" }, "showValue": "never",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": {"mode": "multi"}
        }),
        Kind::Table => json!({"showHeader": true, "cellHeight": "sm"}),
        Kind::Heatmap => {
            json!({"calculate": false, "yAxis": {"unit": panel.unit}, "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64}})
        }
        Kind::Geomap => json!({
            "view": {"id": "zero", "lat": 20, "lon": 0, "zoom": 1},
            "basemap": {"type": "default", "name": "Basemap"},
            "layers": [{
                "type": "markers", "name": "Countries",
                "location": {"mode": "lookup", "lookup": "country", "gazetteer": "public/gazetteer/countries.json"},
                "config": {"style": {"size": {"field": "views", "min": 3, "max": 20}, "color": {"field": "lcp_p75"}}}
            }]
        }),
        Kind::Row => json!({}),
    }
}
