//! A page's life, told to the monitor signal by signal: what it sends, and when.

use rum_protocol::{Beacon, BreadcrumbKind, Context, ErrorEvent, Event, Id, Losses, Metric, PageLeave, PageView, Vital};
use rum_sdk::collect::{Record, event};
use rum_sdk::config::Config;
use rum_sdk::json::Object;
use rum_sdk::navigation::{NavigationTiming, PageState};
use rum_sdk::outbox::Outcome;
use rum_sdk::time::Time;
use rum_sdk::{Consent, Host, Landing, Monitor, Posted, Signal};
use serde_json::json;

/// When the pages of these tests begin, by the wall clock.
const ORIGIN: f64 = 1_700_000_000_000.0;
const MINUTE: f64 = 60_000.0;
const HOME: &str = "https://shop.example/?token=secret#top";

/// A browser: remembers what it was asked for.
struct Fake {
    stored: Option<String>,
    posted: Vec<(u32, Beacon)>,
    takes_beacons: bool,
    wake_at: Option<f64>,
    random: u64,
    edit: Option<fn(&str) -> Option<String>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self { stored: None, posted: Vec::new(), takes_beacons: true, wake_at: None, random: 0, edit: None }
    }
}

impl Host for Fake {
    fn random(&mut self) -> u64 {
        self.random += 0x0101_0101_0101;
        self.random
    }

    fn stored_session(&self) -> Option<String> {
        self.stored.clone()
    }

    fn edit(&mut self, event: &str) -> Option<String> {
        self.edit.and_then(|edit| edit(event))
    }

    fn store_session(&mut self, record: &str) {
        self.stored = Some(record.to_owned());
    }

    fn post(&mut self, number: u32, body: &str) -> Posted {
        self.posted.push((number, serde_json::from_str(body).expect("a beacon")));
        if self.takes_beacons { Posted::Taken } else { Posted::Waiting }
    }

    fn wake_at(&mut self, page_ms: Option<f64>) {
        self.wake_at = page_ms;
    }
}

struct Page {
    host: Fake,
    monitor: Monitor,
}

fn time(page_ms: f64) -> Time {
    Time { page_ms, epoch_ms: ORIGIN + page_ms }
}

fn at_ms(page_ms: u32) -> u64 {
    1_700_000_000_000 + u64::from(page_ms)
}

fn config(options: serde_json::Value) -> Config {
    serde_json::from_value(options).expect("options")
}

fn landing() -> Landing {
    Landing {
        href: HOME.into(),
        referrer: "https://search.example/?q=secret".into(),
        navigation_type: "navigate".into(),
        state: PageState {
            navigation: Some(Box::new(NavigationTiming {
                response_start: 120.0,
                dom_interactive: 300.0,
                load: 600.0,
                ..NavigationTiming::default()
            })),
            ..PageState::default()
        },
        ..Landing::default()
    }
}

impl Page {
    fn open() -> Self {
        Self::open_with(json!({}), landing(), Fake::default())
    }

    /// The core starts one second after navigation.
    fn open_with(options: serde_json::Value, landing: Landing, mut host: Fake) -> Self {
        let monitor = Monitor::start(config(options), landing, time(1000.0), &mut host);
        Self { host, monitor }
    }

    fn tell(&mut self, at: f64, signal: Signal) {
        self.monitor.receive(signal, time(at).epoch_of(at), time(at), &mut self.host);
    }

    fn hide(&mut self, at: f64) {
        self.tell(at, Signal::Hidden);
    }

    fn act(&mut self, at: f64, action: &str) {
        self.tell(at, record("action", "action", action));
    }

    fn events(&self) -> Vec<Event> {
        self.host.posted.iter().flat_map(|(_, beacon)| beacon.events.clone()).collect()
    }

    /// Metric, value and previous value of every vital that was sent.
    fn vitals(&self) -> Vec<(Metric, f64, Option<f64>)> {
        let vital = |event| match event {
            Event::Vital(Vital { metric, value, prev_value, .. }) => Some((metric, value, prev_value)),
            _ => None,
        };
        self.events().into_iter().filter_map(vital).collect()
    }

