//! Spans of a beacon's way, for an OpenTelemetry collector: the request, the steps of the pipeline, the spool, and the insert into
//! ClickHouse, all in the trace of the page that sent the beacon.
//!
//! A span is made when its work has ended and is handed to a bounded queue, so that nothing ever waits for a collector: what does not
//! fit, or what the collector does not take in time, is dropped and counted. The insert comes later and perhaps from another process; a
//! traced beacon therefore takes its context with it through the spool.

mod context;
mod export;
mod limit;
mod otlp;
mod request;

pub use context::TraceContext;
pub(crate) use export::Exporter;
pub(crate) use otlp::Resource;
pub(crate) use request::RequestTrace;

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{clock, config};
use limit::PerSecond;

/// Some work that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: Kind,
    pub(crate) context: TraceContext,
    /// The span that caused it; absent for the first of a trace.
    pub(crate) parent_id: Option<u64>,
    /// Unix time in nanoseconds.
    pub(crate) start_ns: u64,
    /// Unix time in nanoseconds.
    pub(crate) end_ns: u64,
    pub(crate) attributes: Vec<(&'static str, Attribute)>,
    pub(crate) has_failed: bool,
}

/// What a span is to those around it ([OpenTelemetry](https://opentelemetry.io/docs/specs/otel/trace/api/#spankind)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A part of the span above.
    Internal,
    /// The answer to a request from outside.
    Server,
    /// Leaves something for later.
    Producer,
    /// Takes up what was left.
    Consumer,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    Text(Cow<'static, str>),
    Number(i64),
}

/// Where spans go. Cheap to clone; [`Traces::default`] is for a service that traces nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces(Option<Arc<Active>>);

#[derive(Debug)]
struct Active {
    /// Of the requests whose sender has not decided.
    ratio: f64,
    begun: PerSecond,
    queue: mpsc::Sender<Span>,
    stats: Arc<Stats>,
}

/// What became of spans.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    exported: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
    limited: AtomicU64,
}

impl Stats {
    /// Spans that the collector has taken.
    pub(crate) fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// Spans that are lost: the queue was full, or the collector did not take them.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Exports that failed, those that were tried again included.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Requests that were to be traced, but too many in one second.
    pub(crate) fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }
}

impl Traces {
    /// Traces as configured, and what sends them; neither if no endpoint is configured.
    pub(crate) fn open(config: &config::Traces, resource: Resource) -> (Self, Option<Exporter>) {
        let Some(endpoint) = config.endpoint.as_ref() else { return (Self::default(), None) };
        let (queue, spans) = mpsc::channel(config.max_queued_spans);
        let stats = Arc::new(Stats::default());
        let exporter = Exporter::new(endpoint.clone(), resource, spans, stats.clone());
        let begun = PerSecond::new(config.max_traces_per_second);
        (Self(Some(Arc::new(Active { ratio: config.ratio, begun, queue, stats }))), Some(exporter))
    }

    /// What became of spans; absent if nothing is traced.
    pub(crate) fn stats(&self) -> Option<Arc<Stats>> {
        self.0.as_ref().map(|active| active.stats.clone())
    }

    /// Begins a request in the trace of its `sender`, or in one of its own. The context's flag says whether it is traced: as the sender
    /// decided, or by chance if it did not, and never more than so many a second.
    pub(crate) fn begin(&self, sender: Option<TraceContext>) -> (TraceContext, Option<Arc<RequestTrace>>) {
        let own = sender.map_or_else(TraceContext::root, TraceContext::child);
        let untraced = (TraceContext { is_sampled: false, ..own }, None);
        let Some(active) = &self.0 else { return untraced };
        let is_wanted = sender.map_or_else(|| is_chosen(own.trace_id, active.ratio), |sender| sender.is_sampled);
        if !is_wanted {
            return untraced;
        }
        if !active.begun.one_more(Instant::now()) {
            active.stats.limited.fetch_add(1, Ordering::Relaxed);
            return untraced;
        }
        let own = TraceContext { is_sampled: true, ..own };
        let trace = RequestTrace::new(self.clone(), own, sender.map(|sender| sender.span_id), clock::now_ns());
        (own, Some(Arc::new(trace)))
    }

