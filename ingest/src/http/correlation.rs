//! One id for a request, in its log lines and its answer; and its place in the sender's trace.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, Response},
    middleware::Next,
};
use tracing::Instrument;

use super::Service;
use crate::traces::TraceContext;

/// The header, and the parameter of the query for senders that cannot set headers.
const TRACE_PARENT: &str = "traceparent";
const HEADER: &str = "x-correlation-id";
const MAX_BYTES: usize = 64;

/// Takes the caller's `X-Correlation-ID` if it is harmless to log, else makes one; puts it into the span and the answer. Requests to the
/// beacon path may be traced; who works on one finds its trace among the request's extensions.
pub(super) async fn layer(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response<axum::body::Body> {
    let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).filter(|text| harmless(text));
    let id = given.map_or_else(|| format!("{:032x}", rand::random::<u128>()), str::to_owned);
    let sender = sender(&request);
    let takes_beacons = request.uri().path() == service.config.path;
    let (own, trace) = if takes_beacons {
        service.traces.begin(sender)
    } else {
        (sender.map_or_else(TraceContext::root, TraceContext::child), None)
    };
    if let Some(trace) = &trace {
        request.extensions_mut().insert(trace.clone());
    }
    if let Some(sender) = sender {
        request.extensions_mut().insert(sender);
    }
    let method = method(request.method());
    let (trace_id, span_id) = (format!("{:032x}", own.trace_id), format!("{:016x}", own.span_id));
    let span = tracing::info_span!("request", correlation_id = %id, trace_id, span_id);
    let mut response = next.run(request).instrument(span).await;
    if let Some(trace) = trace {
        trace.answered(method, &service.config.path, response.status().as_u16());
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// The sender's place in its trace. Two headers are none, as the specification wants; a header counts more than the query.
fn sender(request: &Request) -> Option<TraceContext> {
    let mut headers = request.headers().get_all(TRACE_PARENT).iter();
    match (headers.next(), headers.next()) {
        (Some(header), None) => TraceContext::parse(header.to_str().ok()?),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let mut parameters = request.uri().query().unwrap_or_default().split('&');
            TraceContext::parse(parameters.find_map(|pair| pair.strip_prefix(TRACE_PARENT)?.strip_prefix('='))?)
        }
    }
}

/// Names of methods come from outside; those that nobody knows are one.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "_OTHER",
    }
}

fn harmless(text: &str) -> bool {
    (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
