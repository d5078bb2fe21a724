//! The path that takes beacons.

use std::{
    net::IpAddr,
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
use rum_protocol::{RejectReason, limits};

use super::{
    Service,
    client_address::client_address,
    connections::Peer,
    keep::{Kept, keep},
    problem,
    traced::{Origin, Steps},
};
use crate::{
    accepted::Rejection,
    clock,
    pipeline::{self, Admitted, ClientHints, Head, Sender},
};

/// How long browsers may remember a preflight.
const PREFLIGHT_SECONDS: &str = "86400";
/// A refused body is still read up to this size, so that the sender sees the answer instead of a broken connection.
const DRAIN_BYTES: usize = 16 << 20;

pub(super) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let key = query_key(parts.uri.query().unwrap_or_default());
    let origin = origin(&parts.headers);
    let peer = parts.extensions.get::<Peer>();
    let client = peer.map(|peer| client_address(&service.config, peer.0, &parts.headers));
    let head = Head { key, origin, client };
    let mut response = match parts.method {
        Method::OPTIONS => preflight(&service, head),
        Method::POST => take(&service, head, &parts, Incoming::new(&parts, body)).await,
        _ => {
            let rejection = Rejection::new(RejectReason::MethodNotAllowed, "");
            refuse(&service, None, &rejection)
        }
    };
    if let Some(origin) = head.origin.and_then(|origin| HeaderValue::from_str(origin).ok())
        && (service.pipeline().allows_origin(head) || head.key.is_none())
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
    if !service.pipeline().allows_origin(head) {
        let reason = head.key.map_or(RejectReason::UnknownKey, |_| RejectReason::OriginNotAllowed);
        return problem::refusal(&Rejection::new(reason, "no project with this key allows the origin"));
    }
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, content-encoding, traceparent, x-correlation-id"),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn take(service: &Arc<Service>, head: Head<'_>, parts: &Parts, mut body: Incoming) -> Response {
    let origin = Origin::of(parts);
    let trace = origin.trace.clone();
    let steps = Steps { metrics: &service.metrics, trace: trace.as_deref() };
    let (project, refused) = match service.pipeline().admit(head, Instant::now(), &steps) {
        Err((project, rejection)) => (project, rejection),
        Ok(admitted) => match store(service, &admitted, head.client, parts, &mut body, origin).await {
            Ok(stored) if stored.rejected.is_empty() => return StatusCode::ACCEPTED.into_response(),
            Ok(stored) => return partly(&stored),
            Err(rejection) => (Some(admitted.project_id), rejection),
        },
    };
    if let Some(trace) = &trace {
        trace.note("beamline.reason", refused.reason.name());
    }
    body.drain(service).await;
    refuse(service, project.as_deref(), &refused)
}

/// From body to disk. When this returns `Ok`, every accepted event is durable.
async fn store(
    service: &Arc<Service>,
    admitted: &Admitted,
    client: Option<IpAddr>,
    parts: &Parts,
    body: &mut Incoming,
    origin: Origin,
) -> Result<Kept, Rejection> {
    if service.stopping.load(Ordering::Relaxed) {
        return Err(Rejection::new(RejectReason::ShuttingDown, ""));
    }
    media_type(&parts.headers)?;
    let encoding = encoding(&parts.headers)?;
    let reading = Instant::now();
    let bytes = body.read(service).await?;
    let begin = Instant::now();
    let steps = Steps { metrics: &service.metrics, trace: origin.trace.as_deref() };
    if let Some(trace) = &origin.trace {
        trace.note("beamline.project", admitted.project_id.clone());
        trace.part("body", begin.duration_since(reading));
    }
    let body = pipeline::Body { bytes: &bytes, encoding: Some(&encoding), sender: sender(&parts.headers, client), received: begin };
    let acceptance = service.pipeline().accept(admitted, body, clock::now_ms(), &steps)?;
    keep(service.clone(), acceptance, begin, origin).await
}

/// JSON or plain text with any charset, or nothing at all: `sendBeacon` and `curl` differ in what they name it.
fn media_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "text/plain" | "application/x-www-form-urlencoded" | "" => Ok(()),
        _ => Err(Rejection::new(RejectReason::UnsupportedMediaType, "")),
    }
}

