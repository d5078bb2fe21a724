//! What crosses from the loader to the core: numbers, and texts joined by U+001F, in the order each kind defines. An absent number
//! is not a number, an absent text is empty. `npm/src/run.ts` is the other side.

use rum_protocol::limits::MAX_NAME_BYTES;
use rum_protocol::{Id, Metric};

use crate::collect::{Record, attributes, due};
use crate::json::Object;
use crate::kind::Kind;
use crate::navigation::PageState;
use crate::outbox::Outcome;
use crate::text::{cut, find};
use crate::time::Time;
use crate::{Consent, Landing, Signal};

/// Between two texts (ASCII unit separator).
const SEPARATOR: u8 = 0x1f;

/// The texts, one after the other.
pub(crate) struct Texts<'a> {
    left: &'a str,
    separator: u8,
}

impl<'a> Texts<'a> {
    /// Those that `separator`, an ASCII character, stands between.
    pub(crate) const fn of(texts: &'a str, separator: u8) -> Self {
        Self { left: texts, separator }
    }

    /// The next one; empty when there is none left.
    pub(crate) fn next(&mut self) -> &'a str {
        let all = self.left;
        let end = find(all, self.separator).unwrap_or(all.len());
        self.left = all.get(end + 1..).unwrap_or_default();
        all.get(..end).unwrap_or_default()
    }

    /// The next one, which must not be empty.
    pub(crate) fn named(&mut self) -> Option<&'a str> {
        let name = self.next();
        (!name.is_empty()).then_some(name)
    }

    pub(crate) fn text(&mut self) -> String {
        String::from(self.next())
    }
}

/// Reads what is known of the page when the core starts.
#[must_use]
pub fn landing(numbers: &[f64], texts: &str) -> Option<Landing> {
    let mut texts = Texts::of(texts, SEPARATOR);
    let &[width, height, view_sent, lost, is_visible, consent, ref state @ ..] = numbers else { return None };
    let mut landing = Landing {
        href: texts.text(),
        referrer: texts.text(),
        view: Id::parse(texts.next()).ok(),
        view_sent: is_true(view_sent),
        lost: count(lost),
        is_visible: is_true(is_visible),
        consent: Consent::from_number(consent),
        context: Object::default(),
        navigation_type: String::new(),
        state: PageState::from_numbers(state),
    };
    landing.context.known("connection", cut(texts.next(), MAX_NAME_BYTES));
    landing.context.known("language", cut(texts.next(), MAX_NAME_BYTES));
    landing.context.whole("viewport_width_px", count(width).into());
    landing.context.whole("viewport_height_px", count(height).into());
    landing.navigation_type = texts.text();
    Some(landing)
}

/// Reads one delivery, of something that happened at `at_ms` of the wall clock. `None` for what has nothing in it for the core.
#[must_use]
pub fn signal(kind: Kind, numbers: &[f64], texts: &str, at_ms: u64, time: Time) -> Option<Signal> {
    let mut texts = Texts::of(texts, SEPARATOR);
    let first = numbers.first().copied().unwrap_or(f64::NAN);
    Some(match kind {
        Kind::Record => Signal::Recorded(Record::read(numbers, texts)?),
        Kind::PageView => Signal::PageView { name: String::from(texts.named()?), href: texts.text() },
        Kind::Route => Signal::Route(texts.text()),
        Kind::Restore => Signal::Restored(texts.text()),
        Kind::Vital => return vital(numbers, texts, at_ms, time),
        Kind::Shown => Signal::Shown,
        Kind::Hidden => Signal::Hidden,
        Kind::Scrolled => Signal::Scrolled(first),
        Kind::Attributes => Signal::Attributes(attributes(texts)),
        Kind::Consent => Signal::Consent(Consent::from_number(first)),
        Kind::Reset => Signal::Reset,
        Kind::Flush => Signal::Flush,
        Kind::Timer => Signal::Timer,
        Kind::Settled => {
            let &[number, status, retry_after] = numbers else { return None };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the cast saturates, which is what is wanted"
            )]
            Signal::Settled(count(number), Outcome { status: status as u16, retry_after })
        }
    })
}

/// Metric, value, the value reported before, when the visit began, and the attribution.
fn vital(numbers: &[f64], texts: Texts<'_>, at_ms: u64, time: Time) -> Option<Signal> {
    let &[metric, value, previous, began, ref numbers @ ..] = numbers else { return None };
    let metric = *Metric::ALL.get(count(metric) as usize)?;
    let began_ms = if began > 0.0 { time.epoch_of(began) } else { 0 };
    Some(Signal::Vital(due(metric, [value, previous], numbers, texts, at_ms), metric.rate(value), began_ms))
}

