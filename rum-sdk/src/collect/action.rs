use rum_protocol::Action;
use rum_protocol::limits::MAX_NAME_BYTES;

use super::{Element, label, selector};
use crate::text::{cut, cut_known};

/// A click of the user, at that time of the wall clock. To be read at once: the click may remove the element.
#[must_use]
pub fn clicked<N: Element>(element: N, at_ms: u64) -> Action {
    Action {
        at_ms,
        action: String::from("click"),
        category: Some(String::from("auto")),
        label: label(element.clone()),
        target: cut_known(&selector(element), MAX_NAME_BYTES),
        ..Action::default()
    }
}

/// What `trackUserAction` was told at that time of the wall clock. No category is an empty one.
#[must_use]
pub fn performed(action: &str, category: &str, value: Option<f64>, at_ms: u64) -> Action {
    Action {
        at_ms,
        action: String::from(cut(action, MAX_NAME_BYTES)),
        category: cut_known(category, MAX_NAME_BYTES),
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
        let action = performed(&long, &long, Some(f64::INFINITY), 7);
        assert_eq!((action.action.len(), action.category.map(|text| text.len()), action.value), (256, Some(256), None));
    }
}
