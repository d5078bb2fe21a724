//! Numbers on `/metrics` whose owners know nothing of Prometheus.

use std::sync::{Arc, atomic::Ordering};

use crate::{http::Service, spool::Journal, traces::Stats};

/// Shows them.
pub(super) fn show(service: &Arc<Service>, journal: Arc<Journal>) -> Result<(), prometheus::Error> {
    show_dedup(service, journal)?;
    show_room(service)?;
    show_reloads(service)?;
    show_traces(service)
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn show_dedup(service: &Service, journal: Arc<Journal>) -> Result<(), prometheus::Error> {
    use prometheus::proto::MetricType::{COUNTER, GAUGE};
    let (metrics, seen) = (&service.metrics, || service.seen.clone());
    let window = seen();
    metrics.show("beamline_dedup_beacons", "Beacons that would be recognised if they were sent again.", GAUGE, move || {
        window.beacons() as f64
    })?;
    let window = seen();
    metrics.show("beamline_dedup_max_beacons", "Most beacons that are remembered.", GAUGE, move || window.capacity() as f64)?;
    let window = seen();
    let help = "Beacons forgotten before the window's end, because more came than are remembered.";
    metrics.show("beamline_dedup_forgotten_early_total", help, COUNTER, move || window.forgotten_early() as f64)?;
    let help = "Notes about stored beacons that the disk refused; tried again with the next one.";
    metrics.show("beamline_dedup_journal_failures_total", help, COUNTER, move || journal.failures() as f64)
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn show_room(service: &Service) -> Result<(), prometheus::Error> {
    use prometheus::proto::MetricType::GAUGE;
    let (most, free) = (service.spool.clone(), service.spool.clone());
    let help = "Most bytes that may wait on disk for ClickHouse.";
    service.metrics.show("beamline_spool_max_bytes", help, GAUGE, move || most.max_bytes() as f64)?;
    let help = "Room on the spool's file system for the service's user; NaN if the system does not tell.";
    let read = move || free.disk_free_bytes().map_or(f64::NAN, |bytes| bytes as f64);
    service.metrics.show("beamline_spool_disk_free_bytes", help, GAUGE, read)
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn show_reloads(service: &Arc<Service>) -> Result<(), prometheus::Error> {
    use prometheus::proto::MetricType::{COUNTER, GAUGE};
    let (metrics, shown) = (&service.metrics, Arc::downgrade(service));
    let read = shown.clone();
    let help = "Changed configurations that could not be used; the one before stayed.";
    metrics.show("beamline_config_reload_failures_total", help, COUNTER, move || {
        read.upgrade().map_or(0.0, |service| service.reloads.failures.load(Ordering::Relaxed) as f64)
    })?;
    let help = "When the configuration in use was read, Unix time.";
    metrics.show("beamline_config_loaded_timestamp_seconds", help, GAUGE, move || {
        shown.upgrade().map_or(0.0, |service| service.reloads.loaded_at_seconds.load(Ordering::Relaxed) as f64)
    })
}

type Read = fn(&Stats) -> u64;

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn show_traces(service: &Service) -> Result<(), prometheus::Error> {
    use prometheus::proto::MetricType::COUNTER;
    let Some(stats) = service.traces.stats() else { return Ok(()) };
    let families: [(&str, &str, Read); 4] = [
        ("beamline_traces_limited_total", "Beacons that were to be traced, but too many in one second.", Stats::limited),
        ("beamline_trace_spans_exported_total", "Spans that the collector has taken.", Stats::exported),
        (
            "beamline_trace_spans_dropped_total",
            "Spans lost: the queue was full, or the collector did not take them.",
            Stats::dropped,
        ),
        ("beamline_trace_export_failures_total", "Exports that failed, those tried again included.", Stats::failures),
    ];
    for (name, help, read) in families {
        let stats = stats.clone();
        service.metrics.show(name, help, COUNTER, move || read(&stats) as f64)?;
    }
    Ok(())
}
