//! Events on their way out: a batch that is being filled, and beacons that wait to be sent or for their outcome.

use rum_protocol::{Id, Losses, Session, View};

use crate::json::Object;
use crate::order::{keep, take};
use crate::uuid;

/// A batch goes out with so many events.
const MOST_EVENTS: usize = 10;
/// A batch goes out this long after its first event, milliseconds.
const LONGEST_WAIT_MS: f64 = 5000.0;
/// Most bytes of views and events in a beacon. With the envelope, and names that views get later, it stays below 60 KiB; browsers take
/// 64 KiB at once.
const MOST_BYTES: usize = 56 * 1024;
/// Most bytes of what [`Outbox::push`] adds to an event.
const INDEX_BYTES: usize = r#","view":10"#.len();
/// Most beacons that wait for another try.
const MOST_BEACONS: usize = 8;
/// Most beacons on their way at a time, unless the page is left.
const MOST_WAITING: usize = 4;
/// How often a beacon is sent at most.
const MOST_TRIES: u32 = 10;
/// How long a beacon waits for its second try, milliseconds; each later try waits twice as long as the one before.
const RETRY_AFTER_MS: f64 = 5000.0;
/// How long it waits at most, milliseconds.
const LONGEST_RETRY_AFTER_MS: f64 = 60_000.0;

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    /// What is the same in every beacon of a page.
    sender: Object,
    attributes: Object,
    open: Option<Batch>,
    ready: Vec<Parcel>,
    waiting: Vec<Parcel>,
    lost: Losses,
    /// Beacons that were sent again since the last.
    retried: u32,
    numbers: u32,
    /// Whether something went wrong, so that what is outside the sample is sent. Until then it is held: not before the end of time.
    is_released: bool,
}

#[derive(Debug)]
struct Batch {
    session: Session,
    ids: Vec<Id>,
    views: Vec<Object>,
    events: Vec<Object>,
    bytes: usize,
    deadline: f64,
}

/// A beacon that is complete but for the time it is sent.
#[derive(Debug)]
pub struct Parcel {
    /// Names it to the host.
    pub number: u32,
    beacon: Object,
    /// How many events it carries.
    events: u32,
    lost: Losses,
    not_before: f64,
    tries: u32,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The HTTP status; 0 when there was no answer.
    pub status: u16,
    /// `Retry-After` in seconds; 0 when absent.
    pub retry_after: f64,
}

impl Outbox {
    /// An empty one. The members of `sender` are in every beacon.
    #[must_use]
    pub fn new(mut sender: Object) -> Self {
        sender.whole("v", rum_protocol::VERSION.into());
        sender.text("sdk", env!("CARGO_PKG_VERSION"));
        Self {
            sender,
            attributes: Object::default(),
            open: None,
            ready: Vec::new(),
            waiting: Vec::new(),
            lost: Losses::default(),
            retried: 0,
            numbers: 0,
            is_released: false,
        }
    }

    /// Adds an event of `view` to the batch. `now` is on the page's clock, as everywhere here.
    pub fn push(&mut self, mut event: Object, view: &View, session: &Session, now: f64) {
        let described = describe(view);
        let bytes = described.bytes() + event.bytes() + INDEX_BYTES;
        let fits = |batch: &Batch| batch.session == *session && batch.bytes + bytes <= MOST_BYTES;
        if !self.open.as_ref().is_some_and(fits) {
            self.seal();
        }
        if bytes > MOST_BYTES {
            self.dropped(1);
            return;
        }
        let deadline = if session.sample_rate > 0.0 || self.is_released { now + LONGEST_WAIT_MS } else { f64::INFINITY };
        let open = self.open.get_or_insert_with(|| Batch {
            session: session.clone(),
            ids: Vec::new(),
            views: Vec::new(),
            events: Vec::new(),
            bytes: 0,
            deadline,
        });
        let index = open.ids.iter().position(|&id| id == view.id).unwrap_or(open.ids.len());
        if index == open.ids.len() {
            open.ids.push(view.id);
            open.views.push(described);
        }
        event.whole("view", index as u64);
        open.bytes += bytes;
        open.events.push(event);
        if open.events.len() >= MOST_EVENTS {
            self.seal();
        }
    }

