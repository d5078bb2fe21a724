//! The service's own metric families.

mod reading;
mod storage;

use std::{sync::Arc, time::Duration};

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    proto,
};

use reading::Reading;

use crate::{
    clickhouse::WriterStats,
    pipeline::{STEPS, StepTimer},
    spool::SpoolStats,
    summaries::Summaries,
};
use storage::Storage;

/// Everything `/metrics` shows.
pub(crate) struct Metrics {
    registry: Registry,
    /// HTTP requests by route and status.
    pub(crate) requests: IntCounterVec,
    /// Beacons by project, outcome and reason.
    pub(crate) beacons: IntCounterVec,
    /// Events by project, outcome and reason.
    pub(crate) events: IntCounterVec,
    /// Events the senders say they lost.
    pub(crate) lost: IntCounterVec,
    /// Time from the last byte of a beacon to its acknowledgement.
    pub(crate) acknowledge: Histogram,
    /// Open connections.
    pub(crate) connections: IntGauge,
    /// Connections closed because there were too many.
    pub(crate) connections_refused: IntCounter,
    /// Whether ClickHouse answered last time.
    pub(crate) clickhouse_up: IntGauge,
    steps: [Histogram; STEPS.len()],
}

/// Upper bounds in seconds, from 10 µs.
const STEP_BUCKETS: [f64; 8] = [0.000_01, 0.000_1, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0];
const ACKNOWLEDGE_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

impl Metrics {
    /// Registers all families.
    pub(crate) fn new(spool: Arc<SpoolStats>, writer: Arc<WriterStats>) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let family = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone()))?;
            Ok(family)
        };
        let requests = counters("beamline_http_requests_total", "HTTP requests answered.", &["route", "status"])?;
        let beacons = counters(
            "beamline_beacons_total",
            "Beacons by outcome; reason is empty for accepted ones. An accepted beacon is durable.",
            &["project", "outcome", "reason"],
        )?;
        let events = counters(
            "beamline_events_total",
            "Events of accepted beacons by outcome; reason is empty for accepted ones.",
            &["project", "outcome", "reason"],
        )?;
        let lost = counters(
            "beamline_sender_lost_events_total",
            "Events that senders report as lost on their side.",
            &["project", "how"],
        )?;
        let steps = HistogramVec::new(
            HistogramOpts::new("beamline_step_duration_seconds", "Time of one pipeline step.").buckets(STEP_BUCKETS.into()),
            &["step"],
        )?;
        registry.register(Box::new(steps.clone()))?;
        let acknowledge = Histogram::with_opts(
            HistogramOpts::new(
                "beamline_acknowledge_duration_seconds",
                "Time from the end of a beacon's body to its durable answer.",
            )
            .buckets(ACKNOWLEDGE_BUCKETS.into()),
        )?;
        registry.register(Box::new(acknowledge.clone()))?;
        let connections = IntGauge::new("beamline_connections", "Open connections.")?;
        registry.register(Box::new(connections.clone()))?;
        let connections_refused =
            IntCounter::new("beamline_connections_refused_total", "Connections closed because as many as allowed were open.")?;
        registry.register(Box::new(connections_refused.clone()))?;
        let clickhouse_up = IntGauge::new("beamline_clickhouse_up", "1 if ClickHouse answered the last query, else 0.")?;
        registry.register(Box::new(clickhouse_up.clone()))?;
        let build = IntGaugeVec::new(Opts::new("beamline_build_info", "The running release; always 1."), &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        registry.register(Box::new(Storage::new(spool, writer)?))?;
        let steps = STEPS.map(|step| steps.with_label_values(&[step]));
        Ok(Self { registry, requests, beacons, events, lost, acknowledge, connections, connections_refused, clickhouse_up, steps })
    }

    /// Shows a number that is kept elsewhere.
    pub(crate) fn show(
        &self,
        name: &str,
        help: &str,
        kind: proto::MetricType,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(Reading::new(name, help, kind, read)?))
    }

    /// How many requests were answered with `status`, by route.
    pub(crate) fn requests_with_status(&self, status: &str) -> Vec<u64> {
        let of_status =
            |metric: &&proto::Metric| metric.get_label().iter().any(|label| label.name() == "status" && label.value() == status);
        let families = prometheus::core::Collector::collect(&self.requests);
        let metrics = families.iter().flat_map(proto::MetricFamily::get_metric).filter(of_status);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        metrics.map(|metric| metric.get_counter().get_value() as u64).collect()
    }

    /// All families and the summaries in the Prometheus text format, version 0.0.4.
    pub(crate) fn render(&self, summaries: &Summaries) -> Result<Vec<u8>, prometheus::Error> {
        let mut families = self.registry.gather();
        families.extend(summaries.families());
        families.sort_by(|a, b| a.name().cmp(b.name()));
        let mut out = Vec::new();
        TextEncoder::new().encode(&families, &mut out)?;
        Ok(out)
    }
}

impl StepTimer for Metrics {
    fn took(&self, step: &'static str, time: Duration) {
        if let Some(index) = STEPS.iter().position(|name| *name == step) {
            self.steps[index].observe(time.as_secs_f64());
        }
    }
}
