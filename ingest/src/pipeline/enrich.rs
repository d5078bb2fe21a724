//! Adds what the service knows: corrected times, device and browser, the page's name. The request's headers end here.

use rum_protocol::{Attributes, Attribution, AttributionKind, AttributionName, Event, Id, View, limits};

use super::{
    Admitted, Knowledge, Sender, agent, filter::Wanted, plain_address, pseudonym, routes::Routes, scrub, validate::MAX_AGE_MS,
};
use crate::accepted::{AcceptedBeacon, AcceptedEvent, RejectedEvent};

/// A sender's clock this near the service's is taken as right: the difference is mostly the beacon's way.
pub const SKEW_TOLERANCE_MS: i64 = 30_000;

/// Effective connection types, W3C Network Information; others are not kept, so that they can be labels.
const CONNECTIONS: [&str; 4] = ["slow-2g", "2g", "3g", "4g"];

/// What is known about a beacon besides its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) admitted: &'a Admitted,
    pub(super) sender: Sender<'a>,
    pub(super) routes: &'a Routes,
    pub(super) knowledge: &'a Knowledge,
    /// Unix time.
    pub(super) now_ms: u64,
}

pub(super) fn enrich(wanted: Wanted, about: About<'_>) -> (AcceptedBeacon, Vec<RejectedEvent>) {
    let About { admitted, sender, routes, knowledge, now_ms } = about;
    let decoded = wanted.0;
    let (mut envelope, rejected) = (decoded.envelope, decoded.rejected);
    let skew_ms = skew_ms(envelope.sent_at_ms, now_ms);
    let anonymous = Place { view_id: Id(0), started_at_ms: None, page: String::new(), url: String::new() };
    let shared = cleaned(std::mem::take(&mut envelope.attributes), about);
    let places: Vec<_> = envelope.views.iter().map(|view| place(view, routes, knowledge.scrubs)).collect();
    let events = decoded
        .events
        .into_iter()
        .map(|(index, mut event)| {
            let at_ms = corrected(event.at_ms(), skew_ms);
            shorten_addresses(&mut event);
            correct_breadcrumbs(&mut event, at_ms, skew_ms);
            if let (Some((names, salt)), Some(own)) = (&knowledge.hashed_attributes, event.attributes_mut()) {
                pseudonym::hash_attributes(own, names, salt, &admitted.project_id);
            }
            let mut endpoint = endpoint(&event, routes);
            if knowledge.scrubs {
                scrub::scrub_event(&mut event);
                scrub::replace(&mut endpoint);
            }
            let place = places.get(event.view() as usize).unwrap_or(&anonymous);
            AcceptedEvent {
                index,
                at_ms,
                view_id: place.view_id,
                view_started_at_ms: place.started_at_ms.map(|at_ms| corrected(at_ms, skew_ms)),
                page: place.page.clone(),
                url: place.url.clone(),
                endpoint,
                attributes: laid_under(&event, &shared),
                event,
            }
        })
        .collect();
    let session = envelope.session;
    let beacon = AcceptedBeacon {
        project_id: admitted.project_id.clone(),
        retention_days: admitted.retention_days,
        received_at_ms: now_ms,
        skew_ms,
        beacon_id: if envelope.beacon_id.is_empty() { format!("{:032x}", rand::random::<u128>()) } else { envelope.beacon_id },
        session_id: session.as_ref().map_or(Id(0), |session| session.id),
        sample_rate: session.as_ref().map_or(1.0, |session| session.sample_rate),
        release: envelope.release.unwrap_or_default(),
        env: envelope.env.unwrap_or_default(),
        connection: envelope
            .context
            .and_then(|context| context.connection)
            .filter(|connection| CONNECTIONS.contains(&connection.as_str()))
            .unwrap_or_default(),
        country: knowledge
            .countries
            .as_ref()
            .zip(sender.address)
            .and_then(|(countries, address)| countries.of(address))
            .unwrap_or_default(),
        agent: agent::classify(decoded.user_agent.as_deref(), &sender),
        events,
        rejected: rejected.iter().map(|event| event.rejection.reason.name().to_owned()).collect(),
        trace: None,
    };
    (beacon, rejected)
}

/// The beacon's attributes, as they are kept.
fn cleaned(mut attributes: Attributes, About { admitted, knowledge, .. }: About<'_>) -> Attributes {
    if let Some((names, salt)) = &knowledge.hashed_attributes {
        pseudonym::hash_attributes(&mut attributes, names, salt, &admitted.project_id);
    }
    if knowledge.scrubs {
        scrub::scrub_attributes(&mut attributes);
    }
    attributes
}

