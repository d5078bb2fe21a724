use rum_protocol::Action;
use rum_protocol::limits::MAX_NAME_BYTES;

use super::{Element, label, selector};
use crate::text::bounded;

/// A click of the user on an element.
#[must_use]
pub fn clicked<N: Element>(element: N, at_ms: u64) -> Action {
    Action {
        at_ms,
        action: "click".into(),
        category: Some("auto".into()),
        label: label(element.clone()),
        target: Some(bounded(selector(element), MAX_NAME_BYTES)),
        ..Action::default()
    }
}

/// What `trackUserAction` was told.
#[must_use]
pub fn performed(action: String, category: Option<String>, value: Option<f64>, at_ms: u64) -> Action {
    Action {
        at_ms,
        action: bounded(action, MAX_NAME_BYTES),
        category: category.map(|category| bounded(category, MAX_NAME_BYTES)),
        value: value.filter(|value| value.is_finite()),
        ..Action::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_numbers_finite() {
        let long = "x".repeat(300);
        let action = performed(long.clone(), Some(long), Some(f64::NAN), 7);
        assert_eq!((action.action.len(), action.category.map(|text| text.len()), action.value), (256, Some(256), None));
    }
}