fn is_true(number: f64) -> bool {
    number > 0.0
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, which is what is wanted")]
const fn count(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use rum_protocol::limits::MAX_ATTRIBUTES;
    use rum_protocol::{Context, Event, Vital};

    const NOW: Time = Time { page_ms: 1000.0, epoch_ms: 1_700_000_001_000.0 };
    const ABSENT: f64 = f64::NAN;

    fn read(kind: Kind, numbers: &[f64], texts: &[&str]) -> Option<Signal> {
        signal(kind, numbers, &texts.join("\u{1f}"), 1077, NOW)
    }

    /// The vital, and when its visit began.
    fn vital_in(signal: Option<Signal>) -> (Vital, u64) {
        let Some(Signal::Vital(vital, _, began_ms)) = signal else { panic!("no vital") };
        match serde_json::from_str(&vital.to_text()).unwrap() {
            Event::Vital(vital) => (vital, began_ms),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn records_and_page_views_are_read() {
        let record =
            read(Kind::Record, &[2.5], &["action", "click", "buy", "value", "action,category", "buy", "shop", "plan", "pro"]);
        let Some(Signal::Recorded(record)) = record else { panic!("{record:?}") };
        assert_eq!(record.fields.to_text(), r#"{"value":2.5,"action":"buy","category":"shop","attributes":{"plan":"pro"}}"#);
        let view = Signal::PageView { name: "home".into(), href: "https://x.example/".into() };
        assert_eq!(read(Kind::PageView, &[], &["home", "https://x.example/"]), Some(view));
    }

    #[test]
    fn what_has_no_name_is_nothing() {
        assert_eq!(read(Kind::Record, &[1.0], &["", "click"]), None);
        assert_eq!(read(Kind::PageView, &[], &["", "https://x.example/"]), None);
    }

    #[test]
    fn an_event_has_at_most_32_attributes() {
        let names: Vec<_> = (0..200).map(|index| index.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let Some(Signal::Attributes(attributes)) = read(Kind::Attributes, &[], &names) else { panic!("no attributes") };
        let attributes: serde_json::Value = serde_json::from_str(&attributes.to_text()).unwrap();
        assert_eq!(attributes.as_object().map(serde_json::Map::len), Some(MAX_ATTRIBUTES));
    }

    #[test]
    fn a_vital_is_read_with_its_visit_and_what_it_comes_from() {
        let numbers = [0.0, 900.5, ABSENT, 0.0, 300.0, 600.5];
        let texts = ["00000000000000ab", "reload", "complete"];
        let (vital, began) = vital_in(read(Kind::Vital, &numbers, &texts));
        assert_eq!((vital.at_ms, vital.metric, vital.value, vital.prev_value, began), (1077, Metric::Fcp, 900.5, None, 0));
        assert_eq!((vital.metric_id.as_deref(), vital.navigation_type.as_deref()), (Some("00000000000000ab"), Some("reload")));
        assert_eq!(vital.attribution.numbers.get("ttfb_ms"), Some(&300.0));
        assert_eq!(vital.attribution.numbers.get("first_byte_to_fcp_ms"), Some(&600.5));
        assert_eq!(vital.attribution.texts.get("load_state").map(String::as_str), Some("complete"));
        let (vital, began) = vital_in(read(Kind::Vital, &[3.0, 0.5, 0.25, 40.0], &["", "back-forward-cache"]));
        assert_eq!((vital.metric, vital.prev_value, began), (Metric::Cls, Some(0.25), NOW.epoch_of(40.0)));
        assert!(vital.attribution.is_empty());
    }

    #[test]
    fn addresses_of_an_attribution_lose_their_query_and_fit() {
        let long = "c".repeat(400);
        let texts = ["ab", "navigate", &long, "https://x.example/a.png?token=1"];
        let (vital, _) = vital_in(read(Kind::Vital, &[1.0, 900.5, ABSENT, 0.0], &texts));
        assert_eq!(vital.attribution.texts.get("url").map(String::as_str), Some("https://x.example/a.png"));
        assert_eq!(vital.attribution.texts.get("target").map(String::len), Some(256));
    }

    #[test]
    fn moments_and_outcomes_are_read() {
        assert_eq!(read(Kind::Hidden, &[], &[]), Some(Signal::Hidden));
        assert_eq!(read(Kind::Consent, &[1.0], &[]), Some(Signal::Consent(Consent::Pending)));
        assert_eq!(read(Kind::Scrolled, &[0.5], &[]), Some(Signal::Scrolled(0.5)));
        let settled = Signal::Settled(4, Outcome { status: 503, retry_after: 20.0 });
        assert_eq!(read(Kind::Settled, &[4.0, 503.0, 20.0], &[]), Some(settled));
    }

    #[test]
    fn the_landing_is_read() {
        let texts = ["https://x.example/", "", "00000000000000ab", "4g", "de", "reload"].join("\u{1f}");
        let timing: Vec<f64> = (1..=15).map(f64::from).collect();
        let landing =
            landing(&[&[1280.0, 720.0, 1.0, 2.0, 1.0, 2.0, 500.0, 0.0, 0.0, 1.0, 1.0], &timing[..]].concat(), &texts).unwrap();
        assert_eq!((landing.view, landing.view_sent, landing.lost), (Some(Id(0xab)), true, 2));
        assert_eq!((landing.navigation_type.as_str(), landing.state.was_discarded), ("reload", true));
        let context = Context {
            viewport_width_px: Some(1280),
            viewport_height_px: Some(720),
            connection: Some("4g".into()),
            language: Some("de".into()),
        };
        assert_eq!(serde_json::from_str::<Context>(&landing.context.to_text()).unwrap(), context);
        let timing = landing.state.navigation.unwrap();
        assert_eq!((timing.activation_start, timing.response_start, timing.load), (1.0, 9.0, 15.0));
    }

    #[test]
    fn a_page_without_a_navigation_entry_has_no_timing() {
        let landing =
            landing(&[1.0, 1.0, 0.0, 0.0, 1.0, 2.0, 500.0, 0.0, 0.0, 0.0], "https://x.example/\u{1f}\u{1f}\u{1f}").unwrap();
        assert_eq!((landing.state.navigation, landing.view), (None, None));
    }
}
