//! What crosses from the loader to the core: numbers, and texts joined by U+001F, in the order each kind defines. An absent number
//! is not a number, an absent text is empty. `npm/src/run.ts` is the other side.

use rum_protocol::limits::{MAX_ATTRIBUTES, MAX_NAME_BYTES};
use rum_protocol::{Attributes, Context, ErrorEvent, ErrorSource, Event, Id, Metric};

use crate::collect::{CaughtError, attribute, caught, due, performed};
use crate::kind::Kind;
use crate::navigation::PageState;
use crate::outbox::Outcome;
use crate::text::{cut_known, find};
use crate::time::Time;
use crate::{Landing, Signal};

/// Between two texts (ASCII unit separator).
const SEPARATOR: u8 = 0x1f;

/// The texts, one after the other.
pub(crate) struct Texts<'a>(pub(crate) &'a str);

impl<'a> Texts<'a> {
    /// The next one; empty when there is none left.
    pub(crate) fn next(&mut self) -> &'a str {
        let all = self.0;
        let end = find(all, SEPARATOR).unwrap_or(all.len());
        self.0 = all.get(end + 1..).unwrap_or_default();
        all.get(..end).unwrap_or_default()
    }

    /// The next one, which must not be empty.
    fn named(&mut self) -> Option<&'a str> {
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
    let mut texts = Texts(texts);
    let &[width, height, view_sent, lost, ref state @ ..] = numbers else { return None };
    Some(Landing {
        href: texts.text(),
        referrer: texts.text(),
        view: Id::parse(texts.next()).ok(),
        view_sent: is_true(view_sent),
        lost: count(lost),
        navigation_type: texts.text(),
        state: PageState::from_numbers(state),
        context: Context {
            connection: cut_known(texts.next(), MAX_NAME_BYTES),
            language: cut_known(texts.next(), MAX_NAME_BYTES),
            viewport_width_px: Some(count(width)),
            viewport_height_px: Some(count(height)),
        },
    })
}

