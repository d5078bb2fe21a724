//! One id for a request, in its log lines and its answer.

use axum::{
    extract::Request,
    http::{HeaderValue, Response},
    middleware::Next,
};
use tracing::Instrument;

const HEADER: &str = "x-correlation-id";
const MAX_BYTES: usize = 64;

/// Takes the caller's `X-Correlation-ID` if it is harmless to log, else makes one; puts it into the span and the answer.
pub(super) async fn layer(request: Request, next: Next) -> Response<axum::body::Body> {
    let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).filter(|text| harmless(text));
    let id = given.map_or_else(|| format!("{:032x}", rand::random::<u128>()), str::to_owned);
    let span = tracing::info_span!("request", correlation_id = %id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn harmless(text: &str) -> bool {
    (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
