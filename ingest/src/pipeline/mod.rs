//! What happens to a request between its headers and the spool, as two literal lists of named, timed steps.
//!
//! [`Pipeline::admit`] runs before the body is read, so that a refusal costs no parsing; [`Pipeline::accept`] turns the body into what
//! is stored. Each step takes the type the step before it made; a later type has no field for what must be gone by then.

mod agent;
mod authorize;
mod country;
mod decode;
mod decompress;
mod enrich;
mod filter;
mod pseudonym;
mod rate_limit;
mod routes;
mod scrub;
mod simple;
mod validate;

pub use authorize::Admitted;
pub use country::Countries;
pub use enrich::SKEW_TOLERANCE_MS;
pub use pseudonym::{SALT_BYTES, Salt};

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rum_protocol::{Losses, RejectReason};

use rate_limit::Unit;

use crate::{
    accepted::{AcceptedBeacon, RejectedEvent, Rejection},
    config::{Ignore, Project},
};

/// The steps, in order; also the labels of their timings.
pub const STEPS: [&str; 7] = ["authorize", "rate_limit", "decompress", "decode", "validate", "filter", "enrich"];

/// Takes the time of each step, and what limits decide.
pub trait StepTimer: Sync {
    /// `step` is one of [`STEPS`].
    fn took(&self, step: &'static str, time: Duration);

    /// `limit` is `beacons`, `bytes` or `events` of a key, `client` of one client network, or `quota` of a project.
    fn decided(&self, _project: &str, _limit: &'static str, _decision: Decision) {}
}

/// What a limit decides about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may go on.
    Pass,
    /// It is one too many.
    Refuse,
}

/// What is known before the body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// The `key` of the query.
    pub key: Option<&'a str>,
    /// The `Origin` header.
    pub origin: Option<&'a str>,
    /// The client's address, if it is known behind all proxies.
    pub client: Option<IpAddr>,
}

/// The body and what is needed to read it.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// As received.
    pub bytes: &'a [u8],
    /// The `Content-Encoding` header.
    pub encoding: Option<&'a str>,
    /// Who sent it.
    pub sender: Sender<'a>,
    /// When it was complete; drives the rate limits.
    pub received: Instant,
}

/// What a request tells about its sender, besides the body. Nothing of it is stored as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'a> {
    /// The `User-Agent` header.
    pub user_agent: Option<&'a str>,
    /// User agent client hints.
    pub hints: ClientHints<'a>,
    /// The client's address, if it is known behind all proxies; for its country.
    pub address: Option<IpAddr>,
}

/// The low-entropy hints of User-Agent Client Hints, which Chromium sends unasked over HTTPS.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientHints<'a> {
    /// `Sec-CH-UA`.
    pub brands: Option<&'a str>,
    /// `Sec-CH-UA-Mobile`.
    pub mobile: Option<&'a str>,
    /// `Sec-CH-UA-Platform`.
    pub platform: Option<&'a str>,
}

/// What the steps behind validation know besides the projects.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// For the senders' countries; absent if the operator has no such database.
    pub countries: Option<Arc<Countries>>,
    /// Whether personal data is taken out of texts.
    pub scrubs: bool,
    /// Attributes whose values are replaced by codes, with what makes the codes.
    pub hashed_attributes: Option<(Vec<String>, Arc<Salt>)>,
}

/// What [`Pipeline::accept`] made of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    /// What is to be stored; it has at least one event.
    pub beacon: AcceptedBeacon,
    /// The events that were refused.
    pub rejected: Vec<RejectedEvent>,
    /// What the sender says it lost before this beacon.
    pub lost: Losses,
}

/// The configured pipeline.
#[derive(Debug)]
pub struct Pipeline {
    keys: authorize::Keys,
    clients: Arc<rate_limit::Clients>,
    rules: HashMap<String, Rules>,
    measures: Vec<(String, String)>,
    knowledge: Knowledge,
}

/// How a project wants its events.
#[derive(Debug, Default)]
struct Rules {
    ignore: Ignore,
    routes: routes::Routes,
}

impl Pipeline {
    /// A pipeline for these projects.
    pub fn new(projects: &[Project]) -> Self {
        Self::with(projects, authorize::Keys::new(projects, &authorize::Keys::default()), Arc::default())
    }

    fn with(projects: &[Project], keys: authorize::Keys, clients: Arc<rate_limit::Clients>) -> Self {
        let knowledge = Knowledge { scrubs: true, ..Knowledge::default() };
        let named = |project: &Project| project.measures.iter().map(|name| (project.id.clone(), name.clone())).collect::<Vec<_>>();
        Self { keys, clients, rules: rules(projects), measures: projects.iter().flat_map(named).collect(), knowledge }
    }

    /// A pipeline for other projects that goes on counting where this one is: whoever is held back stays so.
    #[must_use]
    pub fn reconfigured(&self, projects: &[Project]) -> Self {
        let keys = authorize::Keys::new(projects, &self.keys);
        Self::with(projects, keys, self.clients.clone()).knowing(self.knowledge.clone())
    }

    /// The same with what the operator supplies or wants for all projects.
    #[must_use]
    pub fn knowing(self, knowledge: Knowledge) -> Self {
        Self { knowledge, ..self }
    }