/// The names of all `Content-Encoding` headers.
fn encoding(headers: &HeaderMap) -> Result<String, Rejection> {
    let names = headers.get_all(header::CONTENT_ENCODING).iter().map(HeaderValue::to_str).collect::<Result<Vec<_>, _>>();
    names.map(|names| names.join(",")).map_err(|_| Rejection::new(RejectReason::UnsupportedEncoding, "the name is not ASCII"))
}

/// A body on its way.
struct Incoming {
    body: Body,
    announced_bytes: Option<u64>,
    /// Whether the sender waits for a word before it sends; to a refusal it then sends nothing.
    waits: bool,
    begun: bool,
}

impl Incoming {
    fn new(parts: &Parts, body: Body) -> Self {
        let announced_bytes = text(&parts.headers, &header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        Self { body, announced_bytes, waits: parts.headers.contains_key(header::EXPECT), begun: false }
    }

    /// The whole body, within its size and time.
    async fn read(&mut self, service: &Service) -> Result<Bytes, Rejection> {
        let too_large = || Rejection::new(RejectReason::BodyTooLarge, format!("the limit is {} bytes", limits::MAX_BODY_BYTES));
        if self.announced_bytes.is_some_and(|length| length > limits::MAX_BODY_BYTES as u64) {
            return Err(too_large());
        }
        self.begun = true;
        let limited = Limited::new(&mut self.body, limits::MAX_BODY_BYTES).collect();
        match tokio::time::timeout(service.config.body_timeout(), limited).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(self.broken("the body broke off")),
            Err(_) => Err(self.broken("the body took too long")),
        }
    }

    fn broken(&mut self, how: &str) -> Rejection {
        self.body = Body::empty();
        Rejection::new(RejectReason::BodyIncomplete, how)
    }

    /// Reads and forgets what is left of a refused body, within bounds.
    async fn drain(&mut self, service: &Service) {
        let endless = self.announced_bytes.is_some_and(|bytes| bytes > DRAIN_BYTES as u64);
        if endless || (self.waits && !self.begun) {
            return;
        }
        let forget = async {
            let mut bytes = 0;
            while let Some(Ok(frame)) = self.body.frame().await {
                bytes += frame.data_ref().map_or(0, Bytes::len);
                if bytes > DRAIN_BYTES {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(service.config.body_timeout(), forget).await;
    }
}

fn partly(stored: &Kept) -> Response {
    let rejected = stored.rejected.iter().map(|event| {
        serde_json::json!({"index": event.index, "reason": event.rejection.reason.name(), "detail": event.rejection.detail})
    });
    let body = serde_json::json!({"accepted": stored.accepted, "rejected": rejected.collect::<Vec<_>>()});
    (StatusCode::ACCEPTED, axum::Json(body)).into_response()
}

pub(super) fn refuse(service: &Service, project: Option<&str>, rejection: &Rejection) -> Response {
    let reason = rejection.reason;
    service.metrics.beacons.with_label_values(&[project.unwrap_or_default(), "rejected", reason.name()]).inc();
    service.tally.refused(project, reason, clock::now_ms());
    tracing::debug!(reason = reason.name(), project, "beacon refused");
    problem::refusal(rejection)
}

/// What the headers tell about the sender.
fn sender(headers: &HeaderMap, address: Option<IpAddr>) -> Sender<'_> {
    let hint = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Sender {
        user_agent: text(headers, &header::USER_AGENT),
        hints: ClientHints { brands: hint("sec-ch-ua"), mobile: hint("sec-ch-ua-mobile"), platform: hint("sec-ch-ua-platform") },
        address,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The `Origin`. Several, or one that no browser would send, are no origin that anyone allows.
fn origin(headers: &HeaderMap) -> Option<&str> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let first = origins.next()?.to_str().unwrap_or_default();
    Some(if origins.next().is_some() { "" } else { first })
}

/// The `key` of a query. Keys are plain ASCII, so an escaped one is no key.
fn query_key(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("key="))
}
