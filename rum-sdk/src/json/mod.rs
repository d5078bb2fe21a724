//! Writes JSON without `core::fmt`: the float formatting of the standard library alone would double the module.

mod number;
mod object;

pub use number::push_number;
pub use object::Object;
