use rum_protocol::Rating;

use crate::collect::Record;
use crate::json::Object;
use crate::outbox::Outcome;

/// One thing that happened, told to the [`crate::Monitor`]. Times are on the page's clock.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// A vital is due, of a visit of the page that began at that time of the wall clock; 0 for the load.
    Vital(Object, Rating, u64),
    /// The page is hidden and every vital was told: the last moment to send anything.
    Hidden,
    /// The page is visible again.
    Shown,
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
    /// How much of the page was above the lower edge of the window, 0 to 1.
    Scrolled(f64),
    /// An error, an action, a request or the like.
    Recorded(Record),
    /// What every event has from here on.
    Attributes(Object),
    /// Whether there is consent.
    Consent(Consent),
    /// Another session begins, for another user.
    Reset,
    /// Send what waits.
    Flush,
    /// The time asked for by [`crate::Host::wake_at`] has come.
    Timer,
    /// A beacon's outcome.
    Settled(u32, Outcome),
}

/// Whether the user agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Nothing is kept or sent.
    Denied,
    /// What happens is kept in memory, within the outbox's limits; nothing is stored or sent.
    Pending,
    /// Everything is sent.
    #[default]
    Granted,
}

impl Consent {
    pub(crate) fn from_number(number: f64) -> Self {
        if number > 1.0 {
            Self::Granted
        } else if number > 0.0 {
            Self::Pending
        } else {
            Self::Denied
        }
    }
}
