//! Decides what the signals of a page mean, and fills the outbox.

use rum_protocol::{Id, Session, View};

use crate::collect::event;
use crate::config::Config;
use crate::host::{Host, Posted};
use crate::json::Object;
use crate::navigation::PageState;
use crate::outbox::Outbox;
use crate::sampling::is_sampled;
use crate::session::SessionRecord;
use crate::signal::Signal;
use crate::time::Time;
use crate::views::Views;

/// Most errors of one page view. A loop that fails must not become a flood.
const MOST_ERRORS: u32 = 50;
/// Most actions of one page view.
const MOST_ACTIONS: u32 = 500;

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
    /// What the page runs on.
    pub context: Object,
}

/// See the module.
#[derive(Debug)]
pub struct Monitor {
    config: Config,
    session: SessionRecord,
    /// The session the page was loaded in. Its load's vitals stay there, however long the page stays open.
    landing_session: SessionRecord,
    views: Views,
    /// The landing's page view, until it is sent or too late.
    landing: Option<Object>,
    errors_left: u32,
    actions_left: u32,
    outbox: Outbox,
}

impl Monitor {
    /// Starts to watch a page that has loaded.
    pub fn start(config: Config, landing: Landing, time: Time, host: &mut impl Host) -> Self {
        let started_at_ms = time.epoch_of(landing.state.activation_start());
        let view = landing.view.unwrap_or_else(|| Id(host.random()));
        let session = current_session(None, time, host);
        let mut sender = Object::default();
        sender.known("release", config.release.as_deref().unwrap_or_default());
        sender.known("env", config.env.as_deref().unwrap_or_default());
        sender.object("context", &landing.context);
        let mut event = page_view(&landing.navigation_type, started_at_ms);
        if let Some(navigation) = &landing.state.navigation {
            navigation.describe(&mut event);
        }
        let mut monitor = Self {
            session,
            landing_session: session,
            views: Views::new(view, started_at_ms, landing.href, &landing.referrer),
            landing: (!landing.view_sent).then_some(event),
            errors_left: MOST_ERRORS,
            actions_left: MOST_ACTIONS,
            outbox: Outbox::new(sender),
            config,
        };
        monitor.outbox.dropped(landing.lost);
        if monitor.config.auto_page_views() {
            monitor.send_landing(time);
        }
        monitor.deliver(time, host);
        monitor
    }

    /// Takes one signal, which happened at `at_ms` of the wall clock; `time` is now.
    pub fn receive(&mut self, signal: Signal, at_ms: u64, time: Time, host: &mut impl Host) {
        match signal {
            Signal::Restored(href) => {
                if self.config.auto_page_views() {
                    self.show(href, None, "back-forward-cache", at_ms, time, host);
                }
            }
            Signal::Route(href) => {
                if self.config.auto_page_views() && self.views.is_elsewhere(&href) {
                    self.show(href, None, "route-change", at_ms, time, host);
                }
            }
            Signal::PageView { name, href } if self.views.awaits_name(&href) => {
                self.views.name(&name);
                self.outbox.renamed(self.views.current());
                self.send_landing(time);
            }
            Signal::PageView { name, href } => self.show(href, Some(&name), "route-change", at_ms, time, host),
            Signal::Failed(error) if take_one(&mut self.errors_left) => self.happened(error, time, host),
            Signal::Performed(action) if take_one(&mut self.actions_left) => self.happened(action, time, host),
            Signal::Failed(_) | Signal::Performed(_) => self.outbox.dropped(1),
            Signal::Vital(vital, began_at_ms) => {
                let is_of_load = began_at_ms == 0;
                let session = if is_of_load { self.landing_session } else { self.session };
                let view = if is_of_load { self.views.landing() } else { self.views.of_visit(began_at_ms) }.clone();
                self.push(vital, &view, session, time);
            }
            Signal::Hidden | Signal::Flush => self.outbox.seal(),
            Signal::Timer => {}
            Signal::Settled(number, outcome) => self.outbox.settled(number, outcome, time.page_ms),
        }
        self.deliver(time, host);
    }

    /// Sends the landing's page view, if it was not sent.
    fn send_landing(&mut self, time: Time) {
        if let Some(event) = self.landing.take() {
            let view = self.views.landing().clone();
            self.push(event, &view, self.landing_session, time);
        }
    }

    /// Another view begins.
    fn show(&mut self, href: String, name: Option<&str>, kind: &str, at_ms: u64, time: Time, host: &mut impl Host) {
        self.views.show(Id(host.random()), at_ms, href);
        if let Some(name) = name {
            self.views.name(name);
        }
        // From here on a page view of the landing would come too late to be one.
        self.landing = None;
        self.errors_left = MOST_ERRORS;
        self.actions_left = MOST_ACTIONS;
        self.happened(page_view(kind, at_ms), time, host);
    }

    /// Something happened in the view that is shown, which is a sign of life of the session.
    fn happened(&mut self, event: Object, time: Time, host: &mut impl Host) {
        self.session = current_session(Some(self.session), time, host);
        let view = self.views.current().clone();
        self.push(event, &view, self.session, time);
    }

    fn push(&mut self, event: Object, view: &View, session: SessionRecord, time: Time) {
        let sample_rate = self.config.sample_rate();
        if is_sampled(session.id, sample_rate) {
            let session = Session { id: session.id, started_at_ms: session.started_at_ms, sample_rate };
            self.outbox.push(event, view, &session, time.page_ms);
        }
    }

    /// Sends what is due, and asks to be woken for what will be.
    fn deliver(&mut self, time: Time, host: &mut impl Host) {
        while let Some(mut parcel) = self.outbox.take_due(time.page_ms) {
            let body = parcel.body(time.epoch_of(time.page_ms), [host.random(), host.random()]);
            host.store_session(&self.session.to_text());
            if host.post(parcel.number, &body) == Posted::Waiting {
                self.outbox.wait_for(parcel);
            }
        }
        host.wake_at(self.outbox.next_due());
    }
}

fn page_view(navigation_type: &str, at_ms: u64) -> Object {
    let mut view = event("page_view", at_ms);
    view.known("navigation_type", navigation_type);
    view
}

/// Takes one of what is left, if anything is.
const fn take_one(left: &mut u32) -> bool {
    let has_room = *left > 0;
    *left = left.saturating_sub(1);
    has_room
}

/// The session that goes on now: this page's, or the one another page stored meanwhile, or a new one.
fn current_session(own: Option<SessionRecord>, time: Time, host: &mut impl Host) -> SessionRecord {
    let now_ms = time.epoch_of(time.page_ms);
    let is_alive = |record: &SessionRecord| record.is_alive(now_ms);
    let record =
        own.filter(is_alive).or_else(|| host.stored_session().and_then(|text| SessionRecord::from_text(&text)).filter(is_alive));
    match record {
        Some(record) => SessionRecord { seen_at_ms: now_ms, ..record },
        None => SessionRecord::begin(host.random(), now_ms),
    }
}