    /// Navigation type, page name and address of every page view that was sent.
    fn page_views(&self) -> Vec<(String, Option<String>, String)> {
        let mut found = Vec::new();
        for (_, beacon) in &self.host.posted {
            for event in &beacon.events {
                if let Event::PageView(view) = event {
                    let about = &beacon.views[view.view as usize];
                    found.push((view.navigation_type.clone().unwrap_or_default(), about.page.clone(), about.url.clone()));
                }
            }
        }
        found
    }

    fn errors(&self) -> Vec<ErrorEvent> {
        self.events().into_iter().filter_map(|event| if let Event::Error(error) = event { Some(error) } else { None }).collect()
    }

    fn leaves(&self) -> Vec<PageLeave> {
        self.events().into_iter().filter_map(|event| if let Event::PageLeave(leave) = event { Some(leave) } else { None }).collect()
    }

    /// Name of every action that was sent, and the address of the view it belongs to.
    fn actions(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (_, beacon) in &self.host.posted {
            for event in &beacon.events {
                if let Event::Action(action) = event {
                    found.push((action.action.clone(), beacon.views[action.view as usize].url.clone()));
                }
            }
        }
        found
    }
}

/// A vital of the visit that began at that time of the page's clock; 0 for the load.
fn vital(metric: Metric, value: f64, previous: Option<f64>, began: u32) -> Signal {
    let mut vital = event("vital", at_ms(2000));
    vital.text("metric", metric.name());
    vital.number("value", value);
    vital.number("prev_value", previous.unwrap_or(f64::NAN));
    Signal::Vital(vital, metric.rate(value), if began > 0 { at_ms(began) } else { 0 })
}

fn record(kind: &str, name: &str, value: &str) -> Signal {
    let mut fields = Object::default();
    fields.text(name, value);
    Signal::Recorded(Record { kind: kind.into(), fields, crumb: None })
}

fn record_with_crumb(kind: &str, crumb: &str, text: &str) -> Signal {
    let mut fields = Object::default();
    if kind == "request" {
        fields.text("initiator", "fetch");
        fields.text("url", "https://shop.example/");
        fields.number("duration_ms", 1.0);
    } else {
        fields.text("action", text);
    }
    Signal::Recorded(Record { kind: kind.into(), fields, crumb: Some([crumb.into(), text.into()]) })
}

fn error(message: &str) -> Signal {
    let mut fields = Object::default();
    fields.text("source", "uncaught");
    fields.text("message", message);
    Signal::Recorded(Record { kind: "error".into(), fields, crumb: None })
}

#[test]
fn the_first_beacon_says_who_sends_and_how_the_page_loaded() {
    let mut context = Object::default();
    context.whole("viewport_width_px", 1280);
    let mut page = Page::open_with(json!({"release": "4.2", "env": "test"}), Landing { context, ..landing() }, Fake::default());
    page.hide(2000.0);
    let (_, beacon) = &page.host.posted[0];
    assert_eq!((beacon.v, beacon.sent_at_ms), (1, at_ms(2000)));
    assert_eq!((beacon.release.as_deref(), beacon.env.as_deref()), (Some("4.2"), Some("test")));
    assert_eq!(beacon.sdk.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(beacon.context, Some(Context { viewport_width_px: Some(1280), ..Context::default() }));
    assert_eq!(beacon.beacon_id.len(), 36);
    assert_eq!(beacon.views.len(), 1);
    assert_eq!(beacon.views[0].url, "https://shop.example/");
    assert_eq!(beacon.views[0].referrer.as_deref(), Some("https://search.example/"));
    let expected = PageView {
        at_ms: at_ms(0),
        view: 0,
        navigation_type: Some("navigate".into()),
        ttfb_ms: Some(120.0),
        dom_interactive_ms: Some(300.0),
        load_ms: Some(600.0),
        ..PageView::default()
    };
    assert_eq!(beacon.events, [Event::PageView(expected)]);
}

#[test]
fn a_correction_is_sent_with_the_value_before_it() {
    let mut page = Page::open();
    page.tell(2000.0, vital(Metric::Cls, 0.0, None, 0));
    page.hide(2000.0);
    page.tell(4000.0, vital(Metric::Cls, 0.5, Some(0.0), 0));
    page.hide(4000.0);
    assert_eq!(page.vitals(), [(Metric::Cls, 0.0, None), (Metric::Cls, 0.5, Some(0.0))]);
}

#[test]
fn r8_the_vitals_of_a_return_belong_to_the_view_that_began_with_it() {
    let mut page = Page::open();
    page.tell(1100.0, vital(Metric::Fcp, 400.0, None, 0));
    page.hide(2000.0);
    page.tell(60_000.0, Signal::Restored(HOME.into()));
    page.tell(60_030.0, vital(Metric::Fcp, 30.0, None, 60_000));
    page.tell(60_040.0, Signal::Route("https://shop.example/lamp".into()));
    page.tell(60_050.0, vital(Metric::Lcp, 30.0, None, 60_000));
    page.tell(60_060.0, vital(Metric::Cls, 0.0, None, 0));
    page.hide(62_000.0);
    let kinds: Vec<_> = page.page_views().into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, ["navigate", "back-forward-cache", "route-change"]);
    let (_, beacon) = &page.host.posted[1];
    let places = beacon.events.iter().filter_map(|event| match event {
        Event::Vital(vital) => Some((vital.metric, beacon.views[vital.view as usize].started_at_ms)),
        _ => None,
    });
    let of_return = Some(at_ms(60_000));
    let expected = [(Metric::Fcp, of_return), (Metric::Lcp, of_return), (Metric::Cls, Some(at_ms(0)))];
    assert_eq!(places.collect::<Vec<_>>(), expected);
}