/// Those of the beacon's attributes that the event has no own for.
fn laid_under(event: &Event, shared: &Attributes) -> Attributes {
    let has_own = |name: &String| event.attributes().is_some_and(|own| own.contains_key(name));
    shared.iter().filter(|(name, _)| !has_own(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Host and route of what a request asked for, so that requests of one kind have one name; empty for other events.
fn endpoint(event: &Event, routes: &Routes) -> String {
    let Event::Request(request) = event else { return String::new() };
    let url = plain_address(&request.url);
    let Some((_, rest)) = url.split_once("://") else { return routes.page(url) };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut endpoint = format!("{host}{}", routes.page(path_of(url)));
    endpoint.truncate(endpoint.floor_char_boundary(limits::MAX_NAME_BYTES));
    endpoint
}

/// Times of breadcrumbs by the service's clock, none after the error at `at_ms`, none older than events may be.
fn correct_breadcrumbs(event: &mut Event, at_ms: i64, skew_ms: i64) {
    let Event::Error(error) = event else { return };
    let oldest = at_ms.saturating_sub_unsigned(MAX_AGE_MS);
    for crumb in &mut error.breadcrumbs {
        crumb.at_ms = u64::try_from(corrected(crumb.at_ms, skew_ms).clamp(oldest, at_ms)).unwrap_or(0);
    }
}

/// Where events happened.
struct Place {
    view_id: Id,
    /// By the sender's clock.
    started_at_ms: Option<u64>,
    page: String,
    url: String,
}

fn place(view: &View, routes: &Routes, scrubs: bool) -> Place {
    let page = view.page.clone().unwrap_or_else(|| routes.page(path_of(&view.url)));
    let mut place = Place { view_id: view.id, started_at_ms: view.started_at_ms, page, url: plain_address(&view.url).to_owned() };
    if scrubs {
        [&mut place.page, &mut place.url].into_iter().for_each(scrub::replace);
    }
    place
}

fn skew_ms(sent_at_ms: u64, now_ms: u64) -> i64 {
    let sent = i64::try_from(sent_at_ms).unwrap_or(i64::MAX);
    let skew = sent.saturating_sub(i64::try_from(now_ms).unwrap_or(i64::MAX));
    if skew.saturating_abs() <= SKEW_TOLERANCE_MS { 0 } else { skew }
}

/// A time of the sender's clock by the service's.
fn corrected(at_ms: u64, skew_ms: i64) -> i64 {
    i64::try_from(at_ms).unwrap_or(i64::MAX).saturating_sub(skew_ms)
}

/// Addresses inside an event are kept as the page's own.
fn shorten_addresses(event: &mut Event) {
    match event {
        Event::Vital(vital) => shorten_in(&mut vital.attribution),
        Event::Error(error) => error.file.iter_mut().for_each(shorten),
        Event::Request(request) => shorten(&mut request.url),
        Event::LongFrame(frame) => {
            frame.script_url.iter_mut().for_each(shorten);
            frame.script_invoker.iter_mut().filter(|invoker| is_address(invoker)).for_each(shorten);
        }
        Event::PageView(_) | Event::Action(_) | Event::Measure(_) | Event::PageLeave(_) => {}
    }
}

/// Whether what may be a name is an address. A name such as `A#buy.onclick` has a `#` of its own.
fn is_address(text: &str) -> bool {
    text.contains("://") || text.starts_with("data:")
}

fn shorten_in(attribution: &mut Attribution) {
    for (name, text) in &mut attribution.texts {
        let is_shortened = match AttributionName::of(name).map(|known| known.kind) {
            Some(AttributionKind::Url) => true,
            Some(AttributionKind::TextOrUrl) => is_address(text),
            Some(AttributionKind::Text | AttributionKind::Number) | None => false,
        };
        if is_shortened {
            shorten(text);
        }
    }
}

fn shorten(address: &mut String) {
    address.truncate(plain_address(address).len());
}

/// The path of an address; `/` for an address without one.
fn path_of(url: &str) -> &str {
    let plain = plain_address(url);
    let after_scheme = plain.split_once("://").map_or(plain, |(_, rest)| rest);
    match after_scheme.find('/') {
        Some(slash) if plain.contains("://") || slash == 0 => &after_scheme[slash..],
        _ if plain.is_empty() => "",
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_a_name_is_named_by_its_path() {
        for (url, path) in [
            ("https://shop.example/cart/3?token=x#y", "/cart/3"),
            ("https://shop.example", "/"),
            ("https://shop.example?x=/y", "/"),
            ("/local", "/local"),
            ("", ""),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }

    #[test]
    fn only_a_clearly_wrong_clock_is_corrected() {
        assert_eq!(skew_ms(1_000_000, 1_000_500), 0);
        assert_eq!(skew_ms(1_000_000, 1_030_000), 0);
        assert_eq!(skew_ms(1_000_000, 1_030_001), -30_001);
        assert_eq!(skew_ms(u64::MAX, 0), i64::MAX);
    }
}
