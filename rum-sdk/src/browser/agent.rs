//! The agent's way in: the loader `npm/src/run.ts` calls [`start`] once, then [`receive`] for everything that happens. Whatever may
//! run the page's own code is read before the core is touched, so that an exception costs only what it was about.

use std::cell::RefCell;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::options;
use super::page::{Browser, Page};
use crate::kind::Kind;
use crate::time::Time;
use crate::{Monitor, delivery};

struct Agent {
    monitor: Monitor,
    browser: Browser,
}

thread_local! {
    static AGENT: RefCell<Option<Agent>> = const { RefCell::new(None) };
}

/// Starts the core with the options of `init` and what is known of the page, see [`delivery::landing`]. `now` and `epoch` are the
/// page's and the user's clock, milliseconds.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "in the glue, to lend costs more than to give")]
pub fn start(options: JsValue, page: Page, numbers: &[f64], texts: &str, now: f64, epoch: f64) {
    let config = options::read(&options);
    let Some(landing) = delivery::landing(numbers, texts) else { return };
    let mut browser = Browser::new(page, now);
    let monitor = Monitor::start(config, landing, Time { page_ms: now, epoch_ms: epoch }, &mut browser);
    // `try_with` never fails here; `with` would bring the formatting machinery for its panic.
    let _ = AGENT.try_with(|agent| {
        if let Ok(mut agent) = agent.try_borrow_mut() {
            *agent = Some(Agent { monitor, browser });
        }
    });
}

/// Takes what happened at `at`, see [`delivery::signal`]. `false` when the core cannot go on: it was never started, or was left in
/// the middle by an exception.
#[wasm_bindgen]
pub fn receive(kind: u32, numbers: &[f64], texts: &str, at: f64, now: f64, epoch: f64) -> bool {
    let time = Time { page_ms: now, epoch_ms: epoch };
    let at_ms = time.epoch_of(at);
    let signal = Kind::of(kind).and_then(|kind| delivery::signal(kind, numbers, texts, at_ms, time));
    let receive = |agent: &RefCell<Option<Agent>>| {
        let Ok(mut agent) = agent.try_borrow_mut() else { return false };
        let Some(Agent { monitor, browser }) = agent.as_mut() else { return false };
        browser.now = now;
        if let Some(signal) = signal {
            monitor.receive(signal, at_ms, time, browser);
        }
        true
    };
    AGENT.try_with(receive).unwrap_or(false)
}
