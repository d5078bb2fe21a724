use rum_protocol::Event;

use crate::entry::{EventTiming, LargestPaint, LayoutShift};
use crate::outbox::Outcome;

/// One thing that happened, told to the [`crate::Monitor`]. Times are on the page's clock.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// The `first-contentful-paint` entry's start.
    FirstContentfulPaint(f64),
    /// The last of a batch of `largest-contentful-paint` entries. Each is larger than the one before.
    LargestContentfulPaint(LargestPaint<()>),
    /// A batch of `layout-shift` entries.
    LayoutShift(Vec<LayoutShift<()>>),
    /// The `first-input` entry.
    FirstInput(EventTiming<()>),
    /// A batch of `event` entries, the first input among them.
    Interactions(Vec<EventTiming<()>>),
    /// The user clicked or pressed a key.
    Acted,
    /// The browser is idle, as asked for by [`crate::Host::wake_when_idle`].
    Idle,
    /// The page was hidden at that time. Entries that the browser still has, and then [`Signal::Hidden`], follow.
    HiddenSince(f64),
    /// The page is hidden and every entry was told: the last moment to send anything.
    Hidden {
        /// `performance.interactionCount`, where the browser counts.
        interaction_count: Option<f64>,
    },
    /// The page came back from the back/forward cache, at this address.
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
    /// An error or an action. Boxed, since it is far larger than all the others.
    Happened(Box<Event>),
    /// Send what waits.
    Flush,
    /// The time asked for by [`crate::Host::wake_at`] has come.
    Timer,
    /// A beacon's outcome.
    Settled(u32, Outcome),
}