    /// A view begins: its page view is not to be the last event of a batch, which would leave before a router has named the view.
    pub fn begin_view(&mut self) {
        if self.open.as_ref().is_some_and(|open| open.events.len() + 1 >= MOST_EVENTS) {
            self.seal();
        }
    }

    /// A view got its name: events of it that wait in the batch have it too.
    pub fn renamed(&mut self, view: &View) {
        if let Some(open) = &mut self.open {
            for (id, known) in open.ids.iter().zip(&mut open.views) {
                if *id == view.id {
                    *known = describe(view);
                }
            }
        }
    }

    /// Counts events that were dropped before they came here.
    pub const fn dropped(&mut self, count: u32) {
        self.lost.dropped = self.lost.dropped.saturating_add(count);
    }

    /// From here on, every event has these.
    pub fn attribute(&mut self, attributes: Object) {
        self.seal();
        self.attributes = attributes;
    }

    /// What is outside the sample is sent from here on, and what is held of it at once.
    pub fn release(&mut self) {
        if self.open.as_ref().is_some_and(|open| open.deadline > f64::MAX) {
            self.seal();
        }
        self.is_released = true;
        for parcel in &mut self.ready {
            if parcel.not_before > f64::MAX {
                parcel.not_before = 0.0;
            }
        }
    }

    /// Forgets what is held. From here on, what is outside the sample is held.
    pub fn hold(&mut self) {
        self.is_released = false;
        self.open.take_if(|batch| batch.deadline > f64::MAX);
        keep(&mut self.ready, &mut |parcel| parcel.not_before <= f64::MAX);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.open = None;
        self.ready = Vec::new();
        self.waiting = Vec::new();
    }

    /// Closes the batch, so that it is due at once.
    pub fn seal(&mut self) {
        let Some(batch) = self.open.take() else { return };
        let lost = core::mem::take(&mut self.lost);
        let retried = core::mem::take(&mut self.retried);
        self.numbers = self.numbers.wrapping_add(1);
        let mut session = Object::default();
        session.id("id", batch.session.id);
        session.whole("started_at_ms", batch.session.started_at_ms);
        session.number("sample_rate", batch.session.sample_rate);
        let mut beacon = self.sender.clone();
        beacon.object("session", &session);
        if lost != Losses::default() || retried > 0 {
            let mut losses = Object::default();
            losses.whole("dropped", lost.dropped.into());
            losses.whole("refused", lost.refused.into());
            losses.whole("retried", retried.into());
            beacon.object("lost", &losses);
        }
        beacon.object("attributes", &self.attributes);
        beacon.list("views", &batch.views);
        beacon.list("events", &batch.events);
        let events = u32::try_from(batch.events.len()).unwrap_or(u32::MAX);
        let not_before = if batch.deadline > f64::MAX { batch.deadline } else { 0.0 };
        self.queue(Parcel { number: self.numbers, beacon, events, lost, not_before, tries: 0 });
    }

    /// Takes a beacon that is due. When the page is left, all of them are.
    pub fn take_due(&mut self, now: f64, is_left: bool) -> Option<Parcel> {
        if self.open.as_ref().is_some_and(|open| open.deadline <= now) {
            self.seal();
        }
        let has_room = self.has_room();
        let due =
            self.ready.iter().position(|parcel| is_left && parcel.not_before <= f64::MAX || has_room && parcel.not_before <= now);
        let parcel = take(&mut self.ready, due)?;
        self.retried = self.retried.saturating_add(u32::from(parcel.tries > 0));
        Some(parcel)
    }

    /// Keeps a beacon until its outcome is known.
    pub fn wait_for(&mut self, parcel: Parcel) {
        self.waiting.push(parcel);
    }

