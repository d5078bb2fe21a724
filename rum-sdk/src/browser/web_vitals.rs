//! The drop-in's way in: the loader is `npm/src/web-vitals/vitals.ts`.

use wasm_bindgen::prelude::wasm_bindgen;

/// Tells `instance` something that happened.
#[wasm_bindgen]
pub fn tell(instance: u32, kind: u32, numbers: &[f64]) -> bool {
    instance + kind == 0 && numbers.is_empty()
}