    /// Takes over from the ledger how many events a project has had on the day of `now_ms`; less than was counted here changes nothing.
    pub fn used_today(&self, project_id: &str, events: u64, now_ms: u64) {
        if let Some(daily_use) = self.keys.daily_use(project_id) {
            daily_use.at_least(events, now_ms);
        }
    }

    /// Projects and the names of their actions that are business measures.
    pub fn measures(&self) -> &[(String, String)] {
        &self.measures
    }

    /// Whether any project has a daily quota.
    pub fn has_quota(&self) -> bool {
        self.keys.has_quota()
    }

    /// Whether the request may send at all. `now` drives the rate limits.
    ///
    /// # Errors
    /// [`Rejection`] with the project's id, if the key was known.
    pub fn admit(&self, head: Head<'_>, now: Instant, timer: &dyn StepTimer) -> Result<Admitted, (Option<String>, Rejection)> {
        let admitted = timed("authorize", timer, || self.keys.authorize(head))?;
        timed("rate_limit", timer, || rate_limit::take(&self.clients, &admitted, Unit::Beacons, 1, now, timer))
            .map_err(|rejection| (Some(admitted.project_id.clone()), rejection))?;
        Ok(admitted)
    }

    /// Whether pages of this origin may send with this key; for CORS.
    pub fn allows_origin(&self, head: Head<'_>) -> bool {
        self.keys.allows_origin(head)
    }

    /// The first step of [`Pipeline::accept`] alone, so that a benchmark can tell what it costs.
    ///
    /// # Errors
    /// As [`Pipeline::accept`].
    #[doc(hidden)]
    pub fn text(body: Body<'_>) -> Result<std::borrow::Cow<'_, [u8]>, Rejection> {
        decompress::decompress(body)
    }

    /// The first two steps of [`Pipeline::accept`], for the same purpose: how many events could be read.
    ///
    /// # Errors
    /// As [`Pipeline::accept`].
    #[doc(hidden)]
    pub fn parsed(body: Body<'_>, now_ms: u64) -> Result<usize, Rejection> {
        Ok(decode::decode(&Self::text(body)?, now_ms)?.events.len())
    }

    /// Turns a body into what is stored. `now_ms` is Unix time.
    ///
    /// # Errors
    /// [`Rejection`] of the whole request. When every event was refused this is the first event's reason.
    pub fn accept(&self, admitted: &Admitted, body: Body<'_>, now_ms: u64, timer: &dyn StepTimer) -> Result<Acceptance, Rejection> {
        let take = |unit, count| {
            timed("rate_limit", timer, || rate_limit::take(&self.clients, admitted, unit, count, body.received, timer))
        };
        take(Unit::Bytes, body.bytes.len())?;
        let text = timed("decompress", timer, || decompress::decompress(body))?;
        let decoded = timed("decode", timer, || decode::decode(&text, now_ms))?;
        timed("authorize", timer, || authorize::environment(admitted, decoded.envelope.env.as_deref()))?;
        take(Unit::Events, decoded.events.len() + decoded.rejected.len())?;
        let lost = decoded.envelope.lost.unwrap_or_default();
        let validated = timed("validate", timer, || validate::validate(decoded))?;
        let unruled = Rules::default();
        let rules = self.rules.get(&admitted.project_id).unwrap_or(&unruled);
        let wanted = timed("filter", timer, || filter::filter(validated, &rules.ignore, &body.sender))?;
        let about = enrich::About { admitted, sender: body.sender, routes: &rules.routes, knowledge: &self.knowledge, now_ms };
        let (beacon, rejected) = timed("enrich", timer, || enrich::enrich(wanted, about));
        match rejected.first() {
            Some(first) if beacon.events.is_empty() => Err(Rejection::new(
                first.rejection.reason,
                format!("all {} events were refused; event {}: {}", rejected.len(), first.index, first.rejection.detail),
            )),
            _ => {
                if let Some(quota) = admitted.site.daily_event_quota {
                    let taken = admitted.site.daily_use.take(quota, beacon.events.len(), now_ms);
                    timer.decided(&admitted.project_id, "quota", if taken.is_ok() { Decision::Pass } else { Decision::Refuse });
                    taken?;
                }
                Ok(Acceptance { beacon, rejected, lost })
            }
        }
    }
}

fn rules(projects: &[Project]) -> HashMap<String, Rules> {
    let rules = |project: &Project| Rules { ignore: project.ignore.clone(), routes: routes::Routes::new(&project.routes) };
    projects.iter().map(|project| (project.id.clone(), rules(project))).collect()
}

/// An address without query and fragment, and without the content of a `data:` one.
fn plain_address(url: &str) -> &str {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    if plain.starts_with("data:") { plain.split(',').next().unwrap_or_default() } else { plain }
}

fn timed<T>(step: &'static str, timer: &dyn StepTimer, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = work();
    timer.took(step, begin.elapsed());
    result
}

fn reject<T>(reason: RejectReason, detail: impl Into<String>) -> Result<T, Rejection> {
    Err(Rejection::new(reason, detail))
}