#[test]
fn a_route_change_begins_a_view_and_the_loads_vitals_stay_with_the_first() {
    let mut page = Page::open();
    page.tell(1100.0, vital(Metric::Fcp, 400.0, None, 0));
    page.tell(2000.0, Signal::Route("https://shop.example/?page=2".into()));
    page.tell(3000.0, Signal::Route("https://shop.example/lamp?id=7".into()));
    page.act(3500.0, "zoom");
    page.hide(4000.0);
    let view = |kind: &str, url: &str| (kind.to_owned(), None, url.to_owned());
    assert_eq!(page.page_views(), [view("navigate", "https://shop.example/"), view("route-change", "https://shop.example/lamp")]);
    assert_eq!(page.actions(), [("zoom".to_owned(), "https://shop.example/lamp".to_owned())]);
    let (_, beacon) = &page.host.posted[0];
    assert_eq!(beacon.views[1].referrer.as_deref(), Some("https://shop.example/"));
    for event in &beacon.events {
        if let Event::Vital(vital) = event {
            assert_eq!(vital.view, 0, "{vital:?}");
        }
    }
}

#[test]
fn track_page_view_names_the_view_that_began_by_itself_or_begins_another() {
    let mut page = Page::open();
    let named = |name: &str, href: &str| Signal::PageView { name: name.into(), href: href.into() };
    page.tell(1100.0, named("home", HOME));
    page.tell(2000.0, named("home again", HOME));
    page.tell(3000.0, Signal::Route("https://shop.example/lamp".into()));
    page.tell(3001.0, named("lamp", "https://shop.example/lamp"));
    page.tell(4000.0, named("lamp, red", "https://shop.example/lamp?colour=red"));
    page.hide(5000.0);
    let sent: Vec<_> = page.page_views().into_iter().map(|(_, name, url)| (name.unwrap(), url)).collect();
    let expected = [
        ("home", "https://shop.example/"),
        ("home again", "https://shop.example/"),
        ("lamp", "https://shop.example/lamp"),
        ("lamp, red", "https://shop.example/lamp"),
    ];
    assert_eq!(sent, expected.map(|(name, url)| (name.to_owned(), url.to_owned())));
}

#[test]
fn without_automatic_page_views_only_the_callers_count_and_the_first_has_the_loads_timing() {
    let mut page = Page::open_with(json!({"autoPageViews": false}), landing(), Fake::default());
    page.tell(1100.0, Signal::Route("https://shop.example/other".into()));
    page.tell(1200.0, vital(Metric::Ttfb, 120.0, None, 0));
    page.hide(1500.0);
    assert_eq!(page.page_views(), []);
    assert_eq!(page.vitals(), [(Metric::Ttfb, 120.0, None)], "measured all the same");
    page.tell(2000.0, Signal::PageView { name: "home".into(), href: HOME.into() });
    page.tell(3000.0, Signal::Route("https://shop.example/lamp".into()));
    page.hide(4000.0);
    let sent = page.events().into_iter().find_map(|event| match event {
        Event::PageView(view) => Some((view.navigation_type.unwrap(), view.ttfb_ms)),
        _ => None,
    });
    assert_eq!(sent, Some(("navigate".to_owned(), Some(120.0))));
    assert_eq!(page.page_views().len(), 1);
}

