//! The wire form, as documented: what a sender writes is what a receiver reads.

use rum_protocol::{
    ATTRIBUTION_NAMES, Action, Attributes, Attribution, AttributionKind, Beacon, Event, Id, Metric, Session, View, Vital,
};
use serde_json::{Value, json};

fn attribution() -> Attribution {
    let mut attribution = Attribution::default();
    attribution.text("target", "#hero".into());
    attribution.number("ttfb_ms", 12.5);
    attribution
}

#[test]
fn a_beacon_has_exactly_the_documented_keys() {
    let beacon = Beacon {
        v: rum_protocol::VERSION,
        beacon_id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
        sent_at_ms: 1_700_000_000_500,
        sdk: None,
        release: Some("4.2".into()),
        env: None,
        session: Some(Session { id: Id(0xab), started_at_ms: 1_700_000_000_000, sample_rate: 1.0 }),
        context: None,
        lost: None,
        attributes: Attributes::new(),
        views: vec![View { id: Id(1), url: "https://shop.example/".into(), ..View::default() }],
        events: vec![
            Event::Vital(Vital {
                at_ms: 1_700_000_000_400,
                view: 0,
                metric: Metric::Lcp,
                metric_id: None,
                value: 1234.5,
                prev_value: None,
                navigation_type: Some("navigate".into()),
                attribution: attribution(),
            }),
            Event::Vital(Vital {
                at_ms: 1_700_000_000_400,
                view: 0,
                metric: Metric::Cls,
                metric_id: None,
                value: 0.0,
                prev_value: None,
                navigation_type: None,
                attribution: Attribution::default(),
            }),
            Event::Action(Action { at_ms: 1, action: "click".into(), ..Action::default() }),
        ],
    };
    let wire = json!({
        "v": 1, "beacon_id": "01890a5d-ac96-774b-bcce-b302099a8057", "sent_at_ms": 1_700_000_000_500_u64, "release": "4.2",
        "session": {"id": "00000000000000ab", "started_at_ms": 1_700_000_000_000_u64, "sample_rate": 1.0},
        "views": [{"id": "0000000000000001", "url": "https://shop.example/"}],
        "events": [
            {
                "type": "vital", "at_ms": 1_700_000_000_400_u64, "view": 0, "metric": "LCP", "value": 1234.5, "navigation_type": "navigate",
                "attribution": {"target": "#hero", "ttfb_ms": 12.5},
            },
            {"type": "vital", "at_ms": 1_700_000_000_400_u64, "view": 0, "metric": "CLS", "value": 0.0},
            {"type": "action", "at_ms": 1, "view": 0, "action": "click"},
        ],
    });
    assert_eq!(serde_json::to_value(&beacon).unwrap(), wire);
    assert_eq!(serde_json::from_value::<Beacon>(wire).unwrap(), beacon);
}

