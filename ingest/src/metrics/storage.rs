//! The counters of spool and writer, which know nothing of Prometheus.

use std::{collections::HashMap, sync::Arc};

use prometheus::{
    core::{Collector, Desc},
    proto::{self, MetricType},
};

use crate::{
    clickhouse::{Reason, WriterStats},
    spool::SpoolStats,
};

/// Shows the counters of spool and writer.
pub(super) struct Storage {
    spool: Arc<SpoolStats>,
    writer: Arc<WriterStats>,
    families: Vec<(Family, Desc)>,
}

struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    samples: Samples,
}

enum Samples {
    One(fn(&SpoolStats, &WriterStats) -> u64),
    /// One for each value of a label.
    By(&'static str, fn(&SpoolStats, &WriterStats) -> Vec<(&'static str, u64)>),
}

const fn gauge(name: &'static str, help: &'static str, read: fn(&SpoolStats, &WriterStats) -> u64) -> Family {
    Family { name, help, kind: MetricType::GAUGE, samples: Samples::One(read) }
}

const fn counter(name: &'static str, help: &'static str, read: fn(&SpoolStats, &WriterStats) -> u64) -> Family {
    Family { name, help, kind: MetricType::COUNTER, samples: Samples::One(read) }
}

fn families() -> Vec<Family> {
    let by = |name, help, label, read| Family { name, help, kind: MetricType::COUNTER, samples: Samples::By(label, read) };
    vec![
        gauge("beamline_spool_bytes", "Bytes waiting on disk for ClickHouse.", |spool, _| spool.bytes()),
        gauge("beamline_spool_segments", "Spool segments on disk.", |spool, _| spool.segments()),
        gauge("beamline_spool_oldest_age_seconds", "Age of the oldest record on disk; 0 if none waits.", |spool, _| {
            spool.oldest_age().map_or(0, |age| age.as_secs())
        }),
        gauge(
            "beamline_spool_buffered_bytes",
            "Bytes acknowledged and not yet written; always 0 unless spool.durability is memory.",
            |spool, _| spool.buffered_bytes(),
        ),
        counter("beamline_spool_syncs_total", "Syncs to disk.", |spool, _| spool.fsyncs()),
        counter("beamline_spool_sync_failures_total", "Syncs of acknowledged records that the disk refused.", |spool, _| {
            spool.sync_failures()
        }),
        counter(
            "beamline_spool_write_failures_total",
            "Group commits that the disk refused; their beacons were answered with 503.",
            |spool, _| spool.write_failures(),
        ),
        counter(
            "beamline_spool_corrupt_segments_total",
            "Spool segments found damaged at start-up and kept in corrupt/.",
            |spool, _| spool.corrupt_segments(),
        ),
        counter(
            "beamline_spool_unreadable_segments_total",
            "Spool segments that the system would not read, set aside.",
            |spool, _| spool.unreadable_segments(),
        ),
        counter(
            "beamline_spool_torn_bytes_total",
            "Bytes of half-written records cut off at start-up, never acknowledged as durable.",
            |spool, _| spool.torn_bytes(),
        ),
        counter("beamline_spool_replayed_segments_total", "Segments taken from incoming/.", |spool, _| spool.adopted_segments()),
        gauge(
            "beamline_spool_unremoved_segments",
            "Segments that ClickHouse has and that the disk does not let go.",
            |spool, _| spool.unremoved_segments(),
        ),
        counter("beamline_writer_rows_total", "Rows confirmed by ClickHouse.", |_, writer| writer.rows()),
        counter("beamline_writer_segments_total", "Spool segments confirmed by ClickHouse and removed.", |_, writer| {
            writer.segments()
        }),
        gauge("beamline_writer_inflight_segments", "Spool segments being inserted.", |_, writer| writer.in_flight()),
        counter("beamline_writer_failures_total", "Inserts that failed and were tried again.", |_, writer| {
            writer.transient_failures() + writer.configuration_failures()
        }),
        counter(
            "beamline_writer_configuration_failures_total",
            "Inserts that failed until an operator changes something: a password, a right, a table.",
            |_, writer| writer.configuration_failures(),
        ),
        counter(
            "beamline_writer_refused_blocks_total",
            "Blocks that ClickHouse refused for good, halves included.",
            |_, writer| writer.refused_blocks(),
        ),
        counter(
            "beamline_writer_quarantined_segments_total",
            "Spool segments with rows set aside for an operator.",
            |_, writer| writer.quarantined_segments(),
        ),
        by(
            "beamline_writer_quarantined_rows_total",
            "Rows, or unreadable records, set aside for an operator.",
            "reason",
            |_, writer| Reason::ALL.map(|reason| (reason.name(), writer.quarantined(reason))).to_vec(),
        ),
    ]
}

impl Storage {
    pub(super) fn new(spool: Arc<SpoolStats>, writer: Arc<WriterStats>) -> Result<Self, prometheus::Error> {
        let described = families().into_iter().map(|family| {
            let labels = match family.samples {
                Samples::One(_) => Vec::new(),
                Samples::By(label, _) => vec![label.to_owned()],
            };
            let desc = Desc::new(family.name.into(), family.help.into(), labels, HashMap::new())?;
            Ok((family, desc))
        });
        let families = described.collect::<Result<_, prometheus::Error>>()?;
        Ok(Self { spool, writer, families })
    }

    fn samples(&self, family: &Family) -> Vec<proto::Metric> {
        match family.samples {
            Samples::One(read) => vec![sample(family.kind, read(&self.spool, &self.writer))],
            Samples::By(label, read) => {
                let labelled = |(value, count)| {
                    let mut pair = proto::LabelPair::default();
                    pair.set_name(label.into());
                    pair.set_value(String::from(value));
                    let mut metric = sample(family.kind, count);
                    metric.set_label(vec![pair]);
                    metric
                };
                read(&self.spool, &self.writer).into_iter().map(labelled).collect()
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn sample(kind: MetricType, value: u64) -> proto::Metric {
    let mut metric = proto::Metric::default();
    if kind == MetricType::COUNTER {
        let mut counter = proto::Counter::default();
        counter.set_value(value as f64);
        metric.set_counter(counter);
    } else {
        let mut gauge = proto::Gauge::default();
        gauge.set_value(value as f64);
        metric.set_gauge(gauge);
    }
    metric
}

impl Collector for Storage {
    fn desc(&self) -> Vec<&Desc> {
        self.families.iter().map(|(_, desc)| desc).collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let shown = |(family, _): &(Family, Desc)| {
            let mut shown = proto::MetricFamily::default();
            shown.set_name(family.name.into());
            shown.set_help(family.help.into());
            shown.set_field_type(family.kind);
            shown.set_metric(self.samples(family));
            shown
        };
        self.families.iter().map(shown).collect()
    }
}