/// Reads one delivery, of something that happened at `at_ms` of the wall clock. `None` for what has nothing in it for the core, and for [`Kind::Click`], which comes as an element.
#[must_use]
pub fn signal(kind: Kind, numbers: &[f64], texts: &str, at_ms: u64, time: Time) -> Option<Signal> {
    let mut texts = Texts(texts);
    let first = numbers.first().copied().and_then(known);
    Some(match kind {
        Kind::Click => return None,
        Kind::Error => Signal::Happened(Box::new(Event::Error(error(numbers, texts, at_ms)))),
        Kind::Action => {
            let action = performed(texts.named()?, texts.next(), first, at_ms);
            Signal::Happened(Box::new(Event::Action(action)))
        }
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
    Some(Signal::Vital(Box::new(due(metric, [value, previous], numbers, texts, at_ms)), began_ms))
}

fn error(numbers: &[f64], mut texts: Texts<'_>, at_ms: u64) -> ErrorEvent {
    let mut error = CaughtError {
        source: match texts.next() {
            "api" => ErrorSource::Api,
            "unhandled_rejection" => ErrorSource::UnhandledRejection,
            _ => ErrorSource::Uncaught,
        },
        name: texts.next(),
        message: texts.next(),
        stack: texts.next(),
        file: texts.next(),
        line: None,
        column: None,
        attributes: Attributes::default(),
    };
    if let &[line, column] = numbers {
        error.line = known(line).map(count);
        error.column = known(column).map(count);
    }
    let mut room = MAX_ATTRIBUTES;
    while !texts.0.is_empty() && room > 0 {
        error.attributes.extend(Some(attribute(texts.next(), texts.next())));
        room -= 1;
    }
    caught(error, at_ms)
}

fn is_true(number: f64) -> bool {
    number > 0.0
}

fn known(number: f64) -> Option<f64> {
    (!number.is_nan()).then_some(number)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, which is what is wanted")]
const fn count(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use rum_protocol::{Action, Context};

    const ABSENT: f64 = f64::NAN;

    fn read(kind: Kind, numbers: &[f64], texts: &[&str]) -> Option<Signal> {
        signal(kind, numbers, &texts.join("\u{1f}"), 77.0, 1077)
    }

    fn error_in(signal: Option<Signal>) -> ErrorEvent {
        match signal {
            Some(Signal::Happened(event)) => match *event {
                Event::Error(error) => error,
                other => panic!("{other:?}"),
            },
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
        let event = error_in(signal(Kind::Error, &[], &names.join("\u{1f}"), 0.0, 0));
        assert_eq!(event.attributes.len(), MAX_ATTRIBUTES);
    }

    #[test]
    fn actions_and_page_views_are_read() {
        let action = Action { at_ms: 1077, action: "buy".into(), ..Action::default() };
        let happened = |action| Some(Signal::Happened(Box::new(Event::Action(action))));
        assert_eq!(read(Kind::Action, &[ABSENT], &["buy", ""]), happened(action.clone()));
        let action = Action { category: Some("shop".into()), value: Some(2.5), ..action };
        assert_eq!(read(Kind::Action, &[2.5], &["buy", "shop"]), happened(action));
        let view = Signal::PageView { name: "home".into(), href: "https://x.example/".into() };
        assert_eq!(read(Kind::PageView, &[], &["home", "https://x.example/"]), Some(view));
    }

    #[test]
    fn what_has_no_name_is_nothing() {
        assert_eq!(read(Kind::Action, &[1.0], &["", "shop"]), None);
        assert_eq!(read(Kind::PageView, &[], &["", "https://x.example/"]), None);
    }

    #[test]
    fn entries_are_read_one_after_the_other() {
        let shift = |start, had_recent_input| LayoutShift { start, value: 0.5, had_recent_input, entry: () };
        let expected = Signal::LayoutShift(vec![shift(1.0, false), shift(2.0, true)]);
        assert_eq!(read(Kind::LayoutShift, &[1.0, 0.5, 0.0, 2.0, 0.5, 1.0], &[]), Some(expected));
        let event = |start, interaction_id, is_first_input| EventTiming {
            start,
            duration: 80.0,
            processing_start: start + 1.0,
            processing_end: start + 2.0,
            interaction_id,
            is_first_input,
            entry: (),
        };
        let numbers = [5.0, 80.0, 6.0, 7.0, 7.0, 9.0, 80.0, 10.0, 11.0, ABSENT];
        let expected = Signal::Interactions(vec![event(5.0, 7.0, false), event(9.0, 0.0, false)]);
        assert_eq!(read(Kind::Interactions, &numbers, &[]), Some(expected));
        assert_eq!(read(Kind::FirstInput, &numbers, &[]), Some(Signal::FirstInput(event(5.0, 7.0, true))));
        assert_eq!(read(Kind::Paint, &[], &[]), None);
        assert_eq!(read(Kind::Paint, &[3.5], &[]), Some(Signal::FirstContentfulPaint(3.5)));
    }

    #[test]
    fn moments_and_outcomes_are_read() {
        assert_eq!(read(Kind::HiddenSince, &[], &[]), Some(Signal::HiddenSince(77.0)));
        assert_eq!(read(Kind::Hidden, &[ABSENT], &[]), Some(Signal::Hidden { interaction_count: None }));
        assert_eq!(read(Kind::Hidden, &[12.0], &[]), Some(Signal::Hidden { interaction_count: Some(12.0) }));
        let settled = Signal::Settled(4, Outcome { status: 503, retry_after: 20.0 });
        assert_eq!(read(Kind::Settled, &[4.0, 503.0, 20.0], &[]), Some(settled));
    }

    #[test]
    fn the_landing_is_read() {
        let texts = ["https://x.example/", "", "00000000000000ab", "reload", "4g", "de"].join("\u{1f}");
        let numbers: Vec<f64> = (1..=15).map(f64::from).collect();
        let landing = landing(&[&[1280.0, 720.0, 1.0, 0.0, f64::INFINITY, ABSENT, 2.0], &numbers[..]].concat(), &texts);
        assert_eq!((landing.view, landing.view_sent, landing.was_discarded, landing.lost), (Some(Id(0xab)), true, false, 2));
        assert_eq!((landing.hidden_entry, landing.hidden_seen), (None, f64::INFINITY));
        let context = Context {
            viewport_width_px: Some(1280),
            viewport_height_px: Some(720),
            connection: Some("4g".into()),
            language: Some("de".into()),
        };
        assert_eq!(landing.context, context);
        let timing = landing.navigation.unwrap();
        assert_eq!((timing.kind.as_str(), timing.activation_start, timing.response_start, timing.load), ("reload", 1.0, 9.0, 15.0));
    }

    #[test]
    fn a_page_without_a_navigation_entry_has_no_timing() {
        let landing = landing(&[1.0, 1.0, 0.0, 0.0, 5.0, 4.0, 0.0], "https://x.example/\u{1f}\u{1f}\u{1f}");
        assert_eq!(landing.navigation, None);
        assert_eq!((landing.view, landing.hidden_entry, landing.hidden_seen), (None, Some(4.0), 5.0));
    }
}