/// Every key that may be there, with a value that is not its default.
#[test]
fn every_optional_key_goes_both_ways() {
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let wire = json!({
        "v": 1, "beacon_id": "b", "sent_at_ms": 9, "lost": {"dropped": 1, "refused": 2, "retried": 3},
        "attributes": {"flag.checkout": "b", "user.id": "4711"}, "views": [],
        "events": [
            {"type": "page_view", "at_ms": 1, "view": 0, "attributes": {"utm_source": "news"}},
            {"type": "action", "at_ms": 2, "view": 0, "id": "00000000000000ab", "action": "rage_click"},
            {
                "type": "error", "at_ms": 3, "view": 0, "source": "network", "message": "m", "count": 7, "action": "00000000000000ab",
                "breadcrumbs": [{"at_ms": 1, "kind": "navigation", "text": "/"}, {"at_ms": 2, "kind": "custom", "text": "x"}],
            },
            {"type": "measure", "at_ms": 4, "view": 0, "name": "search", "value": 12.5, "unit": "ms", "attributes": {"hits": "3"}},
            {
                "type": "request", "at_ms": 5, "view": 0, "initiator": "fetch", "method": "GET", "url": "https://shop.example/api", "status": 503,
                "failure": "timeout", "duration_ms": 40.5, "ttfb_ms": 30.0, "transfer_bytes": 300, "decoded_bytes": 900, "trace_id": trace_id,
                "action": "00000000000000ab",
            },
            {
                "type": "long_frame", "at_ms": 6, "view": 0, "duration_ms": 180.0, "blocking_ms": 120.0, "script_url": "https://shop.example/a.js",
                "script_invoker": "BUTTON#buy.onclick", "script_ms": 150.0,
            },
            {"type": "page_leave", "at_ms": 7, "view": 0, "visible_ms": 5000.0, "total_ms": 8000.0, "scroll_ratio": 0.75},
        ],
    });
    let beacon = serde_json::from_value::<Beacon>(wire.clone()).unwrap();
    assert_eq!(serde_json::to_value(&beacon).unwrap(), wire);
    assert_eq!(beacon.events.iter().map(Event::at_ms).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn an_error_stands_for_itself_alone_unless_it_says_more() {
    let wire = json!({"type": "error", "at_ms": 3, "view": 0, "source": "crash", "message": "m"});
    let event = serde_json::from_value::<Event>(wire.clone()).unwrap();
    assert!(matches!(&event, Event::Error(error) if error.count == 1), "{event:?}");
    assert_eq!(serde_json::to_value(&event).unwrap(), wire);
}

#[test]
fn events_are_read_one_by_one_and_unknown_keys_are_ignored() {
    let wire = json!({
        "v": 1, "beacon_id": "b", "sent_at_ms": 1, "later_addition": {"x": 1},
        "events": [{"type": "hologram"}, {"type": "action", "at_ms": 2, "action": "buy", "also_later": true}],
    });
    let beacon: Beacon<Value> = serde_json::from_value(wire).unwrap();
    assert!(serde_json::from_value::<Event>(beacon.events[0].clone()).is_err());
    assert!(matches!(serde_json::from_value(beacon.events[1].clone()).unwrap(), Event::Action(action) if action.action == "buy"));
}

#[test]
fn attribution_is_read_by_the_names_of_the_list_alone() {
    let read = |wire: Value| serde_json::from_value::<Attribution>(wire);
    let known = json!({"target": "#hero", "ttfb_ms": 12.5});
    assert_eq!(read(known.clone()).unwrap(), attribution());
    assert_eq!(serde_json::to_value(attribution()).unwrap(), known);
    let more = json!({"target": "#hero", "ttfb_ms": 12.5, "later_ms": null, "mood": {"deep": [1]}, "TARGET": "x", "": 1});
    assert_eq!(read(more).unwrap(), attribution());
    assert_eq!(read(json!({})).unwrap(), Attribution::default());
    assert_eq!(read(json!({"target": null, "ttfb_ms": null})).unwrap(), Attribution::default(), "not known either");
    for wrong in [json!({"ttfb_ms": "12.5"}), json!({"target": 1}), json!({"ttfb_ms": true}), json!([]), json!("x"), json!(null)] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
    assert_eq!(read(json!({"ttfb_ms": 12})).unwrap(), read(json!({"ttfb_ms": 12.0})).unwrap(), "a whole number is a number too");
}

#[test]
#[should_panic(expected = "input_delay is no number of the list")]
fn a_name_outside_the_list_is_a_mistake_of_ours() {
    Attribution::default().number("input_delay", 1.0);
}

#[test]
fn the_names_are_unique_and_say_their_unit() {
    for (at, name) in ATTRIBUTION_NAMES.iter().enumerate() {
        assert!(ATTRIBUTION_NAMES[..at].iter().all(|other| other.name != name.name), "{}", name.name);
        assert!(name.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", name.name);
        let is_number = name.kind == AttributionKind::Number;
        assert_eq!(name.name.ends_with("_ms") || name.name == "largest_shift_value", is_number, "{}", name.name);
    }
}