#[test]
fn what_the_stub_already_sent_is_not_sent_again() {
    let landing = Landing { view: Some(Id(0xab)), view_sent: true, lost: 3, ..landing() };
    let mut page = Page::open_with(json!({}), landing, Fake::default());
    page.act(2000.0, "buy");
    page.hide(3000.0);
    assert_eq!(page.page_views(), []);
    let (_, beacon) = &page.host.posted[0];
    assert_eq!(beacon.views[0].id, Id(0xab));
    assert_eq!(beacon.lost, Some(Losses { dropped: 3, ..Losses::default() }));
}

#[test]
fn what_happened_before_the_core_ran_keeps_its_time() {
    let mut page = Page::open();
    page.monitor.receive(error("early"), at_ms(300), time(1000.0), &mut page.host);
    page.hide(2000.0);
    let times = page.events().into_iter().filter_map(|event| match event {
        Event::Error(error) => Some(error.at_ms),
        _ => None,
    });
    assert_eq!(times.collect::<Vec<_>>(), [at_ms(300)]);
    assert_eq!(page.host.posted[0].1.sent_at_ms, at_ms(2000));
}

#[test]
fn a_loop_of_errors_or_actions_is_cut_short_and_counted() {
    let mut page = Page::open();
    for number in 0..70 {
        page.tell(2000.0, error(&format!("another {number}")));
    }
    for _ in 0..510 {
        page.act(2000.0, "again");
    }
    page.hide(3000.0);
    assert_eq!(page.errors().len(), 50);
    assert_eq!(page.actions().len(), 500);
    let dropped: u32 = page.host.posted.iter().filter_map(|(_, beacon)| beacon.lost).map(|lost| lost.dropped).sum();
    assert_eq!(dropped, 30);
}

#[test]
fn an_error_that_happens_again_is_counted_not_repeated() {
    let mut page = Page::open();
    for at in [2000.0, 2100.0, 2200.0] {
        page.tell(at, error("again"));
    }
    page.tell(2300.0, error("once"));
    page.hide(3000.0);
    page.tell(4000.0, error("again"));
    page.tell(5000.0, Signal::Route("https://shop.example/lamp".into()));
    page.tell(6000.0, error("again"));
    page.hide(7000.0);
    let told: Vec<_> = page.errors().into_iter().map(|error| (error.message, error.count, error.at_ms)).collect();
    let again = |count, at| ("again".to_owned(), count, at_ms(at));
    let expected = [again(1, 2000), ("once".to_owned(), 1, at_ms(2300)), again(2, 2200), again(1, 4000), again(1, 6000)];
    assert_eq!(told, expected, "in each view once, and the rest when it is left");
}

#[test]
fn an_error_tells_what_happened_before_it_and_which_action_caused_it() {
    let mut page = Page::open();
    page.tell(1500.0, Signal::Route("https://shop.example/lamp?token=secret".into()));
    for number in 0..30 {
        page.tell(1600.0, record_with_crumb("request", "request", &format!("GET /{number} 200")));
    }
    page.tell(2000.0, record_with_crumb("action", "click", "click Buy"));
    let request = record_with_crumb("request", "request", "GET /stock 200");
    page.monitor.receive(request, at_ms(2300), time(2900.0), &mut page.host);
    page.act(2950.0, "meanwhile");
    page.monitor.receive(error("out of stock"), at_ms(2940), time(3000.0), &mut page.host);
    page.tell(3960.0, error("much later"));
    page.hide(4000.0);
    let [soon, later] = &page.errors()[..] else { panic!("two errors") };
    let crumbs: Vec<_> = soon.breadcrumbs.iter().map(|crumb| (crumb.kind, crumb.text.as_str(), crumb.at_ms)).collect();
    assert_eq!(crumbs.len(), 20);
    assert_eq!(crumbs[0], (BreadcrumbKind::Request, "GET /12 200", at_ms(1600)), "the oldest went");
    assert_eq!(crumbs[18], (BreadcrumbKind::Click, "click Buy", at_ms(2000)));
    let action = page.events().into_iter().find_map(|event| if let Event::Action(action) = event { action.id } else { None });
    let of_requests =
        page.events().into_iter().filter_map(|event| if let Event::Request(request) = event { request.action } else { None });
    assert_eq!(of_requests.collect::<Vec<_>>(), Vec::from_iter(action), "only the one after it");
    assert!(action.is_some());
    assert_eq!((soon.action, later.action), (action, None));
}

