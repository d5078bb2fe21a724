//! Refusals as RFC 9457 problem documents, from closed texts: nothing of a request is repeated to its sender.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rum_protocol::{RejectReason, limits};
use serde::Serialize;

use crate::accepted::Rejection;

/// Seconds after which a sender may try again when nothing better is known.
const RETRY_AFTER_SECONDS: u64 = 10;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

/// The answer to a refused request.
pub(super) fn refusal(rejection: &Rejection) -> Response {
    let problem = Problem::of(rejection);
    let mut response = document(&problem);
    let status = response.status();
    let headers = response.headers_mut();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        // Rounded up: whoever waits as long as told is not refused again.
        let seconds = rejection.retry_after.map_or(RETRY_AFTER_SECONDS, |wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        headers.insert(header::RETRY_AFTER, seconds.max(1).into());
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, header::HeaderValue::from_static("POST, OPTIONS"));
    }
    response
}

/// What a connection is told that is one too many: a document, and the seconds of its `Retry-After`.
pub(super) fn overloaded() -> (Vec<u8>, u64) {
    let rejection = Rejection::new(RejectReason::Overloaded, "too many connections");
    (serde_json::to_vec(&Problem::of(&rejection)).unwrap_or_default(), RETRY_AFTER_SECONDS)
}

impl<'a> Problem<'a> {
    fn of(rejection: &'a Rejection) -> Self {
        let reason = rejection.reason;
        Self {
            r#type: reason.problem_type(),
            title: reason.title(),
            status: reason.status(),
            detail: &rejection.detail,
            limit: limit(reason),
        }
    }
}

const fn limit(reason: RejectReason) -> Option<usize> {
    match reason {
        RejectReason::BodyTooLarge => Some(limits::MAX_BODY_BYTES),
        RejectReason::DecodedTooLarge => Some(limits::MAX_DECODED_BYTES),
        RejectReason::TooManyEvents => Some(limits::MAX_EVENTS),
        _ => None,
    }
}

pub(super) fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "there is nothing at this path")
}

pub(super) fn unauthorized() -> Response {
    let mut response = plain(StatusCode::UNAUTHORIZED, "send the admin key of the configuration as `Authorization: Bearer …`");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}

pub(super) fn method_not_allowed() -> Response {
    plain(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
}

pub(super) fn internal() -> Response {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "the service failed; nothing was stored")
}

fn plain(status: StatusCode, title: &str) -> Response {
    document(&Problem { r#type: "about:blank".into(), title, status: status.as_u16(), detail: "", limit: None })
}

fn document(problem: &Problem<'_>) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}
