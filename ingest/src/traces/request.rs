//! The trace of one request.

use std::{
    borrow::Cow,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Attribute, Kind, Span, TraceContext, Traces, ending_now};
use crate::clock;

/// A request that is traced. Its own span is handed over when the last who works on it is done; it ends with the answer, if there is one.
#[derive(Debug)]
pub(crate) struct RequestTrace {
    traces: Traces,
    own: TraceContext,
    parent_id: Option<u64>,
    start_ns: u64,
    outcome: Mutex<Outcome>,
}

#[derive(Debug)]
struct Outcome {
    name: Cow<'static, str>,
    attributes: Vec<(&'static str, Attribute)>,
    end_ns: Option<u64>,
    has_failed: bool,
}

impl RequestTrace {
    pub(super) const fn new(traces: Traces, own: TraceContext, parent_id: Option<u64>, start_ns: u64) -> Self {
        let outcome = Outcome { name: Cow::Borrowed("HTTP"), attributes: Vec::new(), end_ns: None, has_failed: false };
        Self { traces, own, parent_id, start_ns, outcome: Mutex::new(outcome) }
    }

    /// The trace.
    pub(crate) const fn id(&self) -> u128 {
        self.own.trace_id
    }

    /// A part of the request that took `time` and ends now.
    pub(crate) fn part(&self, name: &'static str, time: Duration) {
        self.traces.ended(self.below(name, Kind::Internal, self.own.child(), time));
    }

    /// The context a beacon takes with it into the spool: that of the span which puts it there.
    pub(crate) fn spooling(&self) -> TraceContext {
        self.own.child()
    }

    /// The beacon is in the spool, or was refused there; this took `time` and ends now.
    pub(crate) fn spooled<E>(&self, context: TraceContext, time: Duration, result: &Result<(), E>) {
        let span = self.below("spool", Kind::Producer, context, time);
        self.traces.ended(Span { has_failed: result.is_err(), ..span });
    }

    /// What is known of the request. Never an address, a key, a query or anything of a body.
    pub(crate) fn note(&self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.outcome().attributes.push((name, Attribute::Text(value.into())));
    }

    /// The request is answered now.
    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16) {
        let mut outcome = self.outcome();
        outcome.name = format!("{method} {route}").into();
        outcome.attributes.extend([
            ("http.request.method", Attribute::Text(method.into())),
            ("http.route", Attribute::Text(route.to_owned().into())),
            ("http.response.status_code", Attribute::Number(status.into())),
        ]);
        outcome.has_failed = status >= 500;
        outcome.end_ns = Some(clock::now_ns());
    }

    fn below(&self, name: &'static str, kind: Kind, context: TraceContext, time: Duration) -> Span {
        let (start_ns, end_ns) = ending_now(time);
        let parent_id = Some(self.own.span_id);
        Span { name: name.into(), kind, context, parent_id, start_ns, end_ns, attributes: Vec::new(), has_failed: false }
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RequestTrace {
    fn drop(&mut self) {
        let (name, attributes, end_ns, has_failed) = {
            let mut outcome = self.outcome();
            (std::mem::take(&mut outcome.name), std::mem::take(&mut outcome.attributes), outcome.end_ns, outcome.has_failed)
        };
        self.traces.ended(Span {
            name,
            kind: Kind::Server,
            context: self.own,
            parent_id: self.parent_id,
            start_ns: self.start_ns,
            end_ns: end_ns.unwrap_or_else(clock::now_ns),
            attributes,
            has_failed,
        });
    }
}
