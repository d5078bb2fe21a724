//! Decides what the signals of a page mean, and fills the outbox.

use rum_protocol::limits::MAX_NAME_BYTES;
use rum_protocol::{Id, Rating, Session, View};

use crate::collect::{Record, event};
use crate::config::Config;
use crate::host::{Host, Posted};
use crate::json::Object;
use crate::landing::Landing;
use crate::order::take;
use crate::outbox::Outbox;
use crate::sampling::{IDS, is_sampled};
use crate::session::SessionRecord;
use crate::signal::{Consent, Signal};
use crate::text::cut;
use crate::time::Time;
use crate::views::Views;

/// Most errors of one page view. A loop that fails must not become a flood.
const MOST_ERRORS: u32 = 50;
/// Most actions of one page view.
const MOST_ACTIONS: u32 = 500;
/// Most requests, measures and the like of one page view.
const MOST_OTHERS: u32 = 500;
/// Most different errors of one page view whose repetitions are only counted.
const MOST_KNOWN_ERRORS: usize = 20;
/// Most breadcrumbs of an error.
const MOST_CRUMBS: usize = 20;
/// So many of the last actions may have caused something.
const MOST_LAST_ACTIONS: usize = 10;
/// What happens so soon after an action is taken as caused by it, milliseconds.
const CAUSED_WITHIN_MS: u64 = 1000;

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
    room: Room,
    /// The errors of the view, so that each is sent once.
    errors: Vec<KnownError>,
    /// What happened last, the oldest first.
    crumbs: Vec<Object>,
    /// The last actions and when they were, the oldest first.
    actions: Vec<(Id, u64)>,
    /// Since when the view is visible, if it is, and how long it was before.
    visible_since_ms: Option<u64>,
    visible_ms: u64,
    scroll_ratio: f64,
    consent: Consent,
    outbox: Outbox,
}

/// How much more the view may tell.
#[derive(Debug)]
struct Room {
    errors: u32,
    actions: u32,
    others: u32,
}

impl Room {
    const FULL: Self = Self { errors: MOST_ERRORS, actions: MOST_ACTIONS, others: MOST_OTHERS };
}

