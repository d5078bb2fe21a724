use rum_protocol::limits::{
    MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTE_VALUE_BYTES, MAX_ATTRIBUTES, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_STACK_BYTES,
    MAX_URL_BYTES,
};
use rum_protocol::{ErrorEvent, ErrorSource};

use crate::privacy::{strip_queries, strip_query};
use crate::text::{bounded, cut};

/// An error as the page gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct CaughtError {
    /// Where it was caught.
    pub source: ErrorSource,
    /// `error.name`.
    pub name: Option<String>,
    /// `error.message`, or the text of what was thrown.
    pub message: String,
    /// `error.stack`.
    pub stack: Option<String>,
    /// The script's address.
    pub file: Option<String>,
    /// One-based line.
    pub line: Option<u32>,
    /// One-based column.
    pub column: Option<u32>,
    /// The caller's context.
    pub attributes: Vec<(String, String)>,
}

/// The event: every text within its limit, and no address with a query.
#[must_use]
pub fn caught(error: CaughtError, at_ms: u64) -> ErrorEvent {
    let attributes = error.attributes.into_iter().take(MAX_ATTRIBUTES);
    ErrorEvent {
        at_ms,
        view: 0,
        source: error.source,
        name: error.name.map(|name| bounded(name, MAX_NAME_BYTES)),
        message: bounded(strip_queries(&error.message), MAX_MESSAGE_BYTES),
        stack: error.stack.map(|stack| bounded(strip_queries(&stack), MAX_STACK_BYTES)),
        file: error.file.filter(|file| !file.is_empty()).map(|file| String::from(cut(strip_query(&file), MAX_URL_BYTES))),
        line: error.line.filter(|&line| line > 0),
        column: error.column.filter(|&column| column > 0),
        attributes: attributes
            .map(|(key, value)| (bounded(key, MAX_ATTRIBUTE_KEY_BYTES), bounded(strip_queries(&value), MAX_ATTRIBUTE_VALUE_BYTES)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> CaughtError {
        CaughtError {
            source: ErrorSource::Api,
            name: Some("TypeError".into()),
            message: "x is not a function".into(),
            stack: None,
            file: None,
            line: None,
            column: None,
            attributes: vec![],
        }
    }

    #[test]
    fn no_address_keeps_its_query() {
        let event = caught(
            CaughtError {
                message: "GET https://x.example/?token=1 failed".into(),
                stack: Some("at f (https://x.example/a.js?token=1:2:3)".into()),
                file: Some("https://x.example/a.js?token=1".into()),
                attributes: vec![("next".into(), "https://x.example/?token=1".into())],
                ..error()
            },
            5,
        );
        assert!(!format!("{event:?}").contains("token"), "{event:?}");
        assert_eq!(event.stack.as_deref(), Some("at f (https://x.example/a.js:2:3)"));
    }

    #[test]
    fn texts_and_attributes_are_bounded() {
        let long = "ä".repeat(20_000);
        let event = caught(
            CaughtError {
                name: Some(long.clone()),
                message: long.clone(),
                stack: Some(long.clone()),
                file: Some(long.clone()),
                attributes: (0..100).map(|index| (format!("{index:03}{long}"), long.clone())).collect(),
                ..error()
            },
            5,
        );
        assert_eq!(event.name.map(|text| text.len()), Some(MAX_NAME_BYTES));
        assert_eq!(event.message.len(), MAX_MESSAGE_BYTES);
        assert_eq!(event.stack.map(|text| text.len()), Some(MAX_STACK_BYTES));
        assert_eq!(event.file.map(|text| text.len()), Some(MAX_URL_BYTES));
        assert_eq!(event.attributes.len(), MAX_ATTRIBUTES);
        assert!(
            event
                .attributes
                .iter()
                .all(|(key, value)| key.len() <= MAX_ATTRIBUTE_KEY_BYTES && value.len() <= MAX_ATTRIBUTE_VALUE_BYTES)
        );
    }

    #[test]
    fn what_a_browser_leaves_empty_is_absent() {
        let event = caught(CaughtError { file: Some(String::new()), line: Some(0), column: Some(0), ..error() }, 5);
        assert_eq!((event.file, event.line, event.column), (None, None, None));
    }
}
