use rum_protocol::limits::MAX_NAME_BYTES;

use super::{Element, event, label, selector};
use crate::json::Object;
use crate::text::cut;

/// A click of the user, at that time of the wall clock. To be read at once: the click may remove the element.
#[must_use]
pub fn clicked<N: Element>(element: N, at_ms: u64) -> Object {
    let mut action = performed("click", "auto", f64::NAN, at_ms);
    if let Some(label) = label(element.clone()) {
        action.text("label", &label);
    }
    action.known("target", cut(&selector(element), MAX_NAME_BYTES));
    action
}

/// What `trackUserAction` was told at that time of the wall clock. No category is an empty one, no value is not a number.
#[must_use]
pub fn performed(name: &str, category: &str, value: f64, at_ms: u64) -> Object {
    let mut action = event("action", at_ms);
    action.text("action", cut(name, MAX_NAME_BYTES));
    action.known("category", cut(category, MAX_NAME_BYTES));
    action.number("value", value);
    action
}

#[cfg(test)]
mod tests {
    use super::*;
    use rum_protocol::Action;

    #[test]
    fn names_are_bounded_and_numbers_finite() {
        let long = "x".repeat(300);
        let action: Action = serde_json::from_str(&performed(&long, &long, f64::INFINITY, 7).to_text()).unwrap();
        assert_eq!(action.at_ms, 7);
        assert_eq!((action.action.len(), action.category.map(|text| text.len()), action.value), (256, Some(256), None));
    }
}
