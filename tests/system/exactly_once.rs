//! A beacon that is sent again counts once: in events, rollups and ledger, before and after a restart, and at the same time.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use beamline_tests::{Answer, Launch, Service, beacon, until, vital};
use serde_json::{Value, json};

/// Nothing leaves the spool within a test's life.
const HELD_BACK: &str = "[spool]\nsegment_max_age_ms = 600000\n";
/// Many small inserts, so that a kill meets one.
const HASTY: &str = "[spool]\nsegment_max_age_ms = 20\n";
const TWO_PROJECTS: &str = "[[projects]]\nid = \"shop\"\nkey = \"default\"\n[[projects]]\nid = \"blog\"\nkey = \"other\"\n";

/// Raw rows, distinct events, what the rollup counts and sums.
const CENSUS: &str = "SELECT (SELECT count() FROM events), (SELECT uniqExact(event_id) FROM events),
    (SELECT sum(count) FROM vitals_5m), (SELECT sum(sum) FROM vitals_5m), (SELECT sum(count) FROM vitals_1d)";

const LEDGER: &str = "SELECT outcome, reason, scope, sum(count) FROM ingest_outcomes GROUP BY ALL ORDER BY ALL";

fn id(number: u32) -> String {
    format!("019a0b1c-2d3e-7f40-8a5b-{number:012x}")
}

fn numbered(number: u32) -> Value {
    beacon(&id(number), "/", &[vital("LCP", 100.0), vital("INP", 1.0)])
}

fn census(beacons: u32) -> String {
    let (events, sum) = (2 * beacons, 101 * beacons);
    format!("{events}\t{events}\t{events}\t{sum}\t{events}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_sent_again_is_answered_as_the_first_was_and_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(TWO_PROJECTS));
    let mut events = [vital("LCP", 100.0), vital("INP", 1.0), vital("CLS", 0.0)];
    events[2]["value"] = json!("none");
    let body = beacon(&id(1), "/", &events).to_string();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(Answer::to(service.post(body.clone())).await);
    }
    assert_eq!(answers[0].json()["accepted"], 2);
    assert!(answers.iter().all(|answer| (answer.status, &answer.text) == (202, &answers[0].text)), "{answers:?}");
    let ledger = "accepted\t\trequest\t1\naccepted\t\tevent\t2\nrejected\tmalformed_event\tevent\t1\nduplicate\t\trequest\t2\nduplicate\t\tevent\t6";
    service.until_sql(LEDGER, ledger).await;
    assert_eq!(service.sql().text(CENSUS).await, census(1));
    for (series, value) in [
        ("beamline_beacons_total{outcome=\"duplicate\",project=\"shop\",reason=\"\"}", 2.0),
        ("beamline_events_total{outcome=\"duplicate\",project=\"shop\",reason=\"\"}", 6.0),
        ("beamline_dedup_beacons", 1.0),
        ("beamline_dedup_max_beacons", 1_000_000.0),
        ("beamline_dedup_forgotten_early_total", 0.0),
        ("beamline_dedup_journal_failures_total", 0.0),
    ] {
        assert_eq!(service.metric(series).await, Some(value), "{series}");
    }

    // Another project's beacon of the same id is another beacon; ids that are none never cost an event.
    assert_eq!(Answer::to(service.post_with_key("other", numbered(1).to_string())).await.status, 202);
    let simple = json!({"metric": "LCP", "value": 100}).to_string();
    let nameless = beacon("1", "/", &[vital("LCP", 100.0)]).to_string();
    for body in [&simple, &simple, &nameless, &nameless] {
        assert_eq!(Answer::to(service.post(body.clone())).await.status, 202);
    }
    service.until_sql("SELECT project_id, count() FROM events GROUP BY ALL ORDER BY ALL", "blog\t2\nshop\t6").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_equal_beacons_at_once_one_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let service = Arc::new(Service::start(&dir.path().join("data"), &Launch::default()));
    let sent = (0..100).map(|_| {
        let service = service.clone();
        tokio::spawn(async move { Answer::to(service.post(numbered(7).to_string())).await.status })
    });
    for answer in sent.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap(), 202);
    }
    let ledger = "accepted\t\trequest\t1\naccepted\t\tevent\t2\nduplicate\t\trequest\t99\nduplicate\t\tevent\t198";
    service.until_sql(LEDGER, ledger).await;
    assert_eq!(service.sql().text(CENSUS).await, census(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_sent_again_after_a_kill_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::with(HELD_BACK));
    service.accept(&numbered(1)).await;
    service.kill();

    // Known from the spool, where it waits …
    let service = Service::start(&data, &Launch::with(HELD_BACK));
    assert_eq!(service.metric("beamline_dedup_beacons").await, Some(1.0));
    service.accept(&numbered(1)).await;
    service.accept(&numbered(2)).await;
    service.stop().await;

    // … and from the journal, once ClickHouse has it and the spool is empty.
    for _ in 0..2 {
        let service = Service::start(&data, &Launch::default());
        assert_eq!(service.metric("beamline_spool_segments").await, Some(0.0));
        service.accept(&numbered(1)).await;
        service.accept(&numbered(2)).await;
        let duplicates = service.metric("beamline_beacons_total{outcome=\"duplicate\",project=\"default\",reason=\"\"}").await;
        assert_eq!(duplicates, Some(2.0));
        service.until_sql(CENSUS, &census(2)).await;
        service.kill();
    }
}

/// Sends these beacons one after the other until one gets no answer.
async fn send(service: Arc<Service>, numbers: Vec<u32>) {
    for number in numbers {
        if service.post(numbered(number).to_string()).send().await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beacons_sent_again_after_kills_under_load_count_once() {
    const SENDERS: u32 = 4;
    const EACH: u32 = 60;
    const ROUNDS: u32 = 6;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut sent = 0;
    for round in 0..ROUNDS {
        let service = Arc::new(Service::start(&data, &Launch::with(HASTY)));
        // Whatever was sent before comes again, and more behind it.
        let before = service.metric("beamline_dedup_beacons").await.unwrap();
        let senders = (0..SENDERS).map(|sender| {
            let mine = (0..sent + SENDERS * EACH).filter(|number| number % SENDERS == sender).collect();
            tokio::spawn(send(service.clone(), mine))
        });
        let senders = senders.collect::<Vec<_>>();
        sent += SENDERS * EACH;
        // The kill comes while beacons are being written, inserted, noted and removed, each time at another number of them.
        until("new beacons are stored", async || {
            let now = service.metric("beamline_dedup_beacons").await.unwrap();
            (now >= before + f64::from(20 + 37 * round)).then_some(())
        })
        .await;
        kill(&service);
        for sender in senders {
            sender.await.unwrap();
        }
    }
    let service = Arc::new(Service::start(&data, &Launch::default()));
    send(service.clone(), (0..sent).collect()).await;
    service.until_sql(CENSUS, &census(sent)).await;
    let seen = service.metric("beamline_dedup_beacons").await;
    assert_eq!(seen, Some(f64::from(sent)));
}

fn kill(service: &Service) {
    let pid = i32::try_from(service.pid()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
