//! One id for a request, in its log lines and its answer; and its place in the sender's trace.

use axum::{
    extract::Request,
    http::{HeaderValue, Response},
    middleware::Next,
};
use tracing::Instrument;

use super::trace_context::TraceContext;

const TRACE_PARENT: &str = "traceparent";
const HEADER: &str = "x-correlation-id";
const MAX_BYTES: usize = 64;

/// Takes the caller's `X-Correlation-ID` if it is harmless to log, else makes one; puts it into the span and the answer.
pub(super) async fn layer(request: Request, next: Next) -> Response<axum::body::Body> {
    let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).filter(|text| harmless(text));
    let id = given.map_or_else(|| format!("{:032x}", rand::random::<u128>()), str::to_owned);
    let sender = request.headers().get(TRACE_PARENT).and_then(|value| TraceContext::parse(value.to_str().ok()?));
    let TraceContext { trace_id, span_id } = TraceContext::follow(sender);
    let (trace_id, span_id) = (format!("{trace_id:032x}"), format!("{span_id:016x}"));
    let span = tracing::info_span!("request", correlation_id = %id, trace_id, span_id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn harmless(text: &str) -> bool {
    (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
