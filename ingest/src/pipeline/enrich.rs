//! Adds what the service knows: corrected times, device and browser, the page's name. The request's headers end here.

use rum_protocol::{Attribution, AttributionKind, AttributionName, Event, Id, View};

use super::{Admitted, Knowledge, Sender, agent, filter::Wanted, plain_address, pseudonym, routes::Routes, scrub};
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
    let (envelope, rejected) = (decoded.envelope, decoded.rejected);
    let skew_ms = skew_ms(envelope.sent_at_ms, now_ms);
    let anonymous = Place { view_id: Id(0), started_at_ms: None, page: String::new(), url: String::new() };
    let places: Vec<_> = envelope.views.iter().map(|view| place(view, routes, knowledge.scrubs)).collect();
    let events = decoded
        .events
        .into_iter()
        .map(|(index, mut event)| {
            shorten_addresses(&mut event);
            if let Some((names, salt)) = &knowledge.hashed_attributes {
                pseudonym::hash_attributes(&mut event, names, salt, &admitted.project_id);
            }
            if knowledge.scrubs {
                scrub::scrub_event(&mut event);
            }
            let place = places.get(event.view() as usize).unwrap_or(&anonymous);
            AcceptedEvent {
                index,
                at_ms: corrected(event.at_ms(), skew_ms),
                view_id: place.view_id,
                view_started_at_ms: place.started_at_ms.map(|at_ms| corrected(at_ms, skew_ms)),
                page: place.page.clone(),
                url: place.url.clone(),
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
    };
    (beacon, rejected)
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
        Event::PageView(_) | Event::Action(_) => {}
    }
}

fn shorten_in(attribution: &mut Attribution) {
    for (name, text) in &mut attribution.texts {
        let is_address = match AttributionName::of(name).map(|known| known.kind) {
            Some(AttributionKind::Url) => true,
            // A name such as `A#buy.onclick` has a `#` of its own.
            Some(AttributionKind::TextOrUrl) => text.contains("://") || text.starts_with("data:"),
            Some(AttributionKind::Text | AttributionKind::Number) | None => false,
        };
        if is_address {
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
