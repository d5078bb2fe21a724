//! The shell around the core: the only part that knows the browser.

use std::cell::RefCell;

use gloo_timers::callback::Timeout;
use talc::wasm::{WasmBinning, WasmGrowAndClaim};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: talc::cell::TalcSyncCell<WasmGrowAndClaim, WasmBinning> = talc::cell::TalcSyncCell::new_wasm(WasmGrowAndClaim);

#[wasm_bindgen]
extern "C" {
    /// What the loader hands over.
    pub type Page;

    #[wasm_bindgen(method)]
    fn post(this: &Page, number: u32, body: &str) -> bool;
}

thread_local! {
    static AGENT: RefCell<Option<(Page, Option<Timeout>)>> = const { RefCell::new(None) };
}

/// Starts the core.
#[wasm_bindgen]
pub fn start(_options: &JsValue, page: Page) -> bool {
    AGENT.with(|agent| match agent.try_borrow_mut() {
        Ok(mut agent) => {
            *agent = Some((page, None));
            true
        }
        Err(_) => false,
    })
}

/// Takes one signal from the page.
#[wasm_bindgen]
pub fn receive(kind: u32, payload: &JsValue, at: f64) -> bool {
    AGENT.with(|agent| {
        let Ok(mut agent) = agent.try_borrow_mut() else { return false };
        let Some((page, timeout)) = agent.as_mut() else { return false };
        *timeout = Some(Timeout::new(at as u32, || ()));
        page.post(kind, &payload.as_string().unwrap_or_default())
    })
}
