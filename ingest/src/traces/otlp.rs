//! Spans as [OTLP](https://opentelemetry.io/docs/specs/otlp/) has them.

use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    resource::v1,
    trace::v1::{ResourceSpans, ScopeSpans, Span, SpanFlags, Status, span::SpanKind, status::StatusCode},
};
use prost::Message as _;

use super::{Attribute, Kind};

/// Who sends the spans.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    environment: String,
    /// Tells apart the instances of a service, and a process from the one before.
    instance: String,
}

impl Resource {
    /// This process, in a deployment such as `production`.
    pub(crate) fn of(environment: &str) -> Self {
        Self { environment: environment.into(), instance: format!("{:032x}", rand::random::<u128>()) }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let text = |name, value: &str| attribute(name, &Attribute::Text(value.to_owned().into()));
        vec![
            text("service.name", "beamline"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.instance.id", &self.instance),
            text("deployment.environment.name", &self.environment),
        ]
    }
}

/// The body of an export.
pub(super) fn encode(resource: &Resource, spans: &[super::Span]) -> Vec<u8> {
    let scope = InstrumentationScope {
        name: "beamline".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    };
    let of_scope = ScopeSpans { scope: Some(scope), spans: spans.iter().map(span).collect(), schema_url: String::new() };
    let from = v1::Resource { attributes: resource.attributes(), ..v1::Resource::default() };
    let of_resource = ResourceSpans { resource: Some(from), scope_spans: vec![of_scope], schema_url: String::new() };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }.encode_to_vec()
}

/// How many spans the collector says it refused. An answer that cannot be read refuses none.
pub(super) fn rejected(answer: &[u8]) -> u64 {
    let partial = ExportTraceServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    partial.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0))
}

fn span(span: &super::Span) -> Span {
    let kind = match span.kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    };
    let is_remote = matches!(span.kind, Kind::Server | Kind::Consumer) && span.parent_id.is_some();
    let remote = if is_remote { SpanFlags::ContextIsRemoteMask as u32 } else { 0 };
    Span {
        trace_id: span.context.trace_id.to_be_bytes().into(),
        span_id: span.context.span_id.to_be_bytes().into(),
        parent_span_id: span.parent_id.map_or_else(Vec::new, |id| id.to_be_bytes().into()),
        flags: u32::from(span.context.is_sampled) | SpanFlags::ContextHasIsRemoteMask as u32 | remote,
        name: span.name.clone().into_owned(),
        kind: kind.into(),
        start_time_unix_nano: span.start_ns,
        end_time_unix_nano: span.end_ns,
        attributes: span.attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        status: span.has_failed.then(|| Status { code: StatusCode::Error.into(), message: String::new() }),
        ..Span::default()
    }
}

fn attribute(name: &str, value: &Attribute) -> KeyValue {
    let value = match value {
        Attribute::Text(text) => any_value::Value::StringValue(text.clone().into_owned()),
        Attribute::Number(number) => any_value::Value::IntValue(*number),
    };
    KeyValue { key: name.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::TraceContext;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    #[test]
    fn an_export_has_the_ids_as_bytes_and_says_who_sends_it() {
        let context = TraceContext { trace_id: 0x0102, span_id: 0x03, is_sampled: true };
        let attributes = vec![("beamline.rows", Attribute::Number(7))];
        let span = super::super::Span {
            name: "insert".into(),
            kind: Kind::Consumer,
            context,
            parent_id: Some(4),
            start_ns: 10,
            end_ns: 20,
            attributes,
            has_failed: true,
        };
        let body = encode(&Resource::of("staging"), &[span]);
        let ExportTraceServiceRequest { resource_spans } = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        let resource = resource_spans[0].resource.as_ref().unwrap();
        let names: Vec<&str> = resource.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(names, ["service.name", "service.version", "service.instance.id", "deployment.environment.name"]);
        let sent = &resource_spans[0].scope_spans[0].spans[0];
        assert_eq!((sent.trace_id.len(), &sent.trace_id[14..]), (16, [1, 2].as_slice()));
        assert_eq!(
            (sent.span_id.as_slice(), sent.parent_span_id.as_slice()),
            ([0, 0, 0, 0, 0, 0, 0, 3].as_slice(), [0, 0, 0, 0, 0, 0, 0, 4].as_slice())
        );
        assert_eq!((sent.flags, sent.kind(), sent.status.as_ref().unwrap().code()), (0x301, SpanKind::Consumer, StatusCode::Error));
        assert_eq!(sent.attributes[0], attribute("beamline.rows", &Attribute::Number(7)));
    }

    #[test]
    fn an_answer_may_refuse_a_part_and_may_be_anything() {
        let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "no room".into() };
        let answer = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(rejected(&answer), 3);
        assert_eq!(rejected(b""), 0);
        assert_eq!(rejected(b"<html>"), 0);
    }
}
