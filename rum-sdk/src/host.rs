/// What the core asks of its surroundings. The browser's shell is one; tests have another.
pub trait Host {
    /// 64 random bits. They name things; they guard nothing.
    fn random(&mut self) -> u64;

    /// The stored session record; absent without one, and where the page may not store anything.
    fn stored_session(&self) -> Option<String>;

    /// Stores the session record, if the page may store anything.
    fn store_session(&mut self, record: &str);

    /// What the page makes of an event before it is sent: `None` to leave it as it is, an empty text to drop it, or another one.
    fn edit(&mut self, event: &str) -> Option<String>;

    /// Sends a beacon. What becomes of one that is [`Posted::Waiting`] is told later by its number.
    fn post(&mut self, number: u32, body: &str) -> Posted;

    /// Asks for a [`crate::Signal::Timer`] at that time of the page's clock, instead of the one asked for before; `None` for none.
    fn wake_at(&mut self, page_ms: Option<f64>);
}

/// What became of a beacon at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// The browser took it for good.
    Taken,
    /// It is on its way; its outcome will be told.
    Waiting,
}
