use rum_protocol::limits::{
    MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTE_VALUE_BYTES, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_STACK_BYTES, MAX_URL_BYTES,
};

use super::event;
use crate::json::Object;
use crate::privacy::{strip_queries, strip_query};
use crate::text::cut;

/// An error as the page gave it. An absent text is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct CaughtError<'a> {
    /// Where it was caught, as the wire names it.
    pub source: &'static str,
    /// `error.name`.
    pub name: &'a str,
    /// `error.message`, or the text of what was thrown.
    pub message: &'a str,
    /// `error.stack`.
    pub stack: &'a str,
    /// The script's address.
    pub file: &'a str,
    /// One-based line; 0 when unknown.
    pub line: u32,
    /// One-based column; 0 when unknown.
    pub column: u32,
    /// The caller's context, see [`attribute`].
    pub attributes: Object,
}

/// Adds one attribute, its texts within their limits.
pub fn attribute(attributes: &mut Object, name: &str, value: &str) {
    attributes.text(cut(name, MAX_ATTRIBUTE_KEY_BYTES), cut(&strip_queries(value), MAX_ATTRIBUTE_VALUE_BYTES));
}

/// The event, caught at that time of the wall clock: every text within its limit, and no address with a query.
#[must_use]
pub fn caught(error: &CaughtError, at_ms: u64) -> Object {
    let mut event = event("error", at_ms);
    event.text("source", error.source);
    event.known("name", cut(error.name, MAX_NAME_BYTES));
    event.text("message", cut(&strip_queries(error.message), MAX_MESSAGE_BYTES));
    event.known("stack", cut(&strip_queries(error.stack), MAX_STACK_BYTES));
    event.known("file", cut(strip_query(error.file), MAX_URL_BYTES));
    for (name, place) in [("line", error.line), ("column", error.column)] {
        if place > 0 {
            event.whole(name, place.into());
        }
    }
    event.object("attributes", &error.attributes);
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use rum_protocol::{ErrorEvent, ErrorSource};

    fn error() -> CaughtError<'static> {
        CaughtError {
            source: "api",
            name: "TypeError",
            message: "x is not a function",
            stack: "",
            file: "",
            line: 0,
            column: 0,
            attributes: Object::default(),
        }
    }

    fn read(error: &CaughtError) -> ErrorEvent {
        serde_json::from_str(&caught(error, 5).to_text()).unwrap()
    }

    fn attributes(name: &str, value: &str) -> Object {
        let mut attributes = Object::default();
        attribute(&mut attributes, name, value);
        attributes
    }

    #[test]
    fn no_address_keeps_its_query() {
        let event = read(&CaughtError {
            message: "GET https://x.example/?token=1 failed",
            stack: "at f (https://x.example/a.js?token=1:2:3)",
            file: "https://x.example/a.js?token=1",
            attributes: attributes("next", "https://x.example/?token=1"),
            ..error()
        });
        assert!(!format!("{event:?}").contains("token"), "{event:?}");
        assert_eq!(event.stack.as_deref(), Some("at f (https://x.example/a.js:2:3)"));
    }

    #[test]
    fn texts_are_bounded() {
        let long = "ä".repeat(20_000);
        let attributes = attributes(&long, &long);
        let event = read(&CaughtError { name: &long, message: &long, stack: &long, file: &long, attributes, ..error() });
        assert_eq!(event.name.map(|text| text.len()), Some(MAX_NAME_BYTES));
        assert_eq!(event.message.len(), MAX_MESSAGE_BYTES);
        assert_eq!(event.stack.map(|text| text.len()), Some(MAX_STACK_BYTES));
        assert_eq!(event.file.map(|text| text.len()), Some(MAX_URL_BYTES));
        let lengths: Vec<_> = event.attributes.iter().map(|(name, value)| (name.len(), value.len())).collect();
        assert_eq!(lengths, [(MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTE_VALUE_BYTES)]);
    }

    #[test]
    fn what_a_browser_leaves_empty_is_absent() {
        let event = read(&error());
        assert_eq!((event.at_ms, event.source, event.name.as_deref()), (5, ErrorSource::Api, Some("TypeError")));
        assert_eq!((event.stack, event.file, event.line, event.column), (None, None, None, None));
        let event = read(&CaughtError { line: 3, column: 7, ..error() });
        assert_eq!((event.line, event.column), (Some(3), Some(7)));
    }
}
