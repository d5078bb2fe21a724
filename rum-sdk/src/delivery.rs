//! What crosses from the loader to the core: numbers, and texts joined by U+001F, in the order each kind defines. An absent number
//! is not a number, an absent text is empty. `npm/src/run.ts` is the other side.

use rum_protocol::limits::{MAX_ATTRIBUTES, MAX_NAME_BYTES};
use rum_protocol::{Id, Metric};

use crate::collect::{CaughtError, attribute, caught, due, performed};
use crate::json::Object;
use crate::kind::Kind;
use crate::navigation::PageState;
use crate::outbox::Outcome;
use crate::text::{cut, find};
use crate::time::Time;
use crate::{Landing, Signal};

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
    let &[width, height, view_sent, lost, ref state @ ..] = numbers else { return None };
    let mut landing = Landing {
        href: texts.text(),
        referrer: texts.text(),
        view: Id::parse(texts.next()).ok(),
        view_sent: is_true(view_sent),
        lost: count(lost),
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

/// Reads one delivery, of something that happened at `at_ms` of the wall clock. `None` for what has nothing in it for the core, and for [`Kind::Click`], which comes as an element.
#[must_use]
pub fn signal(kind: Kind, numbers: &[f64], texts: &str, at_ms: u64, time: Time) -> Option<Signal> {
    let mut texts = Texts::of(texts, SEPARATOR);
    let first = numbers.first().copied().unwrap_or(f64::NAN);
    Some(match kind {
        Kind::Click => return None,
        Kind::Error => Signal::Failed(error(numbers, texts, at_ms)),
        Kind::Action => Signal::Performed(performed(texts.named()?, texts.next(), first, at_ms)),
        Kind::PageView => Signal::PageView { name: String::from(texts.named()?), href: texts.text() },
        Kind::Route => Signal::Route(texts.text()),
        Kind::Restore => Signal::Restored(texts.text()),
        Kind::Vital => return vital(numbers, texts, at_ms, time),
        Kind::Hidden => Signal::Hidden,
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
    Some(Signal::Vital(due(metric, [value, previous], numbers, texts, at_ms), began_ms))
}

fn error(numbers: &[f64], mut texts: Texts<'_>, at_ms: u64) -> Object {
    let mut error = CaughtError {
        source: match texts.next() {
            "api" => "api",
            "unhandled_rejection" => "unhandled_rejection",
            _ => "uncaught",
        },
        name: texts.next(),
        message: texts.next(),
        stack: texts.next(),
        file: texts.next(),
        line: 0,
        column: 0,
        attributes: Object::default(),
    };
    if let &[line, column] = numbers {
        error.line = count(line);
        error.column = count(column);
    }
    let mut room = MAX_ATTRIBUTES;
    while !texts.left.is_empty() && room > 0 {
        attribute(&mut error.attributes, texts.next(), texts.next());
        room -= 1;
    }
    caught(&error, at_ms)
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
    use rum_protocol::{Action, Context, ErrorEvent, ErrorSource, Event, Vital};

    const NOW: Time = Time { page_ms: 1000.0, epoch_ms: 1_700_000_001_000.0 };
    const ABSENT: f64 = f64::NAN;

    fn read(kind: Kind, numbers: &[f64], texts: &[&str]) -> Option<Signal> {
        signal(kind, numbers, &texts.join("\u{1f}"), 1077, NOW)
    }

    fn event_in(signal: Option<Signal>) -> Event {
        match signal {
            Some(Signal::Failed(event) | Signal::Performed(event) | Signal::Vital(event, _)) => {
                serde_json::from_str(&event.to_text()).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    fn error_in(signal: Option<Signal>) -> ErrorEvent {
        match event_in(signal) {
            Event::Error(error) => error,
            other => panic!("{other:?}"),
        }
    }

    /// The vital, and when its visit began.
    fn vital_in(signal: Option<Signal>) -> (Vital, u64) {
        let began_ms = if let Some(Signal::Vital(_, began_ms)) = &signal { *began_ms } else { panic!("no vital") };
        match event_in(signal) {
            Event::Vital(vital) => (vital, began_ms),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_is_read_with_its_attributes() {
        let texts = ["unhandled_rejection", "TypeError", "m", "", "f.js", "cart", "", "user", "7"];
        let event = error_in(read(Kind::Error, &[3.0, ABSENT], &texts));
        assert_eq!(event.at_ms, 1077);
        assert_eq!((event.source, event.name.as_deref()), (ErrorSource::UnhandledRejection, Some("TypeError")));
        assert_eq!((event.message.as_str(), event.stack, event.file.as_deref()), ("m", None, Some("f.js")));
        assert_eq!((event.line, event.column), (Some(3), None));
        let attributes: Vec<_> = event.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(attributes, [("cart", ""), ("user", "7")]);
    }

    #[test]
    fn an_error_has_at_most_32_attributes() {
        let texts = ["api", "", "m", "", ""].into_iter().chain(["a", "b"].into_iter().cycle().take(200));
        let names: Vec<_> =
            texts.enumerate().map(|(index, text)| if index < 5 { text.to_owned() } else { index.to_string() }).collect();
        let Some(Signal::Failed(event)) = signal(Kind::Error, &[], &names.join("\u{1f}"), 0, NOW) else { panic!("no error") };
        let event: serde_json::Value = serde_json::from_str(&event.to_text()).unwrap();
        assert_eq!(event["attributes"].as_object().map(serde_json::Map::len), Some(MAX_ATTRIBUTES));
    }

    #[test]
    fn actions_and_page_views_are_read() {
        let action = Action { at_ms: 1077, action: "buy".into(), ..Action::default() };
        assert_eq!(event_in(read(Kind::Action, &[ABSENT], &["buy", ""])), Event::Action(action.clone()));
        let action = Action { category: Some("shop".into()), value: Some(2.5), ..action };
        assert_eq!(event_in(read(Kind::Action, &[2.5], &["buy", "shop"])), Event::Action(action));
        let view = Signal::PageView { name: "home".into(), href: "https://x.example/".into() };
        assert_eq!(read(Kind::PageView, &[], &["home", "https://x.example/"]), Some(view));
    }

    #[test]
    fn what_has_no_name_is_nothing() {
        assert_eq!(read(Kind::Action, &[1.0], &["", "shop"]), None);
        assert_eq!(read(Kind::PageView, &[], &["", "https://x.example/"]), None);
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
        let settled = Signal::Settled(4, Outcome { status: 503, retry_after: 20.0 });
        assert_eq!(read(Kind::Settled, &[4.0, 503.0, 20.0], &[]), Some(settled));
    }

    #[test]
    fn the_landing_is_read() {
        let texts = ["https://x.example/", "", "00000000000000ab", "4g", "de", "reload"].join("\u{1f}");
        let timing: Vec<f64> = (1..=15).map(f64::from).collect();
        let landing = landing(&[&[1280.0, 720.0, 1.0, 2.0, 500.0, 0.0, 0.0, 1.0, 1.0], &timing[..]].concat(), &texts).unwrap();
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
        let landing = landing(&[1.0, 1.0, 0.0, 0.0, 500.0, 0.0, 0.0, 0.0], "https://x.example/\u{1f}\u{1f}\u{1f}").unwrap();
        assert_eq!((landing.state.navigation, landing.view), (None, None));
    }
}
