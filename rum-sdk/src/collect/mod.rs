//! What is seen in the page besides its vitals, bounded and cleaned before it becomes an event.

mod action;
mod error;
mod selector;

pub use action::{clicked, performed};
pub use error::{CaughtError, attribute, caught};
pub use selector::{Element, label, selector};
