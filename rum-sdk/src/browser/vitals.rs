//! The arithmetic of the vitals, for the loader's `npm/src/vitals/`. Both modules have it.

use std::cell::RefCell;

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Node;

use super::element::Dom;
use crate::arithmetic::{Arithmetic, Operation};
use crate::collect::selector;

thread_local! {
    static ARITHMETIC: RefCell<Arithmetic> = const { RefCell::new(Arithmetic::new()) };
}

/// See [`Operation`]. Nothing comes of an operation that does not exist.
#[wasm_bindgen]
pub fn compute(operation: u32, watch: u32, numbers: &[f64]) -> Vec<f64> {
    let Some(operation) = Operation::of(operation) else { return Vec::new() };
    let compute = |arithmetic: &RefCell<Arithmetic>| {
        arithmetic.try_borrow_mut().map(|mut arithmetic| arithmetic.compute(operation, watch, numbers)).unwrap_or_default()
    };
    ARITHMETIC.try_with(compute).unwrap_or_default()
}

/// A selector of a node, see [`selector`].
#[wasm_bindgen]
pub fn name(node: &JsValue) -> String {
    selector(Dom(node.unchecked_ref::<Node>().clone()))
}
