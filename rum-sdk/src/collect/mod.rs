//! What is seen in the page, bounded and cleaned before it becomes an event.

mod record;
mod vital;

pub use record::Record;
pub(crate) use record::attributes;
pub(crate) use vital::due;

use crate::json::Object;

/// An event of that type at that time of the wall clock, to which its own members are added.
#[must_use]
pub fn event(kind: &str, at_ms: u64) -> Object {
    let mut event = Object::default();
    event.text("type", kind);
    event.whole("at_ms", at_ms);
    event
}
