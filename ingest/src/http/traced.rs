//! Times of one beacon's way: for the metrics, and for its trace if it has one.

use std::{sync::Arc, time::Duration};

use axum::http::request::Parts;

use crate::{
    metrics::Metrics,
    pipeline::{Decision, StepTimer},
    traces::{RequestTrace, TraceContext},
};

/// Takes the times of a request's steps.
pub(super) struct Steps<'a> {
    pub(super) metrics: &'a Metrics,
    pub(super) trace: Option<&'a RequestTrace>,
}

impl StepTimer for Steps<'_> {
    fn took(&self, step: &'static str, time: Duration) {
        self.metrics.took(step, time);
        if let Some(trace) = self.trace {
            trace.part(step, time);
        }
    }

    fn decided(&self, project: &str, limit: &'static str, decision: Decision) {
        self.metrics.decided(project, limit, decision);
    }
}

/// The traces a request belongs to.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// The sender's, if it told.
    pub(super) sender: Option<TraceContext>,
    /// What is recorded here.
    pub(super) trace: Option<Arc<RequestTrace>>,
}

impl Origin {
    pub(super) fn of(parts: &Parts) -> Self {
        Self { sender: parts.extensions.get().copied(), trace: parts.extensions.get().cloned() }
    }
}
