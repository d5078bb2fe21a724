//! The pipeline from request to what is stored, without network or disk.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../../tests/src/mmdb.rs"]
#[expect(unreachable_pub, reason = "it is public in the system tests")]
mod mmdb;

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use rum_ingest::{
    accepted::{AcceptedBeacon, Rejection},
    config::Project,
    pipeline::{Acceptance, Body, Countries, Head, Knowledge, Pipeline, Sender, StepTimer},
};
use rum_protocol::{Event, RejectReason, limits};
use serde_json::{Value, json};

const NOW_MS: u64 = 1_700_000_000_000;

struct Untimed;

impl StepTimer for Untimed {
    fn took(&self, _: &'static str, _: Duration) {}
}

fn accept_bytes(bytes: &[u8], encoding: Option<&str>) -> Result<Acceptance, Rejection> {
    let pipeline = Pipeline::new(&[Project::open_default()]);
    let head = Head { key: Some("default"), ..Head::default() };
    let admitted = pipeline.admit(head, Instant::now(), &Untimed).unwrap();
    let user_agent = Some("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0");
    let sender = Sender { user_agent, ..Sender::default() };
    pipeline.accept(&admitted, Body { bytes, encoding, sender, received: Instant::now() }, NOW_MS, &Untimed)
}

fn accept(body: &Value) -> Result<Acceptance, Rejection> {
    accept_bytes(body.to_string().as_bytes(), None)
}

fn beacon(events: &Value) -> Value {
    json!({
        "v": 1, "beacon_id": "0190", "sent_at_ms": NOW_MS, "release": "4.2",
        "session": {"id": "ab", "started_at_ms": NOW_MS - 5000},
        "views": [{"id": "1", "url": "https://shop.example/cart?secret=1"}, {"id": "2", "url": "https://shop.example/", "page": "home"}],
        "events": events,
    })
}

fn vital() -> Value {
    json!({"type": "vital", "at_ms": NOW_MS - 10, "metric": "LCP", "value": 2500.0})
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn stored(result: Result<Acceptance, Rejection>) -> AcceptedBeacon {
    result.unwrap().beacon
}

#[test]
fn a_beacon_is_stored_with_what_the_service_knows() {
    let body = beacon(&json!([vital(), {"type": "action", "at_ms": NOW_MS, "view": 1, "action": "buy"}]));
    let stored = stored(accept(&body));
    assert_eq!((stored.project_id.as_str(), stored.release.as_str(), stored.session_id.0), ("default", "4.2", 0xab));
    assert_eq!(
        (stored.agent.browser.as_str(), stored.agent.browser_major, stored.agent.device.as_str()),
        ("Firefox", 153, "desktop")
    );
    let places = stored.events.iter().map(|event| (event.page.as_str(), event.url.as_str())).collect::<Vec<_>>();
    assert_eq!(places, [("/cart", "https://shop.example/cart"), ("home", "https://shop.example/")]);
    assert!(!serde_json::to_string(&stored).unwrap().contains("secret"));
}

#[test]
fn a_gzipped_beacon_is_the_same_beacon() {
    let body = beacon(&json!([vital()])).to_string();
    let plain = stored(accept_bytes(body.as_bytes(), None));
    assert_eq!(stored(accept_bytes(&gzip(body.as_bytes()), Some("gzip"))), plain);
}

#[test]
fn the_simple_forms_are_beacons_too() {
    let body = json!([
        {"metric": "lcp", "value": 1200, "timestamp": NOW_MS - 50, "url": "https://shop.example/a", "userAgent": "x Chrome/150 x"},
        {"event": "signup", "data": {"plan": "pro", "seats": 3, "value": 9.5, "category": "growth", "nested": {}}},
        {"event": "page_view", "data": {"page": "pricing"}},
        {"event": "error", "data": {"message": "boom", "name": "TypeError", "code": 7}},
    ]);
    let stored = stored(accept(&body));
    assert_eq!(stored.agent.browser, "Chrome");
    assert_eq!(stored.beacon_id.len(), 32, "made by the service");
    let pages = stored.events.iter().map(|event| event.page.as_str()).collect::<Vec<_>>();
    assert_eq!(pages, ["/a", "", "pricing", ""]);
    let Event::Action(action) = &stored.events[1].event else { panic!("{:?}", stored.events[1]) };
    assert_eq!((action.action.as_str(), action.category.as_deref(), action.value), ("signup", Some("growth"), Some(9.5)));
    assert_eq!(
        action.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(),
        [("plan", "pro"), ("seats", "3")]
    );
    let Event::Error(error) = &stored.events[3].event else { panic!("{:?}", stored.events[3]) };
    assert_eq!((error.message.as_str(), error.attributes["code"].as_str()), ("boom", "7"));
    assert_eq!(accept(&json!({"metric": "CLS", "value": 0})).unwrap().beacon.events.len(), 1);
}

#[test]
fn one_bad_event_costs_only_itself() {
    let mut events = vec![vital(); 10];
    events[4]["value"] = json!(-1);
    let acceptance = accept(&beacon(&json!(events))).unwrap();
    assert_eq!(acceptance.beacon.events.iter().map(|event| event.index).collect::<Vec<_>>(), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(
        acceptance.rejected.iter().map(|event| (event.index, event.rejection.reason)).collect::<Vec<_>>(),
        [(4, RejectReason::ValueOutOfRange)]
    );
    assert_eq!(acceptance.beacon.rejected, ["value_out_of_range"]);
}

/// The attribution as it is stored, of a vital sent with `sent`.
fn attribution(sent: &Value) -> Value {
    let mut event = vital();
    event["attribution"] = sent.clone();
    let stored = stored(accept(&beacon(&json!([event]))));
    serde_json::to_value(&stored.events[0].event).unwrap()["attribution"].clone()
}

#[test]
fn an_attribution_is_kept_by_its_known_names() {
    let known = json!({"target": "#buy", "load_state": "complete", "input_delay_ms": 12.5, "unattributed_ms": -0.25});
    assert_eq!(attribution(&known), known);
    let mut more = known.clone();
    more["later_ms"] = json!(1);
    more["ttfb_ms"] = json!(null);
    for n in 0..200 {
        more[format!("k{n}")] = json!(["x"]);
    }
    assert_eq!(attribution(&more), known, "an unknown name costs neither the event nor the others");
    assert_eq!(attribution(&json!({})), json!(null));
    assert_eq!(attribution(&json!({"mood": "good"})), json!(null));
}

#[test]
fn addresses_in_an_attribution_lose_what_may_be_personal() {
    let sent = json!({
        "url": "https://shop.example/hero.webp?user=secret#secret",
        "longest_script_url": "/app.js?secret",
        "longest_script_invoker": "https://shop.example/app.js?secret",
        "target": "a#q?x",
    });
    let kept = json!({
        "url": "https://shop.example/hero.webp",
        "longest_script_url": "/app.js",
        "longest_script_invoker": "https://shop.example/app.js",
        "target": "a#q?x",
    });
    assert_eq!(attribution(&sent), kept);
    for (sent, kept) in
        [("BUTTON#buy.onclick", "BUTTON#buy.onclick"), ("data:text/javascript,secret", "data:text/javascript"), ("", "")]
    {
        assert_eq!(attribution(&json!({"longest_script_invoker": sent}))["longest_script_invoker"], kept);
    }
    assert_eq!(attribution(&json!({"url": "data:image/png;base64,secret"})), json!({"url": "data:image/png;base64"}));
}

const MEASURE: &str = r#"{"type": "measure", "name": "search", "value": 12.5, "unit": "ms"}"#;
const REQUEST: &str = r#"{"type": "request", "initiator": "fetch", "url": "https://shop.example/api", "duration_ms": 40}"#;
const LONG_FRAME: &str = r#"{"type": "long_frame", "duration_ms": 180, "blocking_ms": 120}"#;
const PAGE_LEAVE: &str = r#"{"type": "page_leave", "visible_ms": 5000, "total_ms": 8000, "scroll_ratio": 0.75}"#;

/// The event of now, with one key more or another value.
fn changed(event: &'static str) -> impl Fn(&str, Value) -> Value {
    move |key, value| {
        let mut event: Value = serde_json::from_str(event).unwrap();
        event["at_ms"] = json!(NOW_MS);
        event[key] = value;
        event
    }
}

#[test]
fn a_request_is_named_by_host_and_route_and_keeps_no_query() {
    let url = |url: &str| {
        let stored = stored(accept(&beacon(&json!([changed(REQUEST)("url", json!(url))]))));
        let Event::Request(request) = &stored.events[0].event else { panic!("{stored:?}") };
        (request.url.clone(), stored.events[0].endpoint.clone())
    };
    for (sent, kept, endpoint) in [
        ("https://api.shop.example/orders/17?token=x#y", "https://api.shop.example/orders/17", "api.shop.example/orders/:id"),
        ("https://u:p@api.shop.example:8443/a", "https://api.shop.example:8443/a", "api.shop.example:8443/a"),
        ("https://shop.example", "https://shop.example", "shop.example/"),
        ("/api/users/ada@example.org", "/api/users/[email]", "/api/users/:id"),
        ("data:image/png;base64,secret", "data:image/png;base64", "data:image/png;base64"),
        ("http://203.0.113.7/x", "http://[ip]/x", "[ip]/x"),
    ] {
        assert_eq!(url(sent), (kept.to_owned(), endpoint.to_owned()), "{sent}");
    }
    let long = format!("https://{}/{}", "h".repeat(250), "p/".repeat(200));
    assert_eq!(url(&long).1.len(), limits::MAX_NAME_BYTES);
}

#[test]
fn attributes_of_the_beacon_lie_under_those_of_its_events() {
    let mut sent = beacon(&json!([
        vital(),
        {"type": "action", "at_ms": NOW_MS, "action": "buy", "attributes": {"plan": "free", "flag.checkout": "own"}},
        {"type": "page_view", "at_ms": NOW_MS, "attributes": {"utm_source": "news ada@example.org"}},
    ]));
    sent["attributes"] = json!({"user.id": "12345678901", "flag.checkout": "b", "note": "call 12345678901"});
    let stored = stored(accept(&sent));
    let all = |index: usize| {
        let pairs = stored.events[index].all_attributes().map(|(name, value)| (name.clone(), json!(value)));
        pairs.collect::<serde_json::Map<_, _>>()
    };
    let beacons = json!({"user.id": "12345678901", "flag.checkout": "b", "note": "call [number]"});
    assert_eq!(json!(all(0)), beacons);
    let merged = json!({"user.id": "12345678901", "flag.checkout": "own", "note": "call [number]", "plan": "free"});
    assert_eq!(json!(all(1)), merged);
    assert_eq!(all(2)["utm_source"], "news [email]");

    let with = |attributes: Value, events: usize| {
        let mut sent = beacon(&json!(vec![vital(); events]));
        sent["attributes"] = attributes;
        accept(&sent).map_err(|rejection| rejection.reason)
    };
    let many =
        |count: usize| (0..count).map(|n| (format!("k{n:02}"), json!("v".repeat(limits::MAX_ATTRIBUTE_VALUE_BYTES)))).collect();
    assert!(with(Value::Object(many(limits::MAX_ATTRIBUTES)), 10).is_ok());
    assert_eq!(with(Value::Object(many(limits::MAX_ATTRIBUTES + 1)), 1).unwrap_err(), RejectReason::WrongShape);
    assert_eq!(
        with(Value::Object(many(limits::MAX_ATTRIBUTES)), 100).unwrap_err(),
        RejectReason::WrongShape,
        "more than they may be in all"
    );
    assert_eq!(with(json!({"user.id": 7}), 1).unwrap_err(), RejectReason::WrongShape);
}

#[test]
fn breadcrumbs_are_before_their_error_and_scrubbed() {
    let behind = 3_600_000;
    let crumb = |at_ms: u64, text: &str| json!({"at_ms": at_ms, "kind": "request", "text": text});
    let sent_at = NOW_MS - behind;
    let crumbs =
        [crumb(sent_at - 100, "GET https://shop.example/a?token=geheim"), crumb(u64::MAX, "ada@example.org"), crumb(0, "")];
    let mut sent =
        beacon(&json!([{"type": "error", "at_ms": sent_at - 50, "source": "console", "message": "m", "breadcrumbs": crumbs}]));
    sent["sent_at_ms"] = json!(sent_at);
    let stored = stored(accept(&sent));
    let Event::Error(error) = &stored.events[0].event else { panic!("{stored:?}") };
    let kept = error.breadcrumbs.iter().map(|crumb| (crumb.at_ms, crumb.text.as_str())).collect::<Vec<_>>();
    let oldest = NOW_MS - 50 - 14 * 86_400_000;
    assert_eq!(kept, [(NOW_MS - 100, "GET https://shop.example/a"), (NOW_MS - 50, "[email]"), (oldest, "")]);
}

#[test]
fn texts_of_the_new_types_are_scrubbed_and_addresses_shortened() {
    let secret = "ada@example.org";
    let events = [
        changed(MEASURE)("name", json!(secret)),
        changed(MEASURE)("unit", json!(secret)),
        changed(MEASURE)("attributes", json!({"note": secret})),
        changed(REQUEST)("initiator", json!(secret)),
        changed(REQUEST)("method", json!(secret)),
        changed(LONG_FRAME)("script_url", json!("https://shop.example/a.js?u=ada@example.org")),
        changed(LONG_FRAME)("script_invoker", json!("https://shop.example/a.js#ada@example.org")),
        changed(LONG_FRAME)("script_invoker", json!("A#ada@example.org.onclick")),
        changed(PAGE_LEAVE)("scroll_ratio", json!(1)),
    ];
    let stored = stored(accept(&beacon(&json!(events))));
    assert_eq!(stored.events.len(), events.len());
    let text = serde_json::to_string(&stored).unwrap();
    assert!(!text.contains("example.org"), "{text}");
}

#[test]
fn bad_events_are_refused_by_reason() {
    let long = "x".repeat(limits::MAX_STACK_BYTES + 1);
    let with = |key: &str, value: Value| {
        let mut event = vital();
        event[key] = value;
        event
    };
    let error = |key: &str, value: Value| {
        let mut event = json!({"type": "error", "at_ms": NOW_MS, "source": "api", "message": "m"});
        event[key] = value;
        event
    };
    let (measure, request, frame, leave) = (changed(MEASURE), changed(REQUEST), changed(LONG_FRAME), changed(PAGE_LEAVE));
    let crumb = |text: &str| json!({"at_ms": NOW_MS, "kind": "click", "text": text});
    let many = (0..=limits::MAX_ATTRIBUTES).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    let cases = [
        (with("type", json!("hologram")), RejectReason::UnknownEventType),
        (json!({"at_ms": NOW_MS}), RejectReason::MalformedEvent),
        (json!("vital"), RejectReason::MalformedEvent),
        (json!(null), RejectReason::MalformedEvent),
        (with("metric", json!("SPEED")), RejectReason::MalformedEvent),
        (with("value", json!("12")), RejectReason::MalformedEvent),
        (with("at_ms", json!(-1)), RejectReason::MalformedEvent),
        (json!({"type": "vital", "metric": "LCP", "at_ms": NOW_MS}), RejectReason::MalformedEvent),
        (with("view", json!(2)), RejectReason::UnknownView),
        (with("value", json!(limits::MAX_DURATION_MS * 2.0)), RejectReason::ValueOutOfRange),
        (with("prev_value", json!(-0.5)), RejectReason::ValueOutOfRange),
        (with("metric_id", json!("x".repeat(65))), RejectReason::FieldTooLong),
        (with("at_ms", json!(NOW_MS + 2 * 86_400_000)), RejectReason::TimeOutOfRange),
        (with("at_ms", json!(NOW_MS - 15 * 86_400_000)), RejectReason::TimeOutOfRange),
        (with("at_ms", json!(u64::MAX)), RejectReason::TimeOutOfRange),
        (with("attribution", json!("because")), RejectReason::MalformedEvent),
        (with("attribution", json!({"input_delay_ms": "12"})), RejectReason::MalformedEvent),
        (with("attribution", json!({"target": ["#buy"]})), RejectReason::MalformedEvent),
        (with("attribution", json!({"input_delay_ms": 2e11})), RejectReason::ValueOutOfRange),
        (with("attribution", json!({"unattributed_ms": -2e11})), RejectReason::ValueOutOfRange),
        (with("attribution", json!({"target": "x".repeat(limits::MAX_NAME_BYTES + 1)})), RejectReason::FieldTooLong),
        (with("attribution", json!({"url": "x".repeat(limits::MAX_URL_BYTES + 1)})), RejectReason::FieldTooLong),
        (error("stack", json!(long)), RejectReason::FieldTooLong),
        (error("message", json!(long)), RejectReason::FieldTooLong),
        (error("attributes", Value::Object(many)), RejectReason::FieldTooLong),
        (error("source", json!("elsewhere")), RejectReason::MalformedEvent),
        (error("count", json!(0)), RejectReason::ValueOutOfRange),
        (error("count", json!(limits::MAX_ERROR_COUNT + 1)), RejectReason::ValueOutOfRange),
        (error("count", json!(-1)), RejectReason::MalformedEvent),
        (error("action", json!("not hex")), RejectReason::MalformedEvent),
        (error("breadcrumbs", json!(vec![crumb("x"); limits::MAX_BREADCRUMBS + 1])), RejectReason::FieldTooLong),
        (error("breadcrumbs", json!([crumb(&"x".repeat(limits::MAX_NAME_BYTES + 1))])), RejectReason::FieldTooLong),
        (error("breadcrumbs", json!([{"at_ms": 1, "kind": "thought", "text": ""}])), RejectReason::MalformedEvent),
        (json!({"type": "action", "at_ms": NOW_MS, "action": ""}), RejectReason::MalformedEvent),
        (json!({"type": "action", "at_ms": NOW_MS, "action": "a", "id": "00000000000000000"}), RejectReason::MalformedEvent),
        (json!({"type": "page_view", "at_ms": NOW_MS, "attributes": {"utm_source": 1}}), RejectReason::MalformedEvent),
        (json!({"type": "measure", "at_ms": NOW_MS, "name": "m"}), RejectReason::MalformedEvent),
        (measure("name", json!("")), RejectReason::MalformedEvent),
        (measure("name", json!("x".repeat(limits::MAX_NAME_BYTES + 1))), RejectReason::FieldTooLong),
        (measure("unit", json!("x".repeat(limits::MAX_UNIT_BYTES + 1))), RejectReason::FieldTooLong),
        (measure("value", json!("1")), RejectReason::MalformedEvent),
        (request("url", json!("")), RejectReason::MalformedEvent),
        (request("url", json!("x".repeat(limits::MAX_URL_BYTES + 1))), RejectReason::FieldTooLong),
        (request("initiator", json!("x".repeat(limits::MAX_NAME_BYTES + 1))), RejectReason::FieldTooLong),
        (request("method", json!("x".repeat(limits::MAX_UNIT_BYTES + 1))), RejectReason::FieldTooLong),
        (request("status", json!(1000)), RejectReason::ValueOutOfRange),
        (request("status", json!(-1)), RejectReason::MalformedEvent),
        (request("failure", json!("boredom")), RejectReason::MalformedEvent),
        (request("duration_ms", json!(-1)), RejectReason::ValueOutOfRange),
        (request("ttfb_ms", json!(1e9)), RejectReason::ValueOutOfRange),
        (request("transfer_bytes", json!(limits::MAX_ANSWER_BYTES + 1)), RejectReason::ValueOutOfRange),
        (request("decoded_bytes", json!(1.5)), RejectReason::MalformedEvent),
        (request("trace_id", json!("4BF92F3577B34DA6A3CE929D0E0E4736")), RejectReason::MalformedEvent),
        (request("trace_id", json!("0".repeat(32))), RejectReason::MalformedEvent),
        (request("trace_id", json!("ab")), RejectReason::MalformedEvent),
        (frame("blocking_ms", json!(-0.5)), RejectReason::ValueOutOfRange),
        (frame("script_ms", json!(1e9)), RejectReason::ValueOutOfRange),
        (frame("script_url", json!("x".repeat(limits::MAX_URL_BYTES + 1))), RejectReason::FieldTooLong),
        (frame("script_invoker", json!("x".repeat(limits::MAX_URL_BYTES + 1))), RejectReason::FieldTooLong),
        (leave("scroll_ratio", json!(1.01)), RejectReason::ValueOutOfRange),
        (leave("visible_ms", json!(-1)), RejectReason::ValueOutOfRange),
        (leave("total_ms", json!(2.0 * limits::MAX_STAY_MS)), RejectReason::ValueOutOfRange),
    ];
    for (event, reason) in cases {
        let acceptance = accept(&beacon(&json!([vital(), event]))).unwrap();
        let found = acceptance.rejected.iter().map(|event| (event.index, event.rejection.reason)).collect::<Vec<_>>();
        assert_eq!(found, [(1, reason)], "{event}");
        assert_eq!(accept(&beacon(&json!([event]))).unwrap_err().reason, reason, "alone it costs the request: {event}");
    }
}

#[test]
fn bad_bodies_are_refused_by_reason() {
    let mut wrong_rate = beacon(&json!([vital()]));
    wrong_rate["session"]["sample_rate"] = json!(-0.1);
    let views = vec![json!({"id": "1", "url": "u"}); limits::MAX_VIEWS + 1];
    let mut many_views = beacon(&json!([vital()]));
    many_views["views"] = json!(views);
    let mut version = beacon(&json!([vital()]));
    version["v"] = json!(2);
    let mut text_version = beacon(&json!([vital()]));
    text_version["v"] = json!("1");
    let many = json!(vec![json!({"metric": "LCP", "value": 1}); limits::MAX_EVENTS + 1]);
    let bomb = gzip(&vec![b' '; limits::MAX_DECODED_BYTES + 1]);
    let mut cut = gzip(b"{}");
    cut.truncate(cut.len() - 4);
    let cases: Vec<(Vec<u8>, Option<&str>, RejectReason)> = vec![
        (b"".to_vec(), None, RejectReason::EmptyBody),
        (b" \n".to_vec(), None, RejectReason::EmptyBody),
        (b"{".to_vec(), None, RejectReason::NotJson),
        (b"hello".to_vec(), None, RejectReason::NotJson),
        (b"{\"v\":1} trailing".to_vec(), None, RejectReason::NotJson),
        (vec![0xff, 0xfe], None, RejectReason::NotJson),
        ("[".repeat(60_000).into_bytes(), None, RejectReason::NotJson),
        (b"{}".to_vec(), None, RejectReason::WrongShape),
        (b"17".to_vec(), None, RejectReason::WrongShape),
        (b"null".to_vec(), None, RejectReason::WrongShape),
        (b"{\"v\":1,\"events\":3}".to_vec(), None, RejectReason::WrongShape),
        (b"{\"events\":[]}".to_vec(), None, RejectReason::WrongShape),
        (b"[]".to_vec(), None, RejectReason::NoEvents),
        (beacon(&json!([])).to_string().into_bytes(), None, RejectReason::NoEvents),
        (version.to_string().into_bytes(), None, RejectReason::UnsupportedVersion),
        (text_version.to_string().into_bytes(), None, RejectReason::WrongShape),
        (wrong_rate.to_string().into_bytes(), None, RejectReason::WrongShape),
        (many_views.to_string().into_bytes(), None, RejectReason::TooManyEvents),
        (many.to_string().into_bytes(), None, RejectReason::TooManyEvents),
        (vec![b' '; limits::MAX_BODY_BYTES + 1], None, RejectReason::BodyTooLarge),
        (bomb, Some("gzip"), RejectReason::DecodedTooLarge),
        (b"{}".to_vec(), Some("gzip"), RejectReason::MalformedEncoding),
        (cut, Some("gzip"), RejectReason::MalformedEncoding),
        (b"{}".to_vec(), Some("deflate"), RejectReason::UnsupportedEncoding),
    ];
    for (body, encoding, reason) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(accept_bytes(&body, encoding).unwrap_err().reason, reason, "{shown}");
    }
}

#[test]
fn a_wrong_clock_is_corrected_by_the_time_of_sending() {
    let ahead = 3 * 86_400_000;
    let mut body = beacon(&json!([{"type": "vital", "at_ms": NOW_MS + ahead - 700, "metric": "LCP", "value": 1}]));
    body["sent_at_ms"] = json!(NOW_MS + ahead);
    let stored = stored(accept(&body));
    assert_eq!(stored.events[0].at_ms, i64::try_from(NOW_MS).unwrap() - 700);
    assert_eq!(stored.skew_ms, i64::try_from(ahead).unwrap());
}

#[test]
fn the_country_of_the_address_is_stored_and_the_address_is_not() {
    let database = mmdb::countries(&[(Ipv4Addr::new(203, 0, 113, 0), 24, "NL"), (Ipv4Addr::new(198, 51, 100, 128), 25, "DE")]);
    let countries = Some(Arc::new(Countries::new(database).unwrap()));
    let pipeline = Pipeline::new(&[Project::open_default()]).knowing(Knowledge { countries, ..Knowledge::default() });
    let head = Head { key: Some("default"), ..Head::default() };
    let admitted = pipeline.admit(head, Instant::now(), &Untimed).unwrap();
    let body = beacon(&json!([vital()])).to_string();
    let of = |address: &str| {
        let sender = Sender { address: Some(address.parse().unwrap()), ..Sender::default() };
        let body = Body { bytes: body.as_bytes(), encoding: None, sender, received: Instant::now() };
        let stored = stored(pipeline.accept(&admitted, body, NOW_MS, &Untimed));
        assert!(!serde_json::to_string(&stored).unwrap().contains(address));
        stored.country
    };
    assert_eq!(["203.0.113.9", "198.51.100.200", "198.51.100.3", "2001:db8::1"].map(of), ["NL", "DE", "", ""]);
    assert!(Countries::new(b"no database".to_vec()).is_err());
}

#[test]
fn a_query_is_kept_in_no_address() {
    let address = "https://u:p@shop.example/a.js?token=secret#secret";
    let error = json!({"type": "error", "at_ms": NOW_MS, "source": "api", "message": "m", "file": address});
    let data = json!({"type": "error", "at_ms": NOW_MS, "source": "api", "message": "m", "file": "data:text/javascript,secret"});
    let stored = stored(accept(&beacon(&json!([error, data]))));
    assert!(!serde_json::to_string(&stored).unwrap().contains("secret"));
    let Event::Error(error) = &stored.events[0].event else { panic!("{stored:?}") };
    assert_eq!(error.file.as_deref(), Some("https://shop.example/a.js"));
}

#[test]
fn details_do_not_repeat_what_was_sent() {
    let event = json!({"type": "vital", "at_ms": NOW_MS, "metric": "geheim", "value": "geheim"});
    for body in [
        beacon(&json!([event])),
        json!({"metric": "geheim", "value": 1}),
        json!({"v": 1, "events": "geheim", "beacon_id": "geheim"}),
    ] {
        let rejection = accept(&body).unwrap_err();
        assert!(!rejection.detail.contains("geheim"), "{rejection:?}");
    }
}

#[test]
fn a_key_opens_its_own_project_for_its_own_origins() {
    let project = Project {
        id: "shop".into(),
        key: Some("k1".into()),
        allowed_origins: vec!["https://shop.example".into()],
        ..Project::open_default()
    };
    let pipeline = Pipeline::new(&[project, Project::open_default()]);
    let admit = |key, origin| {
        pipeline
            .admit(Head { key, origin, client: None }, Instant::now(), &Untimed)
            .map(|admitted| admitted.project_id)
            .map_err(|(project, rejection)| (project, rejection.reason))
    };
    assert_eq!(admit(Some("k1"), Some("https://shop.example")), Ok("shop".into()));
    assert_eq!(admit(Some("default"), Some("https://elsewhere.example")), Ok("default".into()));
    assert_eq!(admit(Some("k1"), Some("https://evil.example")), Err((Some("shop".into()), RejectReason::OriginNotAllowed)));
    assert_eq!(admit(Some("k2"), None), Err((None, RejectReason::UnknownKey)));
    assert_eq!(admit(None, None), Err((None, RejectReason::UnknownKey)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..512), gzipped in any::<bool>()) {
        let _ = accept_bytes(&bytes, gzipped.then_some("gzip"));
    }

    #[test]
    fn a_number_in_an_attribution_is_stored_in_range_or_refused(number in any::<f64>()) {
        let mut event = vital();
        event["attribution"] = json!({"input_delay_ms": number});
        match accept(&beacon(&json!([event]))) {
            Ok(_) => prop_assert!(!number.is_finite() || number.abs() <= limits::MAX_ATTRIBUTION_NUMBER),
            Err(rejection) => {
                prop_assert_eq!(rejection.reason, RejectReason::ValueOutOfRange);
                prop_assert!(number.abs() > limits::MAX_ATTRIBUTION_NUMBER);
            }
        }
    }

    #[test]
    fn a_damaged_beacon_gets_an_answer(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = beacon(&json!([vital(), {"type": "error", "at_ms": NOW_MS, "source": "api", "message": "m"}])).to_string().into_bytes();
        let at = position.index(body.len());
        body[at] = byte;
        if let Ok(acceptance) = accept_bytes(&body, None) {
            prop_assert_eq!(acceptance.beacon.events.len() + acceptance.rejected.len(), 2);
        }
    }
}