#[test]
fn a_view_that_is_left_tells_how_long_it_was_seen_and_how_far() {
    let mut page = Page::open_with(json!({}), Landing { is_visible: true, ..landing() }, Fake::default());
    page.tell(2000.0, Signal::Scrolled(0.75));
    page.tell(2500.0, Signal::Scrolled(0.5));
    page.hide(3000.0);
    page.hide(3500.0);
    page.tell(5000.0, Signal::Shown);
    page.tell(6000.0, Signal::Route("https://shop.example/lamp".into()));
    page.hide(6500.0);
    page.tell(9000.0, Signal::Restored("https://shop.example/lamp".into()));
    page.hide(9100.0);
    let seen: Vec<_> = page.leaves().into_iter().map(|leave| (leave.visible_ms, leave.total_ms, leave.scroll_ratio)).collect();
    let expected = [(3000.0, 3000.0, 0.75), (4000.0, 6000.0, 0.75), (500.0, 500.0, 0.0), (100.0, 100.0, 0.0)];
    assert_eq!(seen, expected);
}

#[test]
fn the_page_may_change_or_drop_what_is_sent() {
    let edit = |event: &str| match event {
        _ if event.contains("secret") => Some(String::new()),
        _ if event.contains("buy") => Some(event.replace("buy", "sell")),
        _ => None,
    };
    let mut page = Page::open_with(json!({}), landing(), Fake { edit: Some(edit), ..Fake::default() });
    for action in ["secret", "buy", "look"] {
        page.act(2000.0, action);
    }
    page.hide(3000.0);
    assert_eq!(page.actions().into_iter().map(|(action, _)| action).collect::<Vec<_>>(), ["sell", "look"]);
    assert_eq!(page.page_views().len(), 1);
}

#[test]
fn without_consent_nothing_is_stored_or_sent_and_with_it_what_was_kept_is() {
    let pending = Landing { consent: Consent::Pending, ..landing() };
    let mut page = Page::open_with(json!({}), pending.clone(), Fake::default());
    page.act(2000.0, "buy");
    page.hide(3000.0);
    assert_eq!((page.host.posted.len(), &page.host.stored, page.host.wake_at), (0, &None, None));
    page.tell(4000.0, Signal::Consent(Consent::Granted));
    assert_eq!(page.actions().len(), 1);
    assert!(page.host.stored.is_some());

    let mut page = Page::open_with(json!({}), pending, Fake::default());
    page.act(2000.0, "buy");
    page.tell(3000.0, Signal::Consent(Consent::Denied));
    page.act(4000.0, "look");
    page.hide(5000.0);
    assert_eq!((page.host.posted.len(), &page.host.stored), (0, &None));
    page.tell(6000.0, Signal::Consent(Consent::Granted));
    page.act(7000.0, "agree");
    page.hide(8000.0);
    assert_eq!(page.actions().into_iter().map(|(action, _)| action).collect::<Vec<_>>(), ["agree"]);
}

#[test]
fn attributes_are_in_every_beacon_from_then_on() {
    let mut page = Page::open();
    page.act(2000.0, "before");
    let mut attributes = Object::default();
    attributes.text("user.id", "7");
    page.tell(2500.0, Signal::Attributes(attributes));
    page.act(3000.0, "after");
    page.hide(4000.0);
    let told: Vec<_> = page.host.posted.iter().map(|(_, beacon)| beacon.attributes.get("user.id").map(String::as_str)).collect();
    assert_eq!(told, [None, Some("7")]);
}

#[test]
fn after_a_reset_another_session_begins() {
    let mut page = Page::open();
    page.act(2000.0, "before");
    page.tell(2500.0, Signal::Reset);
    page.act(3000.0, "after");
    page.hide(4000.0);
    let [before, after] = &page.host.posted[..] else { panic!("two beacons") };
    assert_ne!(before.1.session.as_ref().unwrap().id, after.1.session.as_ref().unwrap().id);
}

