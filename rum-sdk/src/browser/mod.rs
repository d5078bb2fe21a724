//! The browser's shell: reads what the loader delivers, and lends the core the browser's abilities. It decides nothing.
//!
//! There are two modules to make of this crate: the agent, and the drop-in for npm `web-vitals`, which is its arithmetic alone. Their
//! loaders in `npm/src/` own the listeners and observers, because they must not throw into the page. Numbers and texts cross over in
//! one list each: a getter for every property would be most of the module.

#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "agent")]
mod options;
#[cfg(feature = "agent")]
mod page;
pub mod vitals;

use talc::cell::TalcSyncCell;
use talc::wasm::{WasmBinning, WasmGrowAndClaim};

/// A quarter of the bytes of the standard allocator. Always taking new memory, instead of extending what there is, saves more.
#[global_allocator]
static ALLOCATOR: TalcSyncCell<WasmGrowAndClaim, WasmBinning> = TalcSyncCell::new_wasm(WasmGrowAndClaim);
