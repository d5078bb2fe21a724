//! The path that takes beacons.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rum_protocol::{Losses, RejectReason, limits};

use super::{Service, problem};
use crate::{
    accepted::{Record, RejectedEvent, Rejection},
    clock,
    pipeline::{self, Admitted, Head},
    spool::SpoolError,
};

/// How long browsers may remember a preflight.
const PREFLIGHT_SECONDS: &str = "86400";
/// A refused body is still read up to this size, so that the sender sees the answer instead of a broken connection.
const DRAIN_BYTES: usize = 16 << 20;

pub(super) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let key = query_key(parts.uri.query().unwrap_or_default());
    let origin = text(&parts.headers, &header::ORIGIN).map(str::to_owned);
    let head = Head { key: key.as_deref(), origin: origin.as_deref() };
    let mut response = match parts.method {
        Method::OPTIONS => preflight(&service, head),
        Method::POST => take(&service, head, &parts, body).await,
        _ => {
            let rejection = Rejection::new(RejectReason::MethodNotAllowed, "");
            refuse(&service, None, &rejection)
        }
    };
    if let Some(origin) = head.origin.and_then(|origin| HeaderValue::from_str(origin).ok())
        && (service.pipeline.allows_origin(head) || head.key.is_none())
    {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, x-correlation-id"));
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn preflight(service: &Service, head: Head<'_>) -> Response {
    if !service.pipeline.allows_origin(head) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, content-encoding, x-correlation-id"),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn take(service: &Service, head: Head<'_>, parts: &Parts, body: Body) -> Response {
    let admitted = match service.pipeline.admit(head, Instant::now(), &service.metrics) {
        Ok(admitted) => admitted,
        Err((project, rejection)) => {
            drain(service, body).await;
            return refuse(service, project.as_deref(), &rejection);
        }
    };
    match store(service, &admitted, parts, body).await {
        Ok(stored) if stored.rejected.is_empty() => StatusCode::ACCEPTED.into_response(),
        Ok(stored) => partly(&stored),
        Err(rejection) => refuse(service, Some(&admitted.project_id), &rejection),
    }
}

struct Stored {
    accepted: usize,
    rejected: Vec<RejectedEvent>,
}

/// From body to disk. When this returns `Ok`, every accepted event is durable.
async fn store(service: &Service, admitted: &Admitted, parts: &Parts, body: Body) -> Result<Stored, Rejection> {
    if service.stopping.load(Ordering::Relaxed) {
        return Err(Rejection::new(RejectReason::ShuttingDown, ""));
    }
    media_type(&parts.headers)?;
    let bytes = read(service, &parts.headers, body).await?;
    let begin = Instant::now();
    let body = pipeline::Body {
        bytes: &bytes,
        encoding: text(&parts.headers, &header::CONTENT_ENCODING),
        user_agent: text(&parts.headers, &header::USER_AGENT),
    };
    let acceptance = service.pipeline.accept(admitted, body, clock::now_ms(), &service.metrics)?;
    let accepted = acceptance.beacon.events.len();
    let record = serde_json::to_vec(&Record::Beacon(Box::new(acceptance.beacon))).map_err(|error| {
        tracing::error!(%error, "cannot encode a spool record");
        Rejection::new(RejectReason::StorageUnavailable, "")
    })?;
    service.spool.append(record).await.map_err(|error| unavailable(&error))?;
    service.metrics.acknowledge.observe(begin.elapsed().as_secs_f64());
    count(service, &admitted.project_id, accepted, &acceptance.rejected, acceptance.lost);
    Ok(Stored { accepted, rejected: acceptance.rejected })
}

fn unavailable(error: &SpoolError) -> Rejection {
    match error {
        SpoolError::Closed => Rejection::new(RejectReason::ShuttingDown, ""),
        SpoolError::RecordTooLarge(_) => Rejection::new(RejectReason::DecodedTooLarge, "the beacon does not fit a spool segment"),
        SpoolError::Full { .. } => Rejection::new(RejectReason::StorageUnavailable, "the spool is full"),
        SpoolError::InUse(_) | SpoolError::Io { .. } | SpoolError::Group(_) => {
            Rejection::new(RejectReason::StorageUnavailable, "the disk refused")
        }
    }
}

/// JSON or plain text with any charset, or nothing at all: `sendBeacon` and `curl` differ in what they name it.
fn media_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "text/plain" | "application/x-www-form-urlencoded" | "" => Ok(()),
        _ => Err(Rejection::new(RejectReason::UnsupportedMediaType, "")),
    }
}

async fn read(service: &Service, headers: &HeaderMap, body: Body) -> Result<Bytes, Rejection> {
    let too_large = || Rejection::new(RejectReason::BodyTooLarge, format!("the limit is {} bytes", limits::MAX_BODY_BYTES));
    let announced = text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits::MAX_BODY_BYTES as u64) {
        drain(service, body).await;
        return Err(too_large());
    }
    let mut body = body;
    let limited = Limited::new(&mut body, limits::MAX_BODY_BYTES).collect();
    match tokio::time::timeout(service.config.body_timeout(), limited).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            drain(service, body).await;
            Err(too_large())
        }
        Ok(Err(_)) => Err(Rejection::new(RejectReason::BodyIncomplete, "the connection broke off")),
        Err(_) => Err(Rejection::new(RejectReason::BodyIncomplete, "the body took too long")),
    }
}

/// Reads and forgets what is left of a body, within bounds.
async fn drain(service: &Service, mut body: Body) {
    let forget = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DRAIN_BYTES {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(service.config.body_timeout(), forget).await;
}

fn partly(stored: &Stored) -> Response {
    let rejected = stored.rejected.iter().map(|event| {
        serde_json::json!({"index": event.index, "reason": event.rejection.reason.name(), "detail": event.rejection.detail})
    });
    let body = serde_json::json!({"accepted": stored.accepted, "rejected": rejected.collect::<Vec<_>>()});
    (StatusCode::ACCEPTED, axum::Json(body)).into_response()
}

fn count(service: &Service, project: &str, accepted: usize, rejected: &[RejectedEvent], lost: Losses) {
    let metrics = &service.metrics;
    metrics.beacons.with_label_values(&[project, "accepted", ""]).inc();
    metrics.events.with_label_values(&[project, "accepted", ""]).inc_by(accepted as u64);
    for event in rejected {
        metrics.events.with_label_values(&[project, "rejected", event.rejection.reason.name()]).inc();
    }
    for (how, events) in [("dropped", lost.dropped), ("refused", lost.refused)] {
        if events > 0 {
            metrics.lost.with_label_values(&[project, how]).inc_by(events.into());
        }
    }
}

fn refuse(service: &Service, project: Option<&str>, rejection: &Rejection) -> Response {
    let reason = rejection.reason;
    service.metrics.beacons.with_label_values(&[project.unwrap_or_default(), "rejected", reason.name()]).inc();
    service.refusals.count(project, reason, clock::now_ms());
    tracing::debug!(reason = reason.name(), project, "beacon refused");
    problem::refusal(rejection)
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The `key` of a query. Keys are plain ASCII, so an escaped one is no key.
fn query_key(query: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix("key=")).map(str::to_owned)
}
