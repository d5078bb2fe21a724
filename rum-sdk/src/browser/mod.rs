//! The browser's shell: reads what the loader delivers, and lends the core the browser's abilities. It decides nothing.
//!
//! The loader is `npm/src/run.ts`. It owns the listeners and observers, because they must not throw into the page, and calls
//! [`start`] once, then [`receive`] for everything that happens. Whatever may run the page's own code, such as a getter, is read
//! before the core is touched: an exception then costs only what it was about.

mod decode;
mod element;
mod options;
mod page;

use std::cell::RefCell;

use talc::cell::TalcSyncCell;
use talc::wasm::{WasmBinning, WasmGrowAndClaim};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::kind::Kind;
use crate::time::Time;
use crate::{Monitor, Signal};
use page::{Browser, Page};

/// A quarter of the bytes of the standard allocator. Always taking new memory, instead of extending what there is, saves more.
#[global_allocator]
static ALLOCATOR: TalcSyncCell<WasmGrowAndClaim, WasmBinning> = TalcSyncCell::new_wasm(WasmGrowAndClaim);

struct Agent {
    monitor: Monitor,
    browser: Browser,
}

thread_local! {
    static AGENT: RefCell<Option<Agent>> = const { RefCell::new(None) };
}

/// Starts the core with the options of `init`. `now` and `epoch` are the page's and the user's clock, milliseconds.
#[wasm_bindgen]
pub fn start(options: &JsValue, page: Page, now: f64, epoch: f64) {
    let config = options::read(options);
    let landing = decode::landing(&page);
    let mut browser = Browser::new(page, now);
    let monitor = Monitor::start(config, landing, Time { page_ms: now, epoch_ms: epoch }, &mut browser);
    AGENT.with(|agent| {
        if let Ok(mut agent) = agent.try_borrow_mut() {
            *agent = Some(Agent { monitor, browser });
        }
    });
}

/// Takes what happened at `at`. `false` when the core cannot go on: it was never started, or was left in the middle by an exception.
#[wasm_bindgen]
pub fn receive(kind: u32, payload: &JsValue, at: f64, now: f64, epoch: f64) -> bool {
    let signal: Option<Signal> = Kind::of(kind).and_then(|kind| decode::signal(kind, payload, at));
    AGENT.with(|agent| {
        let Ok(mut agent) = agent.try_borrow_mut() else { return false };
        let Some(Agent { monitor, browser }) = agent.as_mut() else { return false };
        browser.now = now;
        if let Some(signal) = signal {
            monitor.receive(signal, at, Time { page_ms: now, epoch_ms: epoch }, browser);
        }
        true
    })
}
