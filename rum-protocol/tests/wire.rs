//! The wire form, as documented: what a sender writes is what a receiver reads.

use rum_protocol::{ATTRIBUTION_NAMES, Action, Attribution, AttributionKind, Beacon, Event, Id, Metric, Session, View, Vital};
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
