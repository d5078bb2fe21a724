//! Decides what the signals of a page mean, and fills the outbox.

use rum_protocol::{Attribution, Context, Event, Id, PageView, Session, View, Vital};

use crate::config::Config;
use crate::entry::EventTiming;
use crate::host::{Host, Posted};
use crate::json;
use crate::metrics::Report;
use crate::navigation::{NavigationTiming, NavigationType, navigation_type};
use crate::outbox::{Outbox, Sender};
use crate::sampling::is_sampled;
use crate::session::SessionRecord;
use crate::signal::Signal;
use crate::text::push_hexadecimal;
use crate::time::Time;
use crate::uuid;
use crate::views::Views;
use crate::visibility::FirstHidden;
use crate::vitals::Vitals;

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
    /// The `navigation` entry.
    pub navigation: Option<Box<NavigationTiming>>,
    /// `document.wasDiscarded`.
    pub was_discarded: bool,
    /// Start of the first `visibility-state` entry named `hidden` at or after activation.
    pub hidden_entry: Option<f64>,
    /// When the loader first saw the page hidden; infinite if never.
    pub hidden_seen: f64,
    /// How many signals the loader had no room for.
    pub lost: u32,
    /// What the page runs on.
    pub context: Context,
}

/// See the module.
#[derive(Debug)]
pub struct Monitor {
    config: Config,
    session: SessionRecord,
    /// The session the page was loaded in. Its load's vitals stay there, however long the page stays open.
    landing_session: SessionRecord,
    views: Views,
    navigation: Option<Box<NavigationTiming>>,
    navigation_type: NavigationType,
    /// Gone once the page came back from the back/forward cache: what is measured then belongs to another visit of the page.
    vitals: Option<Vitals<()>>,
    /// Whether the page view of the landing was sent.
    landing_sent: bool,
    errors_left: u32,
    actions_left: u32,
    waiting: Vec<Waiting>,
    outbox: Outbox,
}

/// What is looked at when the browser is idle, so that it costs the interaction nothing and sees all of its frame; on hidden at the
/// latest (R11).
#[derive(Debug)]
enum Waiting {
    Acted,
    Interactions(Vec<EventTiming<()>>),
}

/// Which view an event belongs to.
#[derive(Clone, Copy)]
enum Place {
    Landing,
    Current,
}

impl Monitor {
    /// Starts to watch a page that has loaded.
    pub fn start(config: Config, landing: Landing, time: Time, host: &mut impl Host) -> Self {
        let navigation = landing.navigation.filter(|navigation| navigation.is_credible(time.page_ms));
        let activation_start = navigation.as_ref().map_or(0.0, |navigation| navigation.activation_start);
        let started_at_ms = time.epoch_of(activation_start);
        let first_hidden = FirstHidden::at_start(landing.hidden_entry, landing.hidden_seen);
        let view = landing.view.unwrap_or_else(|| Id(host.random()));
        let session = current_session(None, time, host);
        let sender = Sender { release: config.release.clone(), env: config.env.clone(), context: landing.context };
        let mut monitor = Self {
            session,
            landing_session: session,
            views: Views::new(view, started_at_ms, landing.href, &landing.referrer),
            navigation_type: navigation_type(navigation.as_deref(), landing.was_discarded),
            vitals: Some(Vitals::new(activation_start, first_hidden, host.random())),
            landing_sent: landing.view_sent,
            navigation,
            errors_left: MOST_ERRORS,
            actions_left: MOST_ACTIONS,
            waiting: Vec::new(),
            outbox: Outbox::new(sender),
            config,
        };
        monitor.outbox.dropped(landing.lost);
        let navigation = monitor.navigation.take();
        let ttfb = navigation.as_ref().and_then(|navigation| monitor.vitals.as_mut()?.loaded(navigation));
        monitor.navigation = navigation;
        if monitor.config.auto_page_views() {
            monitor.send_landing(time);
        }
        monitor.report(ttfb, time);
        monitor.deliver(time, host);
        monitor
    }

