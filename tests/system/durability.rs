//! What was acknowledged is stored, exactly once, whatever is killed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use beamline_tests::{Launch, Service, beacon, until, vital};

/// Nothing leaves the spool within a test's life.
const HELD_BACK: &str = "[spool]\nsegment_max_age_ms = 600000\n";
/// Many small inserts, so that a kill meets one.
const HASTY: &str = "[spool]\nsegment_max_age_ms = 20\n";

/// More would mostly test the growing pause before a restart.
const KILLS: u32 = 5;
/// Bounds the load if the service should never come back.
const MOST_BATCHES: u32 = 20_000;

/// Raw rows, distinct events, and what each rollup counts and sums.
const CENSUS: &str = "SELECT
    (SELECT count() FROM events), (SELECT uniqExact(event_id) FROM events), (SELECT sum(value) FROM events),
    (SELECT sum(count) FROM vitals_5m), (SELECT sum(sum) FROM vitals_5m),
    (SELECT sum(count) FROM vitals_1h), (SELECT sum(sum) FROM vitals_1h),
    (SELECT sum(count) FROM vitals_1d), (SELECT sum(sum) FROM vitals_1d),
    (SELECT sum(arraySum(mapValues(buckets))) FROM vitals_1h),
    (SELECT sum(count) FROM ingest_outcomes WHERE outcome = 'accepted' AND scope = 'event')";

fn census(events: u64, sum: u64) -> String {
    [events, events, sum, events, sum, events, sum, events, sum, events, events].map(|number| number.to_string()).join("\t")
}

async fn send(service: &Service, beacons: std::ops::Range<u32>) -> (u64, u64) {
    let (mut events, mut sum) = (0, 0);
    for number in beacons {
        let value = 1 + number % 5000;
        service.accept(&beacon(&format!("b{number}"), "/", &[vital("LCP", f64::from(value)), vital("INP", 2.0)])).await;
        events += 2;
        sum += u64::from(value) + 2;
    }
    (events, sum)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_between_answer_and_insert_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::with(HELD_BACK));
    let (events, sum) = send(&service, 0..50).await;
    service.kill();

    let service = Service::start(&data, &Launch::default());
    service.until_sql(CENSUS, &census(events, sum)).await;
    service.stop().await;
    let service = Service::start(&data, &Launch::default());
    service.until_sql(CENSUS, &census(events, sum)).await;
    assert_eq!(service.metric("beamline_spool_segments").await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_service_has_written_everything() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::with(HELD_BACK));
    let (events, sum) = send(&service, 0..20).await;
    let log = service.stop().await;
    assert!(!log.contains("waits in the spool"), "{log}");

    let service = Service::start(&data, &Launch::default());
    assert_eq!(service.metric("beamline_spool_segments").await, Some(0.0));
    service.until_sql(CENSUS, &census(events, sum)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_killed_during_inserts_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let service = Arc::new(Service::start(&dir.path().join("data"), &Launch::with(HASTY)));
    let enough = Arc::new(AtomicBool::new(false));
    let load = {
        let (service, enough) = (service.clone(), enough.clone());
        tokio::spawn(async move {
            let (mut events, mut sum) = (0, 0);
            for batch in (0..MOST_BATCHES).take_while(|_| !enough.load(Ordering::Relaxed)) {
                let (more_events, more_sum) = send(&service, batch * 10..batch * 10 + 10).await;
                (events, sum) = (events + more_events, sum + more_sum);
            }
            (events, sum)
        })
    };
    for kill in 1..=KILLS {
        let rows = service.metric("beamline_writer_rows_total").await.unwrap();
        service.kill_engine().await;
        // The next kill comes after some inserts of the new engine, so that each meets another moment.
        until("the engine takes inserts again", async || {
            let more = service.metric("beamline_writer_rows_total").await.unwrap();
            (more > rows + f64::from(kill)).then_some(())
        })
        .await;
    }
    assert!(!load.is_finished(), "every kill came under load");
    enough.store(true, Ordering::Relaxed);
    let (events, sum) = load.await.unwrap();
    service.until_sql(CENSUS, &census(events, sum)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_under_load_keeps_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (mut events, mut sum, mut next) = (0, 0, 0);
    for round in 0..6_u32 {
        let service = Service::start(&data, &Launch::with(HASTY));
        let sending = send(&service, next..next + 40);
        // Everything sent is acknowledged before the kill; how much of it is inserted by then differs from round to round.
        let (more_events, more_sum) = sending.await;
        until("some rows are inserted", async || {
            let rows = service.metric("beamline_writer_rows_total").await.unwrap();
            (rows >= f64::from(round) * 12.0).then_some(())
        })
        .await;
        service.kill();
        (events, sum, next) = (events + more_events, sum + more_sum, next + 40);
    }
    let service = Service::start(&data, &Launch::default());
    service.until_sql(CENSUS, &census(events, sum)).await;
}
