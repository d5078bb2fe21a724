//! Runs wasm-bindgen over the linked module and writes what the npm package is made of.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use walrus::Module;
use wasm_bindgen_cli_support::Bindgen;

use super::{shorten, trim};

/// What wasm-bindgen calls the module that holds the glue.
pub(super) const GLUE: &str = "rum_sdk_bg.js";
const WASM: &str = "rum_sdk_bg.wasm";

/// Binds `linked` and writes `rum_sdk_bg.js`, `rum_sdk_bg.wasm`, `rum_sdk.d.ts` and the snippets into `out`, which is emptied first.
///
/// The imports are all from one module, whose name is this build's alone; a loader passes the glue's `imports` under that name
/// to `WebAssembly.instantiate`, then hands the exports to `__wbg_set_wasm`.
pub(crate) fn bind(mut linked: Module, out: &Path) -> Result<()> {
    // The prebuilt standard library records reference types, which this module does not use. With the record, wasm-bindgen looks
    // for a runtime that is not there.
    linked.customs.remove_raw("target_features");
    let mut bindgen = Bindgen::new();
    let mut output = bindgen
        .input_module("rum_sdk", linked)
        .bundler(true)?
        .remove_producers_section(true)
        .typescript(true)
        .generate_output()
        .context("wasm-bindgen refused the linked module")?;

    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    output.emit(out).with_context(|| format!("cannot write {}", out.display()))?;
    for unused in ["rum_sdk.js", "rum_sdk_bg.wasm.d.ts"] {
        fs::remove_file(out.join(unused))?;
    }

    let glue = trim::trim(&fs::read_to_string(out.join(GLUE))?)?;
    let module = output.wasm_mut();
    fs::write(out.join(GLUE), shorten::shorten(module, &glue)?)?;
    fs::write(out.join(WASM), module.emit_wasm())?;
    Ok(())
}