    /// A beacon's outcome is known. It is tried again if it did not arrive or the service was busy; otherwise it is done, or lost.
    /// `random`, from 0 to 1, keeps pages from coming back all at once.
    pub fn settled(&mut self, number: u32, outcome: Outcome, now: f64, random: f64) {
        let settled = self.waiting.iter().position(|parcel| parcel.number == number);
        let Some(mut parcel) = take(&mut self.waiting, settled) else { return };
        match outcome.status {
            200..=299 => {}
            0 | 408 | 429 | 500..=599 if parcel.tries < MOST_TRIES => {
                let backoff =
                    RETRY_AFTER_MS * f64::from(1_u32 << parcel.tries.saturating_sub(1).min(MOST_TRIES)) * (0.5 + random / 2.0);
                let asked = outcome.retry_after * 1000.0;
                let wait = if asked > 0.0 { asked + backoff } else { backoff };
                parcel.not_before = now + wait.min(LONGEST_RETRY_AFTER_MS);
                self.queue(parcel);
            }
            _ => {
                self.take_back(&parcel);
                self.lost.refused = self.lost.refused.saturating_add(parcel.events);
            }
        }
    }

    /// When something will be due, if anything will.
    #[must_use]
    pub fn next_due(&self) -> Option<f64> {
        let mut next = self.open.as_ref().map_or(f64::INFINITY, |open| open.deadline);
        for parcel in self.ready.iter().filter(|_| self.has_room()) {
            next = next.min(parcel.not_before);
        }
        (next <= f64::MAX).then_some(next)
    }

    /// Whether another beacon may be on its way. Browsers count the bytes of all that are.
    fn has_room(&self) -> bool {
        self.waiting.len() < MOST_WAITING
    }

    /// Puts a beacon into the queue; the oldest gives way.
    fn queue(&mut self, parcel: Parcel) {
        if self.ready.len() >= MOST_BEACONS
            && let Some(oldest) = take(&mut self.ready, Some(0))
        {
            self.take_back(&oldest);
            if oldest.not_before <= f64::MAX {
                self.dropped(oldest.events);
            }
        }
        self.ready.push(parcel);
    }

    /// The losses a lost beacon would have told are told by the next one.
    fn take_back(&mut self, parcel: &Parcel) {
        self.dropped(parcel.lost.dropped);
        self.lost.refused = self.lost.refused.saturating_add(parcel.lost.refused);
    }
}

impl Parcel {
    /// The body of a request at that time of the wall clock. `random` makes its id the first time.
    #[must_use]
    pub fn body(&mut self, now_ms: u64, random: [u64; 2]) -> String {
        if self.tries == 0 {
            self.beacon.text("beacon_id", &uuid::version_7(now_ms, random));
        }
        self.tries += 1;
        let mut beacon = self.beacon.clone();
        beacon.whole("sent_at_ms", now_ms);
        beacon.to_text()
    }
}

