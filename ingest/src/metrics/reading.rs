//! A sample that is read where it is kept, whenever someone looks: its owner knows nothing of Prometheus.

use prometheus::{
    core::{Collector, Desc},
    proto::{Counter, Gauge, Metric, MetricFamily, MetricType},
};

/// A family of one sample without labels.
pub(crate) struct Reading {
    desc: Desc,
    kind: MetricType,
    read: Box<dyn Fn() -> f64 + Send + Sync>,
}

impl Reading {
    /// A family of this kind, [`MetricType::COUNTER`] or [`MetricType::GAUGE`].
    pub(crate) fn new(
        name: &str,
        help: &str,
        kind: MetricType,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        let desc = Desc::new(name.into(), help.into(), Vec::new(), std::collections::HashMap::new())?;
        Ok(Self { desc, kind, read: Box::new(read) })
    }
}

impl Collector for Reading {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut metric = Metric::default();
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value((self.read)());
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value((self.read)());
            metric.set_gauge(gauge);
        }
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(vec![metric]);
        vec![family]
    }
}