    /// Hands a span over. It is dropped and counted if too many wait.
    pub(crate) fn ended(&self, span: Span) {
        if let Some(active) = &self.0
            && active.queue.try_send(span).is_err()
        {
            active.stats.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether anything is traced.
    pub(crate) const fn are_on(&self) -> bool {
        self.0.is_some()
    }
}

/// The same traces for every service that is asked: by 53 bits of the id's lower half, which is random
/// ([OpenTelemetry](https://opentelemetry.io/docs/specs/otel/trace/sdk/#traceidratiobased)).
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "exact below 2^53; the lower half is meant")]
fn is_chosen(trace_id: u128, ratio: f64) -> bool {
    const CHOICES: f64 = (1_u64 << 53) as f64;
    ((trace_id as u64 >> 11) as f64) < ratio * CHOICES
}

/// The time that a span has which ends now and took so long.
pub(crate) fn ending_now(time: Duration) -> (u64, u64) {
    let end_ns = clock::now_ns();
    (end_ns.saturating_sub(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)), end_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(ratio: f64, max_traces_per_second: u32, max_queued_spans: usize) -> (Traces, Exporter) {
        let endpoint = Some("http://127.0.0.1:9/v1/traces".parse().unwrap());
        let config = config::Traces { endpoint, ratio, max_traces_per_second, max_queued_spans };
        let (traces, exporter) = Traces::open(&config, Resource::of("test"));
        (traces, exporter.unwrap())
    }

    const KEPT: Option<TraceContext> = Some(TraceContext { trace_id: 7, span_id: 8, is_sampled: true });
    const NOT_KEPT: Option<TraceContext> = Some(TraceContext { trace_id: 7, span_id: 8, is_sampled: false });

    #[test]
    fn the_sender_decides_and_chance_where_it_did_not() {
        let (all, _exporter) = traces(1.0, 100, 10);
        let (none, _exporter) = traces(0.0, 100, 10);
        let is_traced = |traces: &Traces, sender| traces.begin(sender).1.is_some();
        assert!(is_traced(&all, None) && !is_traced(&none, None));
        assert!(is_traced(&none, KEPT) && !is_traced(&all, NOT_KEPT));
        assert!(!is_traced(&Traces::default(), KEPT));
        let (own, trace) = all.begin(KEPT);
        assert_eq!((own.trace_id, own.is_sampled), (7, true));
        drop(trace);
    }

    #[test]
    fn a_flood_of_senders_that_want_traces_is_bounded_and_counted() {
        let (traces, _exporter) = traces(0.0, 3, 100);
        let begun = (0..10).filter(|_| traces.begin(KEPT).1.is_some()).count();
        // The second may have ended in between.
        assert!((3..=6).contains(&begun), "{begun}");
        assert_eq!(traces.stats().unwrap().limited(), 10 - begun as u64);
    }

    #[test]
    fn what_does_not_fit_the_queue_is_dropped_and_counted() {
        let (traces, _exporter) = traces(1.0, 100, 4);
        for _ in 0..10 {
            drop(traces.begin(None));
        }
        assert_eq!(traces.stats().unwrap().dropped(), 6);
    }

    #[test]
    fn a_share_is_chosen_by_the_id() {
        let chosen = (0..10_000).filter(|_| is_chosen(TraceContext::root().trace_id, 0.25)).count();
        // Ten standard deviations.
        assert!((2067..=2933).contains(&chosen), "{chosen}");
        assert!(is_chosen((1 << 63) - 1, 0.5) && !is_chosen(1 << 63, 0.5));
        assert!(is_chosen(u128::MAX, 1.0) && !is_chosen(0, 0.0));
    }
}
