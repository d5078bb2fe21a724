use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Host, Posted};

#[wasm_bindgen]
extern "C" {
    /// What the loader lends the core: the type `Lent` of `npm/src/run.ts`. No method of it throws.
    pub type Page;

    #[wasm_bindgen(method, js_name = storedSession)]
    fn stored_session(this: &Page) -> Option<String>;

    #[wasm_bindgen(method, js_name = storeSession)]
    fn store_session(this: &Page, record: &str);

    #[wasm_bindgen(method)]
    fn edit(this: &Page, event: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn post(this: &Page, number: u32, body: &str) -> bool;

    #[wasm_bindgen(method)]
    fn wake(this: &Page, in_ms: Option<f64>);
}

/// The browser, as the core sees it.
pub(super) struct Browser {
    page: Page,
    /// The page's clock, milliseconds.
    pub(super) now: f64,
}

impl Browser {
    pub(super) const fn new(page: Page, now: f64) -> Self {
        Self { page, now }
    }
}

impl Host for Browser {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a random number below 2^32")]
    fn random(&mut self) -> u64 {
        let half = || (js_sys::Math::random() * 4_294_967_296.0) as u64;
        half() << 32 | half()
    }

    fn stored_session(&self) -> Option<String> {
        self.page.stored_session()
    }

    fn store_session(&mut self, record: &str) {
        self.page.store_session(record);
    }

    fn edit(&mut self, event: &str) -> Option<String> {
        self.page.edit(event)
    }

    fn post(&mut self, number: u32, body: &str) -> Posted {
        if self.page.post(number, body) { Posted::Taken } else { Posted::Waiting }
    }

    fn wake_at(&mut self, page_ms: Option<f64>) {
        // Set anew each time: a timer that ran out a little before the page's clock said so would never be set again.
        self.page.wake(page_ms.map(|at| (at - self.now).max(0.0)));
    }
}
