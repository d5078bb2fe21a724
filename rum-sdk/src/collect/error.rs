use rum_protocol::limits::{
    MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTE_VALUE_BYTES, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_STACK_BYTES, MAX_URL_BYTES,
};
use rum_protocol::{Attributes, ErrorEvent, ErrorSource};

use crate::privacy::{strip_queries, strip_query};
use crate::text::{cut, cut_known};

/// An error as the page gave it. An absent text is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct CaughtError<'a> {
    /// Where it was caught.
    pub source: ErrorSource,
    /// `error.name`.
    pub name: &'a str,
    /// `error.message`, or the text of what was thrown.
    pub message: &'a str,
    /// `error.stack`.
    pub stack: &'a str,
    /// The script's address.
    pub file: &'a str,
    /// One-based line.
    pub line: Option<u32>,
    /// One-based column.
    pub column: Option<u32>,
    /// The caller's context, see [`attribute`].
    pub attributes: Attributes,
}

/// One attribute, its texts within their limits.
#[must_use]
pub fn attribute(name: &str, value: &str) -> (String, String) {
    (String::from(cut(name, MAX_ATTRIBUTE_KEY_BYTES)), String::from(cut(&strip_queries(value), MAX_ATTRIBUTE_VALUE_BYTES)))
}

/// The event, caught at that time of the wall clock: every text within its limit, and no address with a query.
#[must_use]
pub fn caught(error: CaughtError, at_ms: u64) -> ErrorEvent {
    ErrorEvent {
        at_ms,
        view: 0,
        source: error.source,
        name: cut_known(error.name, MAX_NAME_BYTES),
        message: String::from(cut(&strip_queries(error.message), MAX_MESSAGE_BYTES)),
        stack: cut_known(&strip_queries(error.stack), MAX_STACK_BYTES),
        file: cut_known(strip_query(error.file), MAX_URL_BYTES),
        line: error.line.filter(|&line| line > 0),
        column: error.column.filter(|&column| column > 0),
        attributes: error.attributes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: CaughtError = CaughtError {
        source: ErrorSource::Api,
        name: "TypeError",
        message: "x is not a function",
        stack: "",
        file: "",
        line: None,
        column: None,
        attributes: Attributes::new(),
    };

    #[test]
    fn no_address_keeps_its_query() {
        let event = caught(
            CaughtError {
                message: "GET https://x.example/?token=1 failed",
                stack: "at f (https://x.example/a.js?token=1:2:3)",
                file: "https://x.example/a.js?token=1",
                attributes: [attribute("next", "https://x.example/?token=1")].into(),
                ..ERROR
            },
            5,
        );
        assert!(!format!("{event:?}").contains("token"), "{event:?}");
        assert_eq!(event.stack.as_deref(), Some("at f (https://x.example/a.js:2:3)"));
    }

    #[test]
    fn texts_are_bounded() {
        let long = "ä".repeat(20_000);
        let event = caught(CaughtError { name: &long, message: &long, stack: &long, file: &long, ..ERROR }, 5);
        assert_eq!(event.name.map(|text| text.len()), Some(MAX_NAME_BYTES));
        assert_eq!(event.message.len(), MAX_MESSAGE_BYTES);
        assert_eq!(event.stack.map(|text| text.len()), Some(MAX_STACK_BYTES));
        assert_eq!(event.file.map(|text| text.len()), Some(MAX_URL_BYTES));
        let (name, value) = attribute(&long, &long);
        assert_eq!((name.len(), value.len()), (MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTE_VALUE_BYTES));
    }

    #[test]
    fn what_a_browser_leaves_empty_is_absent() {
        let event = caught(CaughtError { line: Some(0), column: Some(0), ..ERROR }, 5);
        assert_eq!((event.stack, event.file, event.line, event.column), (None, None, None, None));
    }
}
