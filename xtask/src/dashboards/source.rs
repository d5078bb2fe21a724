//! The descriptions.

use serde::Deserialize;

/// One subject, for both data sources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dashboard {
    /// Part of the dashboard's address: `overview` is at `/d/beamline-overview-prometheus`.
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) description: String,
    /// Begin of the time range that is shown first, such as `now-24h`.
    pub(super) from: String,
    /// Variables beside the project.
    pub(super) variables: Variables,
    pub(super) panels: Vec<Panel>,
}

/// What can be chosen, by data source: Prometheus does not have every label.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variables {
    pub(super) prometheus: Vec<Variable>,
    pub(super) clickhouse: Vec<Variable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Variable {
    Page,
    Device,
    Release,
    Country,
}

impl Variable {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Device => "device",
            Self::Release => "release",
            Self::Country => "country",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Panel {
    pub(super) title: String,
    /// What it shows and what to do with it.
    #[serde(default)]
    pub(super) description: String,
    pub(super) kind: Kind,
    /// Of 24.
    #[serde(default = "third")]
    pub(super) width: u32,
    #[serde(default = "eight")]
    pub(super) height: u32,
    /// Grafana's id of the unit.
    #[serde(default = "short")]
    pub(super) unit: String,
    /// The vital whose thresholds colour the values, in seconds; CLS without unit.
    pub(super) rating: Option<String>,
    /// Values from which yellow and red begin; where the second is the smaller one, low values are bad.
    pub(super) thresholds: Option<[f64; 2]>,
    /// Highest value of a gauge or a share.
    pub(super) max: Option<f64>,
    #[serde(default)]
    pub(super) stacked: bool,
    /// Column that cells are put under, column of the rows: a table of names and values becomes a matrix.
    pub(super) matrix: Option<[String; 2]>,
    /// Units of single columns of a table.
    #[serde(default)]
    pub(super) units: std::collections::BTreeMap<String, String>,
    /// Ratings of single columns of a table: the vital.
    #[serde(default)]
    pub(super) ratings: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(super) prometheus: Vec<PromQl>,
    #[serde(default)]
    pub(super) clickhouse: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromQl {
    pub(super) expr: String,
    #[serde(default)]
    pub(super) legend: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Row,
    Stat,
    Gauge,
    Timeseries,
    Bars,
    Bargauge,
    Table,
    Heatmap,
    Geomap,
}

impl Kind {
    /// Whether its queries ask for a range of time rather than for one moment.
    pub(super) const fn over_time(self) -> bool {
        matches!(self, Self::Timeseries | Self::Heatmap)
    }

    /// Grafana's name of the panel.
    pub(super) const fn plugin(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Stat => "stat",
            Self::Gauge => "gauge",
            Self::Timeseries => "timeseries",
            Self::Bars => "barchart",
            Self::Bargauge => "bargauge",
            Self::Table => "table",
            Self::Heatmap => "heatmap",
            Self::Geomap => "geomap",
        }
    }
}

fn third() -> u32 {
    8
}

fn eight() -> u32 {
    8
}

fn short() -> String {
    "short".into()
}
