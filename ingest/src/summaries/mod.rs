//! The vitals as Prometheus summaries. They are read from ClickHouse on a clock of their own and kept, so that a scrape never waits for
//! the database; how old they are is a metric too.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use prometheus::proto;
use rum_protocol::Metric;

use crate::clickhouse::{
    ClickHouse,
    queries::{QUANTILES, VitalSummary},
};

/// The last summaries read.
#[derive(Debug, Default)]
pub struct Summaries {
    last: RwLock<Option<(Instant, Arc<Vec<VitalSummary>>)>>,
}

/// What is read and how often.
#[derive(Clone, Copy, Debug)]
pub struct Refresh {
    /// Time between two readings.
    pub every: Duration,
    /// Quantiles cover this many minutes.
    pub window_minutes: u32,
    /// Pages with series of their own, per project.
    pub top_pages: u32,
}

impl Summaries {
    /// Reads again and again, until dropped. `answered` is told after each try whether ClickHouse answered.
    pub async fn keep_fresh(&self, clickhouse: &ClickHouse, refresh: Refresh, answered: impl Fn(bool)) {
        let mut ticks = tokio::time::interval(refresh.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match clickhouse.vital_summaries(refresh.window_minutes, refresh.top_pages).await {
                Ok(rows) => {
                    answered(true);
                    self.replace(rows, Instant::now());
                }
                Err(error) => {
                    answered(false);
                    tracing::warn!(%error, "cannot read the summaries; /metrics shows the last ones");
                }
            }
        }
    }

    fn replace(&self, rows: Vec<VitalSummary>, now: Instant) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::new(rows)));
    }

    /// The summary families and the age of what they show; the age is absent until the first reading.
    pub fn families(&self) -> Vec<proto::MetricFamily> {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((read_at, rows)) = last else { return Vec::new() };
        let mut age = proto::Gauge::default();
        age.set_value(read_at.elapsed().as_secs_f64());
        let mut metric = proto::Metric::default();
        metric.set_gauge(age);
        let mut families = vec![family(
            "rum_summaries_age_seconds",
            "How long ago the rum_ summaries were read from ClickHouse.",
            proto::MetricType::GAUGE,
            vec![metric],
        )];
        for vital in Metric::ALL {
            let series = rows.iter().filter(|row| row.metric == vital.name()).map(|row| summary(vital, row)).collect::<Vec<_>>();
            if !series.is_empty() {
                let (name, help) = name_and_help(vital);
                families.push(family(&name, &help, proto::MetricType::SUMMARY, series));
            }
        }
        families
    }
}

fn name_and_help(vital: Metric) -> (String, String) {
    let (unit, of) = if vital.is_duration() { ("_seconds", "in seconds") } else { ("", "without unit") };
    let name = format!("rum_{}{unit}", vital.name().to_lowercase());
    let help = format!("{} {of}: quantiles over the configured window, sum and count over all data kept.", vital.name());
    (name, help)
}

fn family(name: &str, help: &str, kind: proto::MetricType, series: Vec<proto::Metric>) -> proto::MetricFamily {
    let mut family = proto::MetricFamily::default();
    family.set_name(name.into());
    family.set_help(help.into());
    family.set_field_type(kind);
    family.set_metric(series);
    family
}

fn summary(vital: Metric, row: &VitalSummary) -> proto::Metric {
    let scale = if vital.is_duration() { 1e-3 } else { 1.0 };
    let mut summary = proto::Summary::default();
    summary.set_sample_count(u64::try_from(row.count).unwrap_or(0));
    summary.set_sample_sum(row.sum * scale);
    let quantile = |(rank, value): (&f64, &f64)| {
        let mut quantile = proto::Quantile::default();
        quantile.set_quantile(*rank);
        quantile.set_value(value * scale);
        quantile
    };
    summary.set_quantile(QUANTILES.iter().zip(&row.quantiles).map(quantile).collect());
    let labels = [("device", &row.device), ("page", &row.page), ("project", &row.project_id)].map(|(name, value)| {
        let mut label = proto::LabelPair::default();
        label.set_name(name.into());
        label.set_value(value.clone());
        label
    });
    let mut metric = proto::Metric::default();
    metric.set_label(labels.into());
    metric.set_summary(summary);
    metric
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::{Encoder, TextEncoder};

    #[test]
    fn summaries_are_in_seconds_except_cls() {
        let summaries = Summaries::default();
        assert!(summaries.families().is_empty());
        let row = |metric: &str, quantiles: [f64; 5], sum| VitalSummary {
            project_id: "shop".into(),
            metric: metric.into(),
            page: "/".into(),
            device: "mobile".into(),
            quantiles: quantiles.into(),
            sum,
            count: 2,
        };
        let rows = vec![row("CLS", [0.1, 0.2, 0.2, 0.2, 0.2], 0.3), row("LCP", [1000.0, 2500.0, 2500.0, f64::NAN, 2500.0], 3500.0)];
        summaries.replace(rows, Instant::now());
        let mut out = Vec::new();
        TextEncoder::new().encode(&summaries.families(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in [
            "# TYPE rum_lcp_seconds summary",
            "rum_lcp_seconds{device=\"mobile\",page=\"/\",project=\"shop\",quantile=\"0.75\"} 2.5",
            "rum_lcp_seconds{device=\"mobile\",page=\"/\",project=\"shop\",quantile=\"0.95\"} NaN",
            "rum_lcp_seconds_sum{device=\"mobile\",page=\"/\",project=\"shop\"} 3.5",
            "rum_cls{device=\"mobile\",page=\"/\",project=\"shop\",quantile=\"0.5\"} 0.1",
            "rum_cls_count{device=\"mobile\",page=\"/\",project=\"shop\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
