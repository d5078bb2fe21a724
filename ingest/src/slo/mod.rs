//! Service level objectives, as one YAML file declares them, and the Prometheus rules that follow from it.
//!
//! An objective is a share of good events over a window: page views whose vital is rated good, or beacon requests that the service
//! answered without an error of its own. Alerting on how fast its error budget burns, over two windows each, is from the
//! [Site Reliability Workbook, chapter 5](https://sre.google/workbook/alerting-on-slos/).

mod render;

use std::{collections::BTreeSet, fmt};

use rum_protocol::Metric;
use serde::Deserialize;

pub use render::render;

/// Stands for every project that the file does not name with the same vital.
pub const ANY_PROJECT: &str = "*";

/// The file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objectives {
    /// Page views rated good.
    #[serde(default)]
    vitals: Vec<VitalObjective>,
    /// Beacon requests answered without a server error.
    availability: Option<AvailabilityObjective>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct VitalObjective {
    project: String,
    #[serde(deserialize_with = "vital")]
    vital: Metric,
    #[serde(default = "three_quarters")]
    objective: Share,
    #[serde(default)]
    window: Days,
    #[serde(default = "hundred")]
    minimum_page_views: u32,
    #[serde(default = "frontend")]
    team: Name,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct AvailabilityObjective {
    objective: Share,
    #[serde(default)]
    window: Days,
    #[serde(default = "hundred")]
    minimum_requests: u32,
    #[serde(default = "platform")]
    team: Name,
}

/// A share that leaves a budget: 0.5 to 0.9999.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
struct Share(f64);

/// Whole days, written `28d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Days(u32);

/// What needs no quoting in a matcher or a label.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

/// Why a file of objectives cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SloError {
    /// Not YAML, or a field is missing, unknown or out of range; the text says where.
    #[error("cannot read the objectives: {0}")]
    Unreadable(#[from] yaml_serde::Error),
    /// Not a name of a project.
    #[error("project {0:?}: use letters, digits, '.', '_' and '-', at most 64, or \"*\" for all that are not named")]
    Project(String),
    /// The same project and vital twice.
    #[error("project {project:?} has two objectives for {vital}; keep one")]
    Twice {
        /// The project.
        project: String,
        /// The vital.
        vital: &'static str,
    },
    /// Nothing to watch.
    #[error("no objectives; list some under `vitals` or set `availability`")]
    Empty,
}

impl Objectives {
    /// Reads a file's text.
    ///
    /// # Errors
    /// [`SloError`], which names the line or the entry.
    pub fn parse(text: &str) -> Result<Self, SloError> {
        let read: Self = yaml_serde::from_str(text)?;
        let mut seen = BTreeSet::new();
        for entry in &read.vitals {
            if entry.project != ANY_PROJECT && !is_name(&entry.project) {
                return Err(SloError::Project(entry.project.clone()));
            }
            if !seen.insert((&entry.project, entry.vital.name())) {
                return Err(SloError::Twice { project: entry.project.clone(), vital: entry.vital.name() });
            }
        }
        if read.vitals.is_empty() && read.availability.is_none() { Err(SloError::Empty) } else { Ok(read) }
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

fn vital<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Metric, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = Metric::ALL.iter().find(|vital| vital.name() == name).copied();
    known.ok_or_else(|| serde::de::Error::custom(format!("vital {name:?} is none of FCP, LCP, FID, CLS, INP, TTFB")))
}

fn three_quarters() -> Share {
    Share(0.75)
}

fn hundred() -> u32 {
    100
}

fn frontend() -> Name {
    Name("frontend".into())
}

fn platform() -> Name {
    Name("platform".into())
}

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        let fits = (0.5..=0.9999).contains(&share);
        if fits { Ok(Self(share)) } else { Err(format!("objective {share} is not a share from 0.5 to 0.9999")) }
    }
}

impl Default for Days {
    fn default() -> Self {
        Self(28)
    }
}

impl TryFrom<String> for Days {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| (3..=90).contains(days));
        days.map(Self).ok_or_else(|| format!("window {text:?} is not 3d to 90d"))
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if is_name(&text) { Ok(Self(text)) } else { Err(format!("{text:?} is not a name of letters, digits, '.', '_' and '-'")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_the_usual_value() {
        let read = Objectives::parse("vitals: [{project: shop, vital: LCP}]\n").unwrap();
        let expected = VitalObjective {
            project: "shop".into(),
            vital: Metric::Lcp,
            objective: Share(0.75),
            window: Days(28),
            minimum_page_views: 100,
            team: Name("frontend".into()),
        };
        assert_eq!(read, Objectives { vitals: vec![expected], availability: None });
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_a_reason() {
        let check = |text: &str, part: &str| {
            let said = Objectives::parse(text).expect_err(text).to_string();
            assert!(said.contains(part), "{text}: {said}");
        };
        check("", "no objectives");
        check("vitals: []", "no objectives");
        check("vitals: [{project: shop, vital: LCP, objectiv: 0.8}]", "unknown field `objectiv`");
        check("vitals: [{project: shop, vital: lcp}]", "vital \"lcp\" is none of");
        check("vitals: [{project: shop, vital: LCP, objective: 75}]", "objective 75 is not a share");
        check("vitals: [{project: shop, vital: LCP, objective: 1}]", "objective 1 is not a share");
        check("vitals: [{project: shop, vital: LCP, window: 4w}]", "window \"4w\" is not 3d to 90d");
        check("vitals: [{project: 'a\"} or up{', vital: LCP}]", "use letters");
        check("vitals: [{project: shop, vital: LCP, team: 'a b'}]", "\"a b\" is not a name");
        check("vitals: [{project: a, vital: LCP}, {project: a, vital: LCP}]", "two objectives for LCP");
        check("availability: {objective: 0.3}", "objective 0.3 is not a share");
    }
}
