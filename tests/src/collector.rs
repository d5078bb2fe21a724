//! A stand-in for an OpenTelemetry collector: takes OTLP over HTTP with protobuf, and can be a bad one.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1,
};
use prost::Message as _;
use tokio::{net::TcpListener, task::JoinHandle};

/// How it answers an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes the spans.
    Takes,
    /// It never answers.
    Hangs,
    /// It says that it cannot now.
    Refuses,
    /// It says yes and then talks without an end.
    Babbles,
}

/// One span, as it was received.
#[derive(Clone, Debug)]
pub struct Span {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// 16 hexadecimal digits, or empty.
    pub parent_id: String,
    /// What was done.
    pub name: String,
    /// Unix time in nanoseconds.
    pub start_ns: u64,
    /// Unix time in nanoseconds.
    pub end_ns: u64,
    /// Names and values, those of the resource included.
    pub attributes: Vec<(String, String)>,
}

impl Span {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A collector that listens until it is dropped.
pub struct Collector {
    /// Where it takes spans.
    pub url: String,
    known: Arc<Known>,
    serving: JoinHandle<()>,
}

struct Known {
    manner: Mutex<Manner>,
    spans: Mutex<Vec<Span>>,
    requests: Mutex<u64>,
}

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// If there is none.
    pub async fn start(manner: Manner) -> Self {
        let known = Arc::new(Known { manner: Mutex::new(manner), spans: Mutex::default(), requests: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take)).with_state(known.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, known, serving }
    }

    /// Behaves in this manner from now on.
    ///
    /// # Panics
    /// Never in a sound test.
    pub fn behave(&self, manner: Manner) {
        *self.known.manner.lock().unwrap() = manner;
    }

    /// What it has taken.
    ///
    /// # Panics
    /// Never in a sound test.
    pub fn spans(&self) -> Vec<Span> {
        self.known.spans.lock().unwrap().clone()
    }

    /// Exports that reached it, whatever became of them.
    ///
    /// # Panics
    /// Never in a sound test.
    pub fn requests(&self) -> u64 {
        *self.known.requests.lock().unwrap()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(known): State<Arc<Known>>, body: Bytes) -> Response {
    *known.requests.lock().unwrap() += 1;
    let manner = *known.manner.lock().unwrap();
    match manner {
        Manner::Takes => {
            let export = ExportTraceServiceRequest::decode(body).unwrap();
            known.spans.lock().unwrap().extend(spans(export));
            StatusCode::OK.into_response()
        }
        Manner::Hangs => std::future::pending().await,
        Manner::Refuses => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Manner::Babbles => {
            Body::from_stream(futures_util::stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&[b'?'; 4096])))).into_response()
        }
    }
}

fn spans(export: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in export.resource_spans {
        let of_resource = attributes(&resource.resource.unwrap().attributes);
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(received(span, &of_resource));
        }
    }
    spans
}

fn received(span: v1::Span, of_resource: &[(String, String)]) -> Span {
    Span {
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        name: span.name,
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano,
        attributes: [of_resource, &attributes(&span.attributes)].concat(),
    }
}

fn attributes(found: &[KeyValue]) -> Vec<(String, String)> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    found.iter().map(|attribute| (attribute.key.clone(), text(&attribute.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
