//! Writes JSON from serde, without `core::fmt`: the float formatting of the standard library alone would double the module.

mod number;
mod writer;

pub use number::push_number;
pub use writer::{Raw, write};
