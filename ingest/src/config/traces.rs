//! Where spans go, and how many.

use hyper::Uri;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// `[traces]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// Where an OpenTelemetry collector takes OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. Without one nothing is traced.
    #[serde(serialize_with = "as_text", deserialize_with = "of_text", skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Uri>,
    /// Share of the beacons that are traced if their `traceparent` has not decided, 0 to 1.
    pub ratio: f64,
    /// Most beacons traced in one second, whoever decided.
    pub max_traces_per_second: u32,
    /// Most spans that wait for the collector; more are dropped and counted. A beacon has about twelve.
    pub max_queued_spans: usize,
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, ratio: 0.01, max_traces_per_second: 100, max_queued_spans: 8192 }
    }
}

impl Traces {
    /// What is wrong with the section, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        if let Some(endpoint) = &self.endpoint
            && (endpoint.scheme_str() != Some("http") || endpoint.host().is_none_or(str::is_empty))
        {
            return Some(format!(
                "traces.endpoint {endpoint} must begin with http://; where the way is not private, run a collector on this host that passes spans on with TLS"
            ));
        }
        if !(0.0..=1.0).contains(&self.ratio) {
            return Some("traces.ratio must be from 0 to 1".into());
        }
        if !(1..=1_000_000).contains(&self.max_traces_per_second) || !(1..=1_000_000).contains(&self.max_queued_spans) {
            return Some("traces.max_traces_per_second and traces.max_queued_spans must be from 1 to 1000000".into());
        }
        None
    }
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn as_text<S: Serializer>(endpoint: &Option<Uri>, out: S) -> Result<S::Ok, S::Error> {
    endpoint.as_ref().map(ToString::to_string).serialize(out)
}

fn of_text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Uri>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    text.map(|text| text.parse().map_err(|error| D::Error::custom(format!("not an address: {error}")))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_said_at_once() {
        let complaint = |traces: Traces| traces.complaint().unwrap_or_default();
        assert_eq!(complaint(Traces::default()), "");
        let at = |address: &str| Traces { endpoint: Some(address.parse().unwrap()), ..Traces::default() };
        assert_eq!(complaint(at("http://127.0.0.1:4318/v1/traces")), "");
        assert!(complaint(at("https://collector.example/v1/traces")).contains("http://"));
        assert!(complaint(at("/v1/traces")).contains("traces.endpoint"));
        for ratio in [-0.1, 1.1, f64::NAN] {
            assert!(complaint(Traces { ratio, ..Traces::default() }).contains("traces.ratio"));
        }
        assert!(complaint(Traces { max_queued_spans: 0, ..Traces::default() }).contains("max_queued_spans"));
    }
}
