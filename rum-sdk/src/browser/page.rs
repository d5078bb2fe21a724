use gloo_timers::callback::Timeout;
use rum_protocol::Context;
use rum_protocol::limits::MAX_NAME_BYTES;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Storage;

use crate::text::bounded;
use crate::{Host, Posted};

/// Where the session record is kept. `npm/src/early.ts` has the same name.
const SESSION_KEY: &str = "beamline";

#[wasm_bindgen]
extern "C" {
    /// What the loader lends the core: the type `Lent` of `npm/src/run.ts`. No method of it throws.
    #[derive(Clone)]
    pub type Page;

    /// The id under which something of the first view was already sent.
    #[wasm_bindgen(method, getter)]
    pub(super) fn view(this: &Page) -> Option<String>;

    #[wasm_bindgen(method, getter, js_name = viewSent)]
    pub(super) fn view_sent(this: &Page) -> bool;

    #[wasm_bindgen(method, getter, js_name = firstHidden)]
    pub(super) fn first_hidden(this: &Page) -> f64;

    #[wasm_bindgen(method, getter)]
    pub(super) fn lost(this: &Page) -> u32;

    #[wasm_bindgen(method, getter, js_name = wasDiscarded)]
    pub(super) fn was_discarded(this: &Page) -> bool;

    #[wasm_bindgen(method, getter)]
    fn connection(this: &Page) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn language(this: &Page) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn href(this: &Page) -> String;

    #[wasm_bindgen(method, getter)]
    pub(super) fn referrer(this: &Page) -> String;

    /// Where the session record may be kept; absent where the page may not store anything.
    #[wasm_bindgen(method, getter)]
    fn storage(this: &Page) -> Option<Storage>;

    #[wasm_bindgen(method, getter)]
    fn width(this: &Page) -> u32;

    #[wasm_bindgen(method, getter)]
    fn height(this: &Page) -> u32;

    #[wasm_bindgen(method)]
    fn post(this: &Page, number: u32, body: &str) -> bool;

    #[wasm_bindgen(method, js_name = timerRan)]
    fn timer_ran(this: &Page);

    #[wasm_bindgen(method, js_name = wakeWhenIdle)]
    fn wake_when_idle(this: &Page);
}

/// The browser, as the core sees it.
pub(super) struct Browser {
    page: Page,
    storage: Option<Storage>,
    /// The page's clock, milliseconds.
    pub(super) now: f64,
    timer: Option<(f64, Timeout)>,
}

impl Browser {
    pub(super) fn new(page: Page, now: f64) -> Self {
        let storage = page.storage();
        Self { page, storage, now, timer: None }
    }
}

impl Host for Browser {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a random number below 2^32")]
    fn random(&mut self) -> u64 {
        let half = || (js_sys::Math::random() * 4_294_967_296.0) as u64;
        half() << 32 | half()
    }

    fn stored_session(&self) -> Option<String> {
        self.storage.as_ref()?.get_item(SESSION_KEY).ok()?
    }

    fn store_session(&mut self, record: &str) {
        if let Some(storage) = &self.storage {
            // Without room, the session is this page's alone.
            let _ = storage.set_item(SESSION_KEY, record);
        }
    }

    fn context(&self) -> Context {
        let name = |name: String| bounded(name, MAX_NAME_BYTES);
        Context {
            viewport_width_px: Some(self.page.width()),
            viewport_height_px: Some(self.page.height()),
            connection: self.page.connection().map(name),
            language: self.page.language().map(name),
        }
    }

    fn post(&mut self, number: u32, body: &str) -> Posted {
        if self.page.post(number, body) { Posted::Taken } else { Posted::Waiting }
    }

    fn wake_at(&mut self, page_ms: Option<f64>) {
        let is_set = self.timer.as_ref().is_some_and(|(set_for, _)| page_ms == Some(*set_for));
        if is_set {
            return;
        }
        self.timer = page_ms.map(|at| {
            let page = self.page.clone();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "waits are a minute at most")]
            let wait = (at - self.now).max(0.0) as u32;
            (at, Timeout::new(wait, move || page.timer_ran()))
        });
    }

    fn wake_when_idle(&mut self) {
        self.page.wake_when_idle();
    }
}
