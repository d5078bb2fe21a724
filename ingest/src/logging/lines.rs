//! One JSON object for each line, as log stores want them: flat, with the fields of the spans around the event.

use std::{fmt, io::Write as _};

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::Context,
    registry::LookupSpan,
};

/// Writes events to standard error.
pub(super) struct JsonLines {
    environment: String,
}

impl JsonLines {
    /// Lines that say they come from this deployment, such as `production`.
    pub(super) fn of(environment: &str) -> Self {
        Self { environment: environment.into() }
    }
}

/// The fields of a span.
struct Fields(Map<String, Value>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Map::new();
        attributes.record(&mut Reader(&mut fields));
        span.extensions_mut().insert(Fields(fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(Fields(fields)) = span.extensions_mut().get_mut() {
            values.record(&mut Reader(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(Fields(of_span)) = span.extensions().get() {
                fields.extend(of_span.clone());
            }
        }
        event.record(&mut Reader(&mut fields));
        let metadata = event.metadata();
        let mut timestamp = String::new();
        let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        let mut line = line(&timestamp, metadata.level().as_str(), metadata.target(), &self.environment, fields).to_string();
        line.push('\n');
        // In one piece, so that lines of several threads and processes do not mix. Nobody could be told of an error.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

/// What every line has goes first; a field cannot take its place.
fn line(timestamp: &str, level: &str, target: &str, environment: &str, mut fields: Map<String, Value>) -> Value {
    let mut line = Map::new();
    let message = fields.remove("message").unwrap_or_default();
    let fixed = [
        ("timestamp", timestamp.into()),
        ("level", level.into()),
        ("service", "beamline".into()),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("environment", environment.into()),
        ("target", target.into()),
        ("message", message),
    ];
    line.extend(fixed.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
    for (name, value) in fields {
        line.entry(name).or_insert(value);
    }
    Value::Object(line)
}

/// Turns fields into JSON values.
struct Reader<'a>(&'a mut Map<String, Value>);

impl Reader<'_> {
    fn take(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().into(), value.into());
    }
}

impl Visit for Reader<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.take(field, u64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_flat_and_says_where_it_comes_from() {
        let fields =
            json!({"message": "slow query", "duration_ms": 7, "correlation_id": "ab", "level": "TRACE", "text": "a\n\"b\""});
        let Value::Object(fields) = fields else { panic!() };
        let line = line("2026-01-02T03:04:05.678Z", "WARN", "rum_ingest::clickhouse", "staging", fields);
        let expected = json!({
            "timestamp": "2026-01-02T03:04:05.678Z", "level": "WARN", "service": "beamline", "version": env!("CARGO_PKG_VERSION"),
            "environment": "staging", "target": "rum_ingest::clickhouse", "message": "slow query", "duration_ms": 7,
            "correlation_id": "ab", "text": "a\n\"b\"",
        });
        assert_eq!(line, expected);
        assert!(!line.to_string().contains('\n'));
    }
}
