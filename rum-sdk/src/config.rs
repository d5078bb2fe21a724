//! The options of `init` that the core needs. The rest (key, endpoint, privacy signals) is the loader's.

use rum_protocol::limits::MAX_NAME_BYTES;
use serde::{Deserialize, Deserializer};

use crate::text::cut_known;

/// As the page gave them: an option that is absent, or not of its type, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    /// The application's release, within its limit.
    #[serde(deserialize_with = "name_if_readable")]
    pub release: Option<String>,
    /// The deployment environment, within its limit.
    #[serde(deserialize_with = "name_if_readable")]
    pub env: Option<String>,
    /// See [`Self::sample_rate`].
    #[serde(deserialize_with = "if_readable")]
    sample_rate: Option<f64>,
    #[serde(deserialize_with = "if_readable")]
    auto_page_views: Option<bool>,
    #[serde(deserialize_with = "if_readable")]
    keep_failed: Option<bool>,
}

impl Config {
    /// Share of sessions to send, from 0 to 1. Everything when not given.
    #[must_use]
    pub fn sample_rate(&self) -> f64 {
        // Whatever is not above 0 is none, also what is not a number.
        self.sample_rate.map_or(1.0, |rate| if rate > 0.0 { rate.min(1.0) } else { 0.0 })
    }

    /// Whether sessions outside the sample are sent when something goes wrong in them.
    #[must_use]
    pub fn keep_failed(&self) -> bool {
        self.keep_failed.unwrap_or(true)
    }

    /// Whether page views begin by themselves.
    #[must_use]
    pub fn auto_page_views(&self) -> bool {
        self.auto_page_views.unwrap_or(true)
    }
}

/// One wrong option must not cost the others.
#[expect(clippy::unnecessary_wraps, reason = "serde's derive asks for this signature")]
fn if_readable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(T::deserialize(deserializer).ok())
}

fn name_if_readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name: Option<String> = if_readable(deserializer)?;
    Ok(name.and_then(|name| cut_known(&name, MAX_NAME_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config(options: serde_json::Value) -> Config {
        serde_json::from_value(options).unwrap()
    }

    #[test]
    fn nothing_given_means_the_defaults() {
        let config = config(json!({}));
        assert_eq!(config, Config::default());
        assert!(config.auto_page_views());
        assert!((config.sample_rate() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn every_option_is_read_by_its_javascript_name() {
        let config = config(json!({"key": "k", "release": "4.2", "env": "test", "sampleRate": 0.25, "autoPageViews": false}));
        assert_eq!((config.release.as_deref(), config.env.as_deref()), (Some("4.2"), Some("test")));
        assert!(!config.auto_page_views());
        assert!((config.sample_rate() - 0.25).abs() < f64::EPSILON);
    }

    #[test]
    fn a_wrong_option_costs_only_itself() {
        let config = config(json!({"release": 42, "sampleRate": "half", "autoPageViews": "no", "env": "test"}));
        assert_eq!(config, Config { env: Some("test".into()), ..Config::default() });
    }

    #[test]
    fn names_are_bounded_and_empty_ones_are_absent() {
        let config = config(json!({"release": "r".repeat(300), "env": ""}));
        assert_eq!((config.release.map(|release| release.len()), config.env), (Some(256), None));
    }

    #[test]
    fn sample_rates_are_clamped() {
        let rate = |rate: f64| Config { sample_rate: Some(rate), ..Config::default() }.sample_rate().to_bits();
        assert_eq!(rate(7.0), 1.0_f64.to_bits());
        assert_eq!(rate(-0.5), 0.0_f64.to_bits());
        assert_eq!(rate(f64::NAN), 0.0_f64.to_bits());
    }
}
