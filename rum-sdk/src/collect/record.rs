use rum_protocol::limits::{
    MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTE_VALUE_BYTES, MAX_ATTRIBUTES, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_STACK_BYTES,
    MAX_URL_BYTES,
};

use crate::delivery::Texts;
use crate::json::Object;
use crate::privacy::{strip_queries, strip_query};
use crate::text::cut;

/// What the loader recorded: an error, an action, a request, a measure or the like. The monitor makes an event of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The event's type, see [`rum_protocol::Event`].
    pub kind: String,
    /// The event's fields, within their limits and without queries, except when and in which view it happened.
    pub fields: Object,
    /// What later errors tell of it, if anything: the breadcrumb's kind and text.
    pub crumb: Option<[String; 2]>,
}

impl Record {
    /// Reads what the loader delivers: the type, the breadcrumb's kind and text, the names of the numbers and those of the texts,
    /// each joined by commas, then the texts, then names and values of own attributes. Absent without a type.
    pub(crate) fn read(numbers: &[f64], mut texts: Texts<'_>) -> Option<Self> {
        let kind = String::from(texts.named()?);
        let [crumb_kind, crumb_text] = [texts.next(), texts.next()];
        let crumb = !crumb_kind.is_empty();
        let crumb = crumb.then(|| [String::from(crumb_kind), String::from(cut(&strip_queries(crumb_text), MAX_NAME_BYTES))]);
        let names = [texts.next(), texts.next()];
        let mut fields = Object::default();
        describe(&mut fields, names, numbers, &mut texts);
        fields.object("attributes", &attributes(texts));
        Some(Self { kind, fields, crumb })
    }
}

/// Adds numbers and texts under their names, which are joined by commas. What is not finite or empty is absent, except a message,
/// which every error has.
pub(super) fn describe(object: &mut Object, [numbers_are, texts_are]: [&str; 2], numbers: &[f64], texts: &mut Texts<'_>) {
    let mut names = Texts::of(numbers_are, b',');
    for &number in numbers {
        if let Some(name) = names.named() {
            object.number(name, number);
        }
    }
    let mut names = Texts::of(texts_are, b',');
    while let Some(name) = names.named() {
        let text = texts.next();
        let (text, most_bytes) = match name {
            "message" => (strip_queries(text), MAX_MESSAGE_BYTES),
            "stack" => (strip_queries(text), MAX_STACK_BYTES),
            _ if name.ends_with("url") || name.ends_with("invoker") || name == "file" => {
                (String::from(strip_query(text)), MAX_URL_BYTES)
            }
            _ => (strip_queries(text), MAX_NAME_BYTES),
        };
        let text = cut(&text, most_bytes);
        if name == "message" {
            object.text(name, text);
        } else {
            object.known(name, text);
        }
    }
}

/// Own attributes: names and values, as many as may be.
pub(crate) fn attributes(mut texts: Texts<'_>) -> Object {
    let mut attributes = Object::default();
    let mut room = MAX_ATTRIBUTES;
    while let Some(name) = texts.named().filter(|_| room > 0) {
        attributes.text(cut(name, MAX_ATTRIBUTE_KEY_BYTES), cut(&strip_queries(texts.next()), MAX_ATTRIBUTE_VALUE_BYTES));
        room -= 1;
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;
    use rum_protocol::{ErrorEvent, ErrorSource, Event};

    fn read(numbers: &[f64], texts: &[&str]) -> Option<Record> {
        Record::read(numbers, Texts::of(&texts.join("\u{1f}"), 0x1f))
    }

    const ERROR: [&str; 5] = ["error", "", "", "line,column", "source,name,message,stack,file"];

    fn error(numbers: &[f64], texts: &[&str]) -> ErrorEvent {
        let record = read(numbers, &[&ERROR, texts].concat()).unwrap();
        assert_eq!(record.kind, "error");
        let mut event = crate::collect::event("error", 5);
        event.join(&record.fields);
        match serde_json::from_str(&event.to_text()).unwrap() {
            Event::Error(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_and_texts_get_their_names() {
        let error =
            error(&[3.0, f64::NAN], &["api", "TypeError", "x is none", "", "https://x.example/a.js", "plan", "pro", "n", "1"]);
        assert_eq!((error.at_ms, error.source, error.name.as_deref()), (5, ErrorSource::Api, Some("TypeError")));
        assert_eq!((error.message.as_str(), error.stack, error.line, error.column), ("x is none", None, Some(3), None));
        let attributes: Vec<_> = error.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(attributes, [("n", "1"), ("plan", "pro")]);
    }

    #[test]
    fn addresses_lose_their_queries_wherever_they_are() {
        let texts = [
            "api",
            "GET https://x.example/?token=1",
            "https://x.example/?token=1 failed",
            "at f (https://x.example/a.js?token=1:2:3)",
            "/a.js?token=1",
            "next",
            "https://x.example/?token=1",
        ];
        let error = error(&[], &texts);
        assert!(!format!("{error:?}").contains("token"), "{error:?}");
        assert_eq!((error.stack.as_deref(), error.file.as_deref()), (Some("at f (https://x.example/a.js:2:3)"), Some("/a.js")));
    }

    #[test]
    fn texts_and_attributes_are_bounded() {
        let long = "ä".repeat(20_000);
        let mut texts = vec!["api", &long, &long, &long, &long];
        texts.extend([long.as_str(), &long].repeat(40));
        let error = error(&[], &texts);
        let lengths = [error.name.unwrap().len(), error.message.len(), error.stack.unwrap().len(), error.file.unwrap().len()];
        assert_eq!(lengths, [MAX_NAME_BYTES, MAX_MESSAGE_BYTES, MAX_STACK_BYTES, MAX_URL_BYTES]);
        let (name, value) = error.attributes.iter().next().unwrap();
        assert_eq!((name.len(), value.len()), (MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTE_VALUE_BYTES));
    }

    #[test]
    fn a_message_may_be_empty_but_is_there() {
        assert_eq!(error(&[], &["api", "", "", "", ""]).message, "");
    }

    #[test]
    fn a_breadcrumb_comes_along() {
        let record = read(&[], &["action", "click", "open https://x.example/?token=1", "", "action", "click"]).unwrap();
        assert_eq!(record.crumb, Some(["click".into(), "open https://x.example/".into()]));
        assert_eq!(read(&[], &["action", "", "ignored", "", "action", "click"]).unwrap().crumb, None);
    }

    #[test]
    fn what_has_no_type_is_nothing() {
        assert_eq!(read(&[1.0], &[""]), None);
    }
}