#[test]
fn a_session_goes_on_over_pages_until_a_pause() {
    let mut first = Page::open();
    first.hide(2000.0);
    let session = |page: &Page, index: usize| page.host.posted[index].1.session.clone().unwrap();
    let host = Fake { stored: first.host.stored.clone(), random: 99, ..Fake::default() };
    let mut second = Page::open_with(json!({}), landing(), host);
    second.hide(3000.0);
    assert_eq!(session(&second, 0), session(&first, 0));

    second.act(3000.0 + 31.0 * MINUTE, "back after lunch");
    second.hide(3000.0 + 32.0 * MINUTE);
    assert_ne!(session(&second, 1).id, session(&first, 0).id);
    assert_eq!(second.host.posted[1].1.views[0].id, second.host.posted[0].1.views[0].id, "the same page view, though");
}

#[test]
fn the_loads_vitals_stay_in_the_session_of_the_load() {
    let mut page = Page::open();
    page.tell(1100.0, vital(Metric::Fcp, 400.0, None, 0));
    page.hide(2000.0);
    page.act(2000.0 + 31.0 * MINUTE, "back after lunch");
    page.tell(2000.0 + 31.0 * MINUTE, vital(Metric::Cls, 0.5, Some(0.0), 0));
    page.hide(2000.0 + 32.0 * MINUTE);
    let session = |index: usize| page.host.posted[index].1.session.as_ref().unwrap().id;
    assert_eq!(page.host.posted.len(), 3);
    assert_eq!((session(0) == session(2), session(0) == session(1)), (true, false));
    assert_eq!(page.host.posted[2].1.events.len(), 1, "the correction of CLS");
}

#[test]
fn a_session_outside_the_sample_sends_nothing_and_one_inside_says_for_how_many_it_stands() {
    let stored = |id: &str| Fake { stored: Some(format!("{id}-1700000000000-1700000000000")), ..Fake::default() };
    for (id, beacons) in [("3fff000000000000", 1), ("4000000000000000", 0)] {
        let mut page = Page::open_with(json!({"sampleRate": 0.25, "keepFailed": false}), landing(), stored(id));
        page.tell(1500.0, error("lost"));
        page.hide(2000.0);
        assert_eq!(page.host.posted.len(), beacons, "{id}");
        assert!(
            page.host.posted.iter().all(|(_, beacon)| beacon.session.as_ref().unwrap().sample_rate.to_bits() == 0.25_f64.to_bits())
        );
    }
}

#[test]
fn a_session_outside_the_sample_is_sent_when_something_goes_wrong_in_it_and_counts_nothing() {
    let outside = || Fake { stored: Some("4000000000000000-1700000000000-1700000000000".into()), ..Fake::default() };
    let open = || Page::open_with(json!({"sampleRate": 0.25}), landing(), outside());
    let kind = |event: &Event| serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned();
    let kinds = |page: &Page| page.events().iter().map(kind).collect::<Vec<_>>();

    // All goes well, or the browser only advises: nothing leaves the page.
    let mut page = open();
    page.tell(1000.0, vital(Metric::Lcp, 3999.0, None, 0));
    page.tell(1200.0, record("error", "source", "deprecation"));
    page.tell(1300.0, record("error", "source", "intervention"));
    page.hide(2000.0);
    assert_eq!(page.host.posted, []);
    assert_eq!(page.host.stored.as_deref(), Some("4000000000000000-1700000000000-1700000000000"));

    // An error: what came before it, it, and what comes after it.
    let mut page = open();
    page.tell(1000.0, record("action", "action", "buy"));
    page.tell(1100.0, Signal::PageView { name: "home".into(), href: HOME.into() });
    page.tell(1500.0, error("broken"));
    page.tell(1600.0, record("action", "action", "again"));
    page.hide(2000.0);
    assert_eq!(kinds(&page), ["page_view", "action", "error", "action"]);
    for (_, beacon) in &page.host.posted {
        assert_eq!(beacon.session.as_ref().unwrap().sample_rate.to_bits(), 0.0_f64.to_bits());
        assert_eq!(beacon.views[0].page.as_deref(), Some("home"), "also what happened before it had the name");
    }
    // The next page of the session is sent from its begin.
    let mut page = Page::open_with(json!({"sampleRate": 0.25}), landing(), Fake { stored: page.host.stored, ..Fake::default() });
    page.hide(2000.0);
    assert_eq!(kinds(&page), ["page_view"]);

    // A vital that is poor.
    let mut page = open();
    page.tell(1000.0, vital(Metric::Lcp, 4001.0, None, 0));
    page.hide(2000.0);
    assert_eq!(kinds(&page), ["page_view", "vital"]);
}