    /// Takes one signal, which happened at `at_ms` of the wall clock; `time` is now.
    pub fn receive(&mut self, signal: Signal, at_ms: u64, time: Time, host: &mut impl Host) {
        match signal {
            Signal::FirstContentfulPaint(start) => {
                let report = self.vitals.as_mut().and_then(|vitals| vitals.first_contentful_paint(start));
                self.report(report, time);
            }
            Signal::LargestContentfulPaint(last) => {
                if let Some(vitals) = &mut self.vitals {
                    vitals.largest_contentful_paint(last);
                }
            }
            Signal::LayoutShift(batch) => {
                if let Some(vitals) = &mut self.vitals {
                    vitals.layout_shift(&batch);
                }
            }
            Signal::FirstInput(input) => {
                let report = self.vitals.as_mut().and_then(|vitals| vitals.first_input(&input));
                self.report(report, time);
                // A page with nothing but fast interactions has an INP too.
                self.wait(Waiting::Interactions(vec![input]), host);
            }
            Signal::Interactions(batch) => self.wait(Waiting::Interactions(batch), host),
            Signal::Acted => self.wait(Waiting::Acted, host),
            Signal::Idle => self.catch_up(time),
            Signal::HiddenSince(at) => {
                if let Some(vitals) = &mut self.vitals {
                    vitals.hidden_at(at);
                }
            }
            Signal::Hidden { interaction_count } => {
                self.catch_up(time);
                if let Some(vitals) = &mut self.vitals {
                    for report in vitals.hidden(interaction_count) {
                        self.report(report, time);
                    }
                }
                self.outbox.seal();
            }
            Signal::Restored(href) => {
                self.vitals = None;
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
            Signal::Happened(mut event) => {
                let has_room = match &*event {
                    Event::Error(_) => take_one(&mut self.errors_left),
                    _ => take_one(&mut self.actions_left),
                };
                if has_room {
                    self.happened(&mut event, time, host);
                } else {
                    self.outbox.dropped(1);
                }
            }
            Signal::Flush => self.outbox.seal(),
            Signal::Timer => {}
            Signal::Settled(number, outcome) => self.outbox.settled(number, outcome, time.page_ms),
        }
        self.deliver(time, host);
    }

    fn wait(&mut self, what: Waiting, host: &mut impl Host) {
        if self.waiting.is_empty() {
            host.wake_when_idle();
        }
        self.waiting.push(what);
    }

    /// Looks at what waits, in the order it came.
    fn catch_up(&mut self, time: Time) {
        for what in &mut core::mem::take(&mut self.waiting) {
            let Some(vitals) = &mut self.vitals else { return };
            match what {
                Waiting::Interactions(batch) => vitals.interactions(batch),
                Waiting::Acted => {
                    let report = vitals.acted();
                    self.report(report, time);
                }
            }
        }
    }

    /// Sends the landing's page view, if it was not sent.
    fn send_landing(&mut self, time: Time) {
        if core::mem::replace(&mut self.landing_sent, true) {
            return;
        }
        let mut event = PageView {
            at_ms: self.views.landing().started_at_ms.unwrap_or_default(),
            navigation_type: Some(self.navigation_type.into()),
            ..PageView::default()
        };
        if let Some(navigation) = &self.navigation {
            navigation.describe(&mut event);
        }
        self.push(&mut Event::PageView(event), Place::Landing, time);
    }

    /// Another view begins.
    fn show(&mut self, href: String, name: Option<&str>, kind: NavigationType, at_ms: u64, time: Time, host: &mut impl Host) {
        self.views.show(Id(host.random()), at_ms, href);
        if let Some(name) = name {
            self.views.name(name);
        }
        // From here on a page view of the landing would come too late to be one.
        self.landing_sent = true;
        self.errors_left = MOST_ERRORS;
        self.actions_left = MOST_ACTIONS;
        self.happened(
            &mut Event::PageView(PageView { at_ms, navigation_type: Some(kind.into()), ..PageView::default() }),
            time,
            host,
        );
    }

    /// Something happened in the view that is shown, which is a sign of life of the session.
    fn happened(&mut self, event: &mut Event, time: Time, host: &mut impl Host) {
        self.session = current_session(Some(self.session), time, host);
        self.push(event, Place::Current, time);
    }

    fn report(&mut self, report: Option<Report>, time: Time) {
        let Some(report) = report else { return };
        let mut metric_id = String::with_capacity(16);
        push_hexadecimal(&mut metric_id, report.id.0, 16);
        let vital = Vital {
            at_ms: time.epoch_of(time.page_ms),
            view: 0,
            metric: report.metric,
            metric_id: Some(metric_id),
            value: report.value,
            prev_value: report.previous,
            navigation_type: Some(self.navigation_type.into()),
            attribution: Attribution::default(),
        };
        self.push(&mut Event::Vital(vital), Place::Landing, time);
    }

    fn push(&mut self, event: &mut Event, place: Place, time: Time) {
        let (view, session): (&View, _) = match place {
            Place::Landing => (self.views.landing(), self.landing_session),
            Place::Current => (self.views.current(), self.session),
        };
        let sample_rate = self.config.sample_rate();
        if is_sampled(session.id, sample_rate) {
            let session = Session { id: session.id, started_at_ms: session.started_at_ms, sample_rate };
            self.outbox.push(event, view, &session, time.page_ms);
        }
    }

    /// Sends what is due, and asks to be woken for what will be.
    fn deliver(&mut self, time: Time, host: &mut impl Host) {
        while let Some(mut parcel) = self.outbox.take_due(time.page_ms) {
            let beacon = &mut parcel.beacon;
            let now_ms = time.epoch_of(time.page_ms);
            if beacon.beacon_id.is_empty() {
                beacon.beacon_id = uuid::version_7(now_ms, [host.random(), host.random()]);
            }
            beacon.sent_at_ms = now_ms;
            let mut body = String::new();
            json::write(&mut body, beacon);
            host.store_session(&self.session.to_text());
            if host.post(parcel.number, &body) == Posted::Waiting {
                self.outbox.wait_for(parcel);
            }
        }
        host.wake_at(self.outbox.next_due());
    }
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
