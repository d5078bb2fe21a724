//! The service's own metric families.

mod durations;
mod queries;
mod reading;
mod storage;

use std::{sync::Arc, time::Duration};

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, process_collector::ProcessCollector, proto};

use durations::{Durations, Series};
use reading::Reading;

use crate::{
    clickhouse::{QueryTimes, WriterStats},
    exposition::{self, Family, Format, Kind},
    pipeline::{Decision, STEPS, StepTimer},
    spool::SpoolStats,
    summaries::Summaries,
};
use storage::Storage;

/// Everything `/metrics` shows.
pub(crate) struct Metrics {
    registry: Registry,
    /// HTTP requests by route and status.
    pub(crate) requests: IntCounterVec,
    /// From a request's head to its answer's, by route and status.
    pub(crate) request_duration: Durations,
    /// What limits decided, by project and limit.
    decisions: IntCounterVec,
    /// Beacons by project, outcome and reason.
    pub(crate) beacons: IntCounterVec,
    /// Events by project, outcome and reason.
    pub(crate) events: IntCounterVec,
    /// Events the senders say they lost.
    pub(crate) lost: IntCounterVec,
    /// Beacons the senders say they sent again.
    pub(crate) retried: IntCounterVec,
    /// Time from the last byte of a beacon to its acknowledgement.
    pub(crate) acknowledge: Arc<Series>,
    /// Open connections.
    pub(crate) connections: IntGauge,
    /// Connections closed because there were too many.
    pub(crate) connections_refused: IntCounter,
    /// Whether ClickHouse answered last time.
    pub(crate) clickhouse_up: IntGauge,
    steps: [Arc<Series>; STEPS.len()],
    /// The families of `acknowledge` and `steps`.
    durations: [Durations; 2],
}

const REQUEST_BUCKETS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
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
        let decisions = counters(
            "beamline_rate_limit_decisions_total",
            "What limits decided about requests.",
            &["project", "limit", "decision"],
        )?;
        let request_duration = Durations::new(
            "beamline_http_request_duration_seconds",
            "Time from a request's head to its answer's.",
            &["route", "status"],
            &REQUEST_BUCKETS,
        );
        let lost = counters(
            "beamline_sender_lost_events_total",
            "Events that senders report as lost on their side.",
            &["project", "how"],
        )?;
        let retried =
            counters("beamline_sender_retried_beacons_total", "Beacons that senders report as sent again.", &["project"])?;
        let step = Durations::new("beamline_step_duration_seconds", "Time of one pipeline step.", &["step"], &STEP_BUCKETS);
        let acknowledged = Durations::new(
            "beamline_acknowledge_duration_seconds",
            "Time from the end of a beacon's body to its durable answer.",
            &[],
            &ACKNOWLEDGE_BUCKETS,
        );
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
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self {
            registry,
            requests,
            request_duration,
            decisions,
            beacons,
            events,
            lost,
            retried,
            acknowledge: acknowledged.with(&[]),
            connections,
            connections_refused,
            clickhouse_up,
            steps: STEPS.map(|name| step.with(&[name])),
            durations: [step, acknowledged],
        })
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

    /// All families, the summaries and the times of ClickHouse as a page.
    pub(crate) fn render(&self, summaries: &Summaries, clickhouse: &QueryTimes, format: Format) -> Vec<u8> {
        let mut families: Vec<Family> = self.registry.gather().iter().map(exposition::from_registry).collect();
        families.extend(queries::families(clickhouse));
        families.extend(self.durations.iter().chain([&self.request_duration]).map(Durations::family));
        families.iter_mut().for_each(say_how_it_adds_up);
        families.extend(summaries.families());
        families.sort_by(|a, b| a.name.cmp(&b.name));
        exposition::encode(&families, format)
    }
}

/// What one process counts adds up over processes, what it measures of itself does not.
fn say_how_it_adds_up(family: &mut Family) {
    let how = match family.kind {
        Kind::Counter | Kind::Histogram => "Adds up over instances.",
        Kind::Gauge | Kind::Summary => "Of one instance.",
    };
    let help = family.help.trim_end_matches('.');
    family.help = format!("{help}. {how}").into();
}

impl StepTimer for Metrics {
    fn took(&self, step: &'static str, time: Duration) {
        if let Some(index) = STEPS.iter().position(|name| *name == step) {
            self.steps[index].observe(time, None);
        }
    }

    fn decided(&self, project: &str, limit: &'static str, decision: Decision) {
        let decision = match decision {
            Decision::Pass => "pass",
            Decision::Refuse => "refuse",
        };
        self.decisions.with_label_values(&[project, limit, decision]).inc();
    }
}
