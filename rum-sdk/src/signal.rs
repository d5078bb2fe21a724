use crate::json::Object;
use crate::outbox::Outcome;

/// One thing that happened, told to the [`crate::Monitor`]. Times are on the page's clock.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// A vital is due, of a visit of the page that began at that time of the wall clock; 0 for the load.
    Vital(Object, u64),
    /// The page is hidden and every vital was told: the last moment to send anything.
    Hidden,
    /// The page came back from the back/forward cache, at this address. The vitals are told after it.
    Restored(String),
    /// The address may have changed to this one.
    Route(String),
    /// `trackPageView`, and the address it was called at.
    PageView {
        /// The page's name.
        name: String,
        /// The address.
        href: String,
    },
    /// An error.
    Failed(Object),
    /// An action.
    Performed(Object),
    /// Send what waits.
    Flush,
    /// The time asked for by [`crate::Host::wake_at`] has come.
    Timer,
    /// A beacon's outcome.
    Settled(u32, Outcome),
}