#[test]
fn a_session_that_failed_in_another_tab_is_sent_from_this_one_too() {
    let outside = |started: &str, end: &str| Some(format!("4000000000000{started}-17000{started}00000-17000{started}00000{end}"));
    let mut page = Page::open_with(json!({"sampleRate": 0.25}), landing(), Fake { stored: outside("000", ""), ..Fake::default() });
    page.tell(1000.0, record("action", "action", "before"));
    // Nothing happened here for longer than a session lasts, and another tab has begun another.
    page.host.stored = outside("020", "-");
    page.tell(34.0 * MINUTE, record("action", "action", "after"));
    page.hide(35.0 * MINUTE);
    assert_eq!(page.actions().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["after"]);
}

#[test]
fn a_session_outside_the_sample_has_only_its_last_events_ready() {
    let stored = Some("4000000000000000-1700000000000-1700000000000".into());
    let mut page = Page::open_with(json!({"sampleRate": 0.25}), landing(), Fake { stored, ..Fake::default() });
    for number in 0..200_u32 {
        page.tell(f64::from(number) * MINUTE / 10.0, record("action", "action", &number.to_string()));
    }
    assert_eq!(page.host.wake_at, None, "nothing is due");
    page.tell(21.0 * MINUTE, error("broken"));
    page.hide(22.0 * MINUTE);
    let actions = page.actions();
    assert_eq!((actions.len(), actions[0].0.as_str()), (71, "129"), "eight beacons at most");
    assert_eq!(page.host.posted[0].1.lost, None, "what was not to be sent is not lost");
}

#[test]
fn a_batch_goes_out_after_five_seconds_or_when_asked() {
    let mut page = Page::open();
    assert_eq!(page.host.wake_at, Some(6000.0));
    page.tell(6000.0, Signal::Timer);
    assert_eq!(page.host.posted.len(), 1);
    assert_eq!(page.host.wake_at, None);
    page.act(7000.0, "buy");
    page.tell(7001.0, Signal::Flush);
    assert_eq!(page.host.posted.len(), 2);
}

#[test]
fn a_beacon_that_is_tried_again_is_the_same_beacon() {
    let mut page = Page::open_with(json!({}), landing(), Fake { takes_beacons: false, ..Fake::default() });
    page.hide(2000.0);
    let number = page.host.posted[0].0;
    page.tell(2100.0, Signal::Settled(number, Outcome { status: 503, retry_after: 10.0 }));
    let due = page.host.wake_at.unwrap();
    assert!((14_600.0..17_100.0).contains(&due), "what the service asked for, and half of five seconds to all of them: {due}");
    page.tell(due, Signal::Timer);
    let (first, again) = (&page.host.posted[0].1, &page.host.posted[1].1);
    assert_eq!((&first.beacon_id, &first.events, first.sent_at_ms), (&again.beacon_id, &again.events, at_ms(2000)));
    assert_eq!(again.sent_at_ms, time(due).epoch_of(due), "the receiver corrects clocks by it");
    page.tell(due + 100.0, Signal::Settled(number, Outcome { status: 202, retry_after: 0.0 }));
    assert_eq!(page.host.wake_at, None);
}

#[test]
fn a_page_that_may_not_store_anything_is_measured_all_the_same() {
    let mut page = Page::open();
    page.host.stored = None;
    page.act(2000.0, "buy");
    page.tell(2000.0, vital(Metric::Fcp, 400.0, None, 0));
    page.host.stored = None;
    page.hide(3000.0);
    let ids: Vec<_> = page.host.posted.iter().map(|(_, beacon)| beacon.session.as_ref().unwrap().id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(!page.vitals().is_empty());
}
