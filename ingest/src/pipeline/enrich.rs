//! Adds what the service knows: corrected times, device and browser, the page's name. The request's headers end here.

use rum_protocol::{Attribution, AttributionKind, AttributionName, Event, Id, View, limits};

use super::{Admitted, agent, validate::Validated};
use crate::accepted::{AcceptedBeacon, AcceptedEvent, RejectedEvent};

/// A sender's clock this near the service's is taken as right: the difference is mostly the beacon's way.
pub const SKEW_TOLERANCE_MS: i64 = 30_000;

pub(super) fn enrich(
    validated: Validated,
    admitted: &Admitted,
    user_agent: Option<&str>,
    now_ms: u64,
) -> (AcceptedBeacon, Vec<RejectedEvent>) {
    let decoded = validated.0;
    let (envelope, rejected) = (decoded.envelope, decoded.rejected);
    let skew_ms = skew_ms(envelope.sent_at_ms, now_ms);
    let anonymous = View { id: Id(0), started_at_ms: None, url: String::new(), page: None, referrer: None };
    let events = decoded
        .events
        .into_iter()
        .map(|(index, mut event)| {
            if let Event::Vital(vital) = &mut event {
                shorten_addresses(&mut vital.attribution);
            }
            let view = envelope.views.get(event.view() as usize).unwrap_or(&anonymous);
            AcceptedEvent {
                index,
                at_ms: i64::try_from(event.at_ms()).unwrap_or(i64::MAX).saturating_sub(skew_ms),
                view_id: view.id,
                page: view.page.clone().unwrap_or_else(|| path_of(&view.url).to_owned()),
                url: without_query(&view.url).to_owned(),
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
        connection: envelope.context.and_then(|context| context.connection).unwrap_or_default(),
        agent: agent::classify(decoded.user_agent.as_deref().or(user_agent).unwrap_or_default()),
        events,
        rejected: rejected.iter().map(|event| event.rejection.reason.name().to_owned()).collect(),
    };
    (beacon, rejected)
}

fn skew_ms(sent_at_ms: u64, now_ms: u64) -> i64 {
    let sent = i64::try_from(sent_at_ms).unwrap_or(i64::MAX);
    let skew = sent.saturating_sub(i64::try_from(now_ms).unwrap_or(i64::MAX));
    if skew.saturating_abs() <= SKEW_TOLERANCE_MS { 0 } else { skew }
}

/// Addresses inside an attribution are kept as the page's own: without query and fragment, and without the content of a `data:` one.
fn shorten_addresses(attribution: &mut Attribution) {
    for (name, text) in &mut attribution.texts {
        let is_address = match AttributionName::of(name).map(|known| known.kind) {
            Some(AttributionKind::Url) => true,
            // A name such as `A#buy.onclick` has a `#` of its own.
            Some(AttributionKind::TextOrUrl) => text.contains("://") || text.starts_with("data:"),
            Some(AttributionKind::Text | AttributionKind::Number) | None => false,
        };
        if is_address {
            let address = without_query(text);
            let kept = if address.starts_with("data:") { address.split(',').next().unwrap_or_default() } else { address };
            text.truncate(kept.len());
        }
    }
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// The path of an address, cut to the length of a name; `/` for an address without one.
fn path_of(url: &str) -> &str {
    let plain = without_query(url);
    let after_scheme = plain.split_once("://").map_or(plain, |(_, rest)| rest);
    match after_scheme.find('/') {
        Some(slash) if plain.contains("://") || slash == 0 => {
            let path = &after_scheme[slash..];
            &path[..path.floor_char_boundary(limits::MAX_NAME_BYTES)]
        }
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
