//! What is seen in the page, bounded and cleaned before it becomes an event.

mod action;
mod error;
mod selector;
mod vital;

pub use action::{clicked, performed};
pub use error::{CaughtError, attribute, caught};
pub use selector::{Element, label, selector};
pub(crate) use vital::due;
