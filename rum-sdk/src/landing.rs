//! The page as the core finds it.

use rum_protocol::Id;

use crate::json::Object;
use crate::navigation::PageState;
use crate::signal::Consent;

/// What is known of the page when the core starts.
#[derive(Clone, Debug, Default)]
pub struct Landing {
    /// The document's address.
    pub href: String,
    /// Where the user came from; empty when unknown.
    pub referrer: String,
    /// The id of the first view, if something was already sent under it.
    pub view: Option<Id>,
    /// Whether the page view itself was already sent.
    pub view_sent: bool,
    /// What the load is called, see [`rum_protocol::PageView::navigation_type`].
    pub navigation_type: String,
    /// The document and how it was reached.
    pub state: PageState,
    /// How many signals the loader had no room for.
    pub lost: u32,
    /// Whether the page is visible now.
    pub is_visible: bool,
    /// Whether the user agreed, as far as is known.
    pub consent: Consent,
    /// What the page runs on.
    pub context: Object,
}