#[derive(Debug)]
struct KnownError {
    fields: Object,
    /// How often it happened again, and when it did last.
    again: u32,
    at_ms: u64,
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
            room: Room::FULL,
            errors: Vec::new(),
            crumbs: Vec::new(),
            actions: Vec::new(),
            visible_since_ms: landing.is_visible.then_some(started_at_ms),
            visible_ms: 0,
            scroll_ratio: 0.0,
            consent: landing.consent,
            outbox: Outbox::new(sender),
            config,
        };
        monitor.outbox.dropped(landing.lost);
        if session.has_failed {
            monitor.outbox.release();
        }
        if monitor.config.auto_page_views() {
            monitor.send_landing(time, host);
        }
        monitor.deliver(false, time, host);
        monitor
    }

    /// Takes one signal, which happened at `at_ms` of the wall clock; `time` is now.
    pub fn receive(&mut self, signal: Signal, at_ms: u64, time: Time, host: &mut impl Host) {
        let is_left = signal == Signal::Hidden;
        match signal {
            Signal::Consent(consent) => self.agreed(consent, time, host),
            _ if self.consent == Consent::Denied => {}
            Signal::Restored(href) => {
                self.visible_since_ms = None;
                if self.config.auto_page_views() {
                    self.show(href, None, "back-forward-cache", at_ms, time, host);
                }
                self.visible_since_ms = Some(at_ms);
            }
            Signal::Route(href) => {
                if self.config.auto_page_views() && self.views.is_elsewhere(&href) {
                    self.show(href, None, "route-change", at_ms, time, host);
                }
            }
            Signal::PageView { name, href } if self.views.awaits_name(&href) => {
                self.views.name(&name);
                self.outbox.renamed(self.views.current());
                self.send_landing(time, host);
            }
            Signal::PageView { name, href } => self.show(href, Some(&name), "route-change", at_ms, time, host),
            Signal::Recorded(record) => self.recorded(record, at_ms, time, host),
            Signal::Vital(vital, rating, began_at_ms) => {
                let is_of_load = began_at_ms == 0;
                if rating == Rating::Poor {
                    self.failed();
                }
                let session = if is_of_load { self.landing_session } else { self.session };
                let view = if is_of_load { self.views.landing() } else { self.views.of_visit(began_at_ms) }.clone();
                self.push(vital, &view, session, time, host);
            }
            Signal::Scrolled(ratio) => self.scroll_ratio = self.scroll_ratio.max(ratio.min(1.0)),
            Signal::Shown => self.visible_since_ms = Some(at_ms),
            Signal::Hidden => {
                self.leave(at_ms, time, host);
                self.outbox.seal();
            }
            Signal::Attributes(attributes) => self.outbox.attribute(attributes),
            Signal::Reset => self.begin_session(time, host),
            Signal::Flush => self.outbox.seal(),
            Signal::Timer => {}
            Signal::Settled(number, outcome) => {
                #[expect(clippy::cast_precision_loss, reason = "any 53 of its bits will do")]
                let random = host.random() as f64 / IDS;
                self.outbox.settled(number, outcome, time.page_ms, random);
            }
        }
        self.deliver(is_left, time, host);
    }

    /// The user agreed or not. What was kept until then is sent or forgotten.
    fn agreed(&mut self, consent: Consent, time: Time, host: &mut impl Host) {
        if consent == Consent::Denied {
            self.outbox.clear();
            self.errors = Vec::new();
            self.crumbs = Vec::new();
        } else if self.consent == Consent::Denied {
            self.begin_session(time, host);
        }
        self.consent = consent;
    }

    /// Sends the landing's page view, if it was not sent.
    fn send_landing(&mut self, time: Time, host: &mut impl Host) {
        if let Some(event) = self.landing.take() {
            let view = self.views.landing().clone();
            self.push(event, &view, self.landing_session, time, host);
        }
    }

    /// Another view begins.
    fn show(&mut self, href: String, name: Option<&str>, kind: &str, at_ms: u64, time: Time, host: &mut impl Host) {
        let visible = self.visible_since_ms.is_some();
        self.leave(at_ms, time, host);
        self.views.show(Id(host.random()), at_ms, href);
        if let Some(name) = name {
            self.views.name(name);
        }
        // From here on a page view of the landing would come too late to be one.
        self.landing = None;
        self.room = Room::FULL;
        self.errors = Vec::new();
        self.visible_since_ms = visible.then_some(at_ms);
        self.visible_ms = 0;
        self.scroll_ratio = 0.0;
        let url = self.views.current().url.clone();
        self.remember("navigation", &url, at_ms);
        self.outbox.begin_view();
        self.happened(page_view(kind, at_ms), time, host);
    }

    /// The view is hidden or another begins: tells how long it was seen, and what happened more often than was told.
    fn leave(&mut self, at_ms: u64, time: Time, host: &mut impl Host) {
        for error in core::mem::take(&mut self.errors) {
            if error.again > 0 {
                let mut event = event("error", error.at_ms);
                event.join(&error.fields);
                event.whole("count", error.again.into());
                self.happened(event, time, host);
            }
            self.errors.push(KnownError { again: 0, ..error });
        }
        let Some(since_ms) = self.visible_since_ms.take() else { return };
        self.visible_ms += at_ms.saturating_sub(since_ms);
        let view = self.views.current().clone();
        let mut event = event("page_leave", at_ms);
        event.whole("visible_ms", self.visible_ms);
        event.whole("total_ms", at_ms.saturating_sub(view.started_at_ms.unwrap_or(at_ms)));
        event.number("scroll_ratio", self.scroll_ratio);
        self.push(event, &view, self.session, time, host);
    }

    /// Something was recorded.
    fn recorded(&mut self, Record { kind, mut fields, crumb }: Record, at_ms: u64, time: Time, host: &mut impl Host) {
        let (is_error, is_action) = (kind == "error", kind == "action");
        let known = self.errors.iter_mut().find(|known| is_error && known.fields == fields);
        if let Some(known) = known {
            known.again = known.again.saturating_add(1);
            known.at_ms = at_ms;
            return;
        }
        let room = &mut self.room;
        let left = if is_error {
            &mut room.errors
        } else if is_action {
            &mut room.actions
        } else {
            &mut room.others
        };
        if !take_one(left) {
            self.outbox.dropped(1);
            return;
        }
        let mut event = event(&kind, at_ms);
        event.join(&fields);
        if is_action {
            let id = Id(host.random());
            event.id("id", id);
            if self.actions.len() >= MOST_LAST_ACTIONS {
                take(&mut self.actions, Some(0));
            }
            self.actions.push((id, at_ms));
        } else if is_error || kind == "request" {
            // A request is told when it is answered, which may be after other actions.
            let caused = |&&(_, acted_at_ms): &&(Id, u64)| (acted_at_ms..=acted_at_ms + CAUSED_WITHIN_MS).contains(&at_ms);
            if let Some(&(id, _)) = self.actions.iter().rev().find(caused) {
                event.id("action", id);
            }
        }
        if is_error {
            if !is_advice(&fields) {
                self.live(time, host);
                self.failed();
            }
            if !self.crumbs.is_empty() {
                event.list("breadcrumbs", &self.crumbs);
            }
            if self.errors.len() < MOST_KNOWN_ERRORS {
                self.errors.push(KnownError { fields: core::mem::take(&mut fields), again: 0, at_ms });
            }
        }
        if let Some([kind, text]) = &crumb {
            self.remember(kind, text, at_ms);
        }
        self.happened(event, time, host);
    }

    /// Leaves a breadcrumb.
    fn remember(&mut self, kind: &str, text: &str, at_ms: u64) {
        if self.crumbs.len() >= MOST_CRUMBS {
            take(&mut self.crumbs, Some(0));
        }
        let mut crumb = Object::default();
        crumb.whole("at_ms", at_ms);
        crumb.text("kind", kind);
        crumb.text("text", cut(text, MAX_NAME_BYTES));
        self.crumbs.push(crumb);
    }

    /// Something happened in the view that is shown, which is a sign of life of the session.
    fn happened(&mut self, event: Object, time: Time, host: &mut impl Host) {
        self.live(time, host);
        let view = self.views.current().clone();
        self.push(event, &view, self.session, time, host);
    }

    fn push(&mut self, event: Object, view: &View, session: SessionRecord, time: Time, host: &mut impl Host) {
        let mut sample_rate = self.config.sample_rate();
        if !is_sampled(session.id, sample_rate) {
            if !self.config.keep_failed() {
                return;
            }
            sample_rate = 0.0;
        }
        let event = match host.edit(&event.to_text()) {
            None => event,
            Some(text) if text.is_empty() => return,
            Some(text) => Object::from_text(&text),
        };
        let session = Session { id: session.id, started_at_ms: session.started_at_ms, sample_rate };
        self.outbox.push(event, view, &session, time.page_ms);
    }

    /// Something went wrong: a session outside the sample is sent from here on, and what is held of it.
    fn failed(&mut self) {
        self.session.has_failed = true;
        self.outbox.release();
    }

    /// The session goes on, or another begins.
    fn live(&mut self, time: Time, host: &mut impl Host) {
        self.go_on(current_session(Some(self.session), time, host));
    }

    fn begin_session(&mut self, time: Time, host: &mut impl Host) {
        self.go_on(SessionRecord::begin(host.random(), time.epoch_of(time.page_ms)));
    }

    fn go_on(&mut self, session: SessionRecord) {
        if session.id != self.session.id {
            self.outbox.hold();
            // It may have failed in another tab.
            if session.has_failed {
                self.outbox.release();
            }
        }
        self.session = session;
    }

    /// Sends what is due, and asks to be woken for what will be.
    fn deliver(&mut self, is_left: bool, time: Time, host: &mut impl Host) {
        if self.consent != Consent::Granted {
            return;
        }
        while let Some(mut parcel) = self.outbox.take_due(time.page_ms, is_left) {
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

/// Whether it is what the browser advises, and no failure.
fn is_advice(error: &Object) -> bool {
    [r#""source":"deprecation""#, r#""source":"intervention""#].iter().any(|source| error.has(source))
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