fn describe(view: &View) -> Object {
    let mut described = Object::default();
    described.id("id", view.id);
    if let Some(started_at_ms) = view.started_at_ms {
        described.whole("started_at_ms", started_at_ms);
    }
    described.text("url", &view.url);
    described.known("page", view.page.as_deref().unwrap_or_default());
    described.known("referrer", view.referrer.as_deref().unwrap_or_default());
    described
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::event;
    use rum_protocol::{Beacon, Event};

    const BUSY: Outcome = Outcome { status: 503, retry_after: 0.0 };

    fn view(id: u64) -> View {
        View { id: Id(id), url: "https://shop.example/".into(), ..View::default() }
    }

    fn session(id: u64) -> Session {
        Session { id: Id(id), started_at_ms: 1, sample_rate: 1.0 }
    }

    /// An action, whose name may be longer than the page's may.
    fn action(name: &str) -> Object {
        let mut action = event("action", 0);
        action.text("action", "");
        action.text("target", name);
        action
    }

    fn beacon(parcel: &mut Parcel) -> Beacon {
        serde_json::from_str(&parcel.body(1_700_000_000_000, [1, 2])).unwrap()
    }

    /// The next beacon that is due.
    fn due(outbox: &mut Outbox, now: f64) -> Option<Beacon> {
        outbox.take_due(now, false).as_mut().map(beacon)
    }

    fn push(outbox: &mut Outbox, name: &str, view_id: u64, now: f64) {
        outbox.push(action(name), &view(view_id), &session(1), now);
    }

    fn names(beacon: &Beacon) -> Vec<(String, u32)> {
        let read = |event: &Event| match event {
            Event::Action(action) => (action.target.clone().unwrap_or_default(), action.view),
            other => panic!("{other:?}"),
        };
        beacon.events.iter().map(read).collect()
    }

    #[test]
    fn ten_events_are_due_at_once() {
        let mut outbox = Outbox::new(Object::default());
        for _ in 0..9 {
            push(&mut outbox, "a", 1, 100.0);
        }
        assert!(outbox.take_due(100.0, false).is_none());
        push(&mut outbox, "a", 1, 100.0);
        assert_eq!(due(&mut outbox, 100.0).map(|beacon| beacon.events.len()), Some(10));
        assert_eq!(outbox.next_due(), None);
    }

    #[test]
    fn a_page_view_that_begins_never_completes_a_batch() {
        let mut outbox = Outbox::new(Object::default());
        for _ in 0..9 {
            push(&mut outbox, "a", 1, 100.0);
        }
        outbox.begin_view();
        push(&mut outbox, "page_view", 2, 100.0);
        assert_eq!(due(&mut outbox, 100.0).map(|beacon| beacon.events.len()), Some(9));
        assert_eq!(outbox.next_due(), Some(5100.0));
        outbox.begin_view();
        push(&mut outbox, "page_view", 3, 100.0);
        assert_eq!(due(&mut outbox, 5100.0).map(|beacon| beacon.events.len()), Some(2));
    }

    #[test]
    fn fewer_are_due_five_seconds_after_the_first() {
        let mut outbox = Outbox::new(Object::default());
        push(&mut outbox, "a", 1, 100.0);
        push(&mut outbox, "b", 1, 3000.0);
        assert_eq!(outbox.next_due(), Some(5100.0));
        assert!(outbox.take_due(5099.0, false).is_none());
        assert_eq!(due(&mut outbox, 5100.0).map(|beacon| beacon.events.len()), Some(2));
    }

    #[test]
    fn events_point_to_their_view_by_its_place_in_the_beacon() {
        let mut outbox = Outbox::new(Object::default());
        for (name, view) in [("a", 7), ("b", 9), ("c", 7)] {
            push(&mut outbox, name, view, 0.0);
        }
        outbox.seal();
        let beacon = due(&mut outbox, 0.0).unwrap();
        assert_eq!(names(&beacon), [("a".into(), 0), ("b".into(), 1), ("c".into(), 0)]);
        assert_eq!(beacon.views.iter().map(|view| view.id.0).collect::<Vec<_>>(), [7, 9]);
    }

    #[test]
    fn a_name_given_while_events_wait_goes_with_them() {
        let mut outbox = Outbox::new(Object::default());
        push(&mut outbox, "a", 1, 0.0);
        outbox.renamed(&View { page: Some("home".into()), ..view(1) });
        outbox.seal();
        assert_eq!(due(&mut outbox, 0.0).unwrap().views[0].page.as_deref(), Some("home"));
    }

    #[test]
    fn another_session_begins_another_beacon() {
        let mut outbox = Outbox::new(Object::default());
        outbox.push(action("a"), &view(1), &session(1), 0.0);
        outbox.push(action("b"), &view(1), &session(2), 0.0);
        assert_eq!(due(&mut outbox, 0.0).unwrap().session, Some(session(1)));
        outbox.seal();
        assert_eq!(due(&mut outbox, 0.0).unwrap().session, Some(session(2)));
    }

    #[test]
    fn no_beacon_is_larger_than_the_limit() {
        let mut outbox = Outbox::new(Object::default());
        let big = "x".repeat(25_000);
        for view in 0..9 {
            push(&mut outbox, &big, view, 0.0);
        }
        outbox.seal();
        let mut events = 0;
        while let Some(mut parcel) = outbox.take_due(0.0, false) {
            let body = parcel.body(0, [0, 0]);
            assert!(body.len() <= 60 * 1024, "{}", body.len());
            let beacon: Beacon = serde_json::from_str(&body).unwrap();
            assert!(names(&beacon).iter().all(|(_, view)| (*view as usize) < beacon.views.len()));
            events += beacon.events.len();
        }
        assert_eq!(events, 9);
    }

    #[test]
    fn an_event_that_fits_nowhere_is_dropped_and_counted() {
        let mut outbox = Outbox::new(Object::default());
        push(&mut outbox, &"x".repeat(MOST_BYTES), 1, 0.0);
        push(&mut outbox, "a", 1, 0.0);
        outbox.seal();
        assert_eq!(due(&mut outbox, 0.0).unwrap().lost, Some(Losses { dropped: 1, ..Losses::default() }));
    }

    fn sent(outbox: &mut Outbox, now: f64) -> u32 {
        outbox.seal();
        let mut parcel = outbox.take_due(now, false).unwrap();
        beacon(&mut parcel);
        let number = parcel.number;
        outbox.wait_for(parcel);
        number
    }

    #[test]
    fn a_busy_service_is_asked_again_when_it_says_and_each_time_later_until_it_is_given_up() {
        let mut outbox = Outbox::new(Object::default());
        push(&mut outbox, "a", 1, 0.0);
        let number = sent(&mut outbox, 0.0);
        outbox.settled(number, Outcome { retry_after: 20.0, ..BUSY }, 1000.0, 0.0);
        assert_eq!(outbox.next_due(), Some(21_000.0 + 2500.0));
        assert!(outbox.take_due(23_499.0, false).is_none());
        let mut now = 23_500.0;
        let mut waits = Vec::new();
        while let Some(mut again) = outbox.take_due(now, false) {
            beacon(&mut again);
            assert_eq!(again.number, number);
            outbox.wait_for(again);
            outbox.settled(number, BUSY, now, 1.0);
            let next = outbox.next_due().unwrap_or(now);
            waits.push(next - now);
            now = next;
        }
        assert_eq!(waits, [10_000.0, 20_000.0, 40_000.0, 60_000.0, 60_000.0, 60_000.0, 60_000.0, 60_000.0, 0.0]);
        push(&mut outbox, "b", 1, 0.0);
        outbox.seal();
        let lost = Losses { refused: 1, retried: 9, ..Losses::default() };
        assert_eq!(due(&mut outbox, 0.0).unwrap().lost, Some(lost));
    }

    #[test]
    fn few_are_on_their_way_at_a_time_unless_the_page_is_left() {
        let mut outbox = Outbox::new(Object::default());
        for index in 0..6 {
            push(&mut outbox, &index.to_string(), 1, 0.0);
            outbox.seal();
        }
        let mut numbers = Vec::new();
        while let Some(parcel) = outbox.take_due(0.0, false) {
            numbers.push(parcel.number);
            outbox.wait_for(parcel);
        }
        assert_eq!((numbers.len(), outbox.next_due()), (MOST_WAITING, None), "nothing to wake up for");
        outbox.settled(numbers[0], Outcome { status: 202, retry_after: 0.0 }, 0.0, 0.0);
        assert_eq!(outbox.take_due(0.0, false).map(|parcel| parcel.number), Some(5));
        outbox.settled(numbers[1], BUSY, 0.0, 0.0);
        let left: Vec<_> = core::iter::from_fn(|| outbox.take_due(0.0, true)).map(|parcel| parcel.number).collect();
        assert_eq!(left, [6, numbers[1]], "also what was to wait");
    }

    #[test]
    fn a_beacon_keeps_its_id_and_says_when_it_is_sent() {
        let mut sender = Object::default();
        sender.text("release", "4.2");
        let mut outbox = Outbox::new(sender);
        push(&mut outbox, "a", 1, 0.0);
        outbox.seal();
        let mut parcel = outbox.take_due(0.0, false).unwrap();
        let first = beacon(&mut parcel);
        assert_eq!((first.v, first.release.as_deref(), first.sent_at_ms), (rum_protocol::VERSION, Some("4.2"), 1_700_000_000_000));
        let number = parcel.number;
        outbox.wait_for(parcel);
        outbox.settled(number, BUSY, 0.0, 1.0);
        let again: Beacon = serde_json::from_str(&outbox.take_due(5000.0, false).unwrap().body(1_700_000_005_000, [3, 4])).unwrap();
        assert_eq!(again, Beacon { sent_at_ms: 1_700_000_005_000, ..first });
    }

    #[test]
    fn the_wait_for_another_try_has_bounds() {
        for (retry_after, due) in [(0.0, 5000.0), (f64::NAN, 5000.0), (-3.0, 5000.0), (1.0, 6000.0), (1e9, 60_000.0)] {
            let mut outbox = Outbox::new(Object::default());
            push(&mut outbox, "a", 1, 0.0);
            let number = sent(&mut outbox, 0.0);
            outbox.settled(number, Outcome { status: 0, retry_after }, 0.0, 1.0);
            assert_eq!(outbox.next_due(), Some(due), "{retry_after}");
        }
    }

    #[test]
    fn a_refusal_is_final_and_an_acceptance_is_not_a_loss() {
        let mut outbox = Outbox::new(Object::default());
        for (status, lost) in [(202, None), (401, None), (202, Some(Losses { refused: 1, ..Losses::default() }))] {
            push(&mut outbox, "a", 1, 0.0);
            outbox.seal();
            let mut parcel = outbox.take_due(0.0, false).unwrap();
            assert_eq!(beacon(&mut parcel).lost, lost, "before {status}");
            let number = parcel.number;
            outbox.wait_for(parcel);
            outbox.settled(number, Outcome { status, retry_after: 0.0 }, 0.0, 1.0);
            assert_eq!(outbox.next_due(), None);
        }
    }

    #[test]
    fn losses_a_lost_beacon_would_have_told_are_told_later() {
        let mut outbox = Outbox::new(Object::default());
        outbox.dropped(3);
        push(&mut outbox, "a", 1, 0.0);
        let number = sent(&mut outbox, 0.0);
        outbox.settled(number, Outcome { status: 413, retry_after: 0.0 }, 0.0, 1.0);
        push(&mut outbox, "b", 1, 0.0);
        outbox.seal();
        assert_eq!(due(&mut outbox, 0.0).unwrap().lost, Some(Losses { dropped: 3, refused: 1, retried: 0 }));
    }

    #[test]
    fn the_oldest_beacon_gives_way_and_its_events_are_counted() {
        let mut outbox = Outbox::new(Object::default());
        for index in 0..=MOST_BEACONS {
            push(&mut outbox, &index.to_string(), 1, 0.0);
            let number = sent(&mut outbox, 0.0);
            outbox.settled(number, BUSY, 0.0, 1.0);
        }
        let sent: Vec<_> = core::iter::from_fn(|| due(&mut outbox, 5000.0)).map(|beacon| names(&beacon)[0].0.clone()).collect();
        assert_eq!(sent, ["1", "2", "3", "4", "5", "6", "7", "8"]);
        push(&mut outbox, "last", 1, 0.0);
        outbox.seal();
        assert_eq!(due(&mut outbox, 0.0).unwrap().lost, Some(Losses { dropped: 1, retried: 8, ..Losses::default() }));
    }
}
