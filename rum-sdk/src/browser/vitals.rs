//! The arithmetic of the vitals, for the loader's `npm/src/vitals/`. Both modules have it.

use std::cell::RefCell;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::arithmetic::{Arithmetic, Operation};

thread_local! {
    static ARITHMETIC: RefCell<Arithmetic> = const { RefCell::new(Arithmetic::new()) };
}

#[wasm_bindgen]
extern "C" {
    /// The loader's list that an answer is put into: cheaper than to return one.
    pub type Answer;

    #[wasm_bindgen(method, js_name = push)]
    fn number(this: &Answer, number: f64);
}

/// See [`Operation`]. Nothing comes of an operation that does not exist.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "in the glue, to lend costs more than to give")]
pub fn compute(operation: u32, watch: u32, numbers: &[f64], answer: Answer) {
    let Some(operation) = Operation::of(operation) else { return };
    let _ = ARITHMETIC.try_with(|arithmetic| {
        if let Ok(mut arithmetic) = arithmetic.try_borrow_mut() {
            arithmetic.compute(operation, watch, numbers, |number| answer.number(number));
        }
    });
}
