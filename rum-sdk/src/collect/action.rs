use rum_protocol::Action;
use rum_protocol::limits::MAX_NAME_BYTES;

use super::{Element, label, selector};
use crate::text::bounded;

/// What is kept of an element that was clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clicked {
    selector: String,
    label: Option<String>,
}

impl Clicked {
    /// Looks at the element. To be done at once: the click may remove it.
    #[must_use]
    pub fn element<N: Element>(element: N) -> Self {
        Self { label: label(element.clone()), selector: selector(element) }
    }
}

/// A click of the user.
#[must_use]
pub fn clicked(click: Clicked, at_ms: u64) -> Action {
    Action {
        at_ms,
        action: "click".into(),
        category: Some("auto".into()),
        target: Some(bounded(click.selector, MAX_NAME_BYTES)),
        label: click.label,
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
