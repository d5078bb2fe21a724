//! A changed configuration is taken over while beacons come in; a broken one changes nothing.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use beamline_tests::{Answer, Launch, Service, beacon, until, vital};
use rum_protocol::RejectReason;

const FAILURES: &str = "beamline_config_reload_failures_total";
const LOADED: &str = "beamline_config_loaded_timestamp_seconds";
const SHOP: &str = "[[projects]]\nid = \"shop\"\nkey = \"default\"\n";
const BLOG: &str = "[[projects]]\nid = \"blog\"\nkey = \"other\"\n";

/// The configuration file of a service on that data folder.
fn file(data: &Path) -> PathBuf {
    data.with_extension("toml")
}

/// Puts another text into a configuration file, in one step, as an editor does.
fn replace(file: &Path, change: impl Fn(&str) -> String) {
    let text = change(&std::fs::read_to_string(file).unwrap());
    let new = file.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, file).unwrap();
}

fn hang_up(service: &Service) {
    let pid = i32::try_from(service.pid()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
}

async fn status(service: &Service, key: &str) -> u16 {
    let body = beacon("x", "/", &[vital("LCP", 1.0)]).to_string();
    Answer::to(service.post_with_key(key, body)).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_works_after_sighup_or_a_change_of_the_file_and_no_request_is_lost_over_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Arc::new(Service::start(&data, &Launch::with(SHOP)));
    let enough = Arc::new(AtomicBool::new(false));
    let load = {
        let (service, enough) = (service.clone(), enough.clone());
        tokio::spawn(async move {
            let mut sent = 0_u64;
            while !enough.load(Ordering::Relaxed) {
                assert_eq!(status(&service, "default").await, 202);
                sent += 1;
            }
            sent
        })
    };
    assert_eq!(status(&service, "other").await, RejectReason::UnknownKey.status());

    replace(&file(&data), |text| format!("{text}{BLOG}"));
    hang_up(&service);
    until("the new key works", async || (status(&service, "other").await == 202).then_some(())).await;

    replace(&file(&data), |text| text.replace("\"other\"", "\"third\""));
    until("the file is looked at", async || (status(&service, "third").await == 202).then_some(())).await;
    assert_eq!(status(&service, "other").await, RejectReason::UnknownKey.status());
    assert_eq!(service.metric(FAILURES).await, Some(0.0));

    enough.store(true, Ordering::Relaxed);
    let sent = load.await.unwrap();
    service.until_sql("SELECT count() FROM events WHERE project_id = 'shop'", &sent.to_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_refused_whole_and_said_why() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &Launch::with(&format!("{SHOP}{BLOG}")));
    let good = std::fs::read_to_string(file(&data)).unwrap();
    let loaded = service.metric(LOADED).await.unwrap();
    assert!(loaded > 1.7e9, "{loaded}");
    let broken = [
        ("not TOML", "[[projects]".to_owned(), "TOML parse error"),
        ("an unknown key", good.replace("key = \"other\"", "kee = \"other\""), "kee"),
        ("a wrong value", good.replace("id = \"blog\"", "id = \"a b\""), "a b"),
        ("a wrong filter", good.replace("[log]", "[log]\nfilter = \"rum_ingest=loud\""), "log.filter"),
        (
            "a database that is not there",
            format!("[enrich]\ncountry_database = \"/nowhere/countries.mmdb\"\n{good}"),
            "/nowhere/countries.mmdb",
        ),
    ];
    for (failures, (what, text, said)) in (1_u32..).zip(broken) {
        replace(&file(&data), |_| text.clone());
        hang_up(&service);
        until(what, async || (service.metric(FAILURES).await >= Some(f64::from(failures))).then_some(())).await;
        until(what, async || service.log().contains(said).then_some(())).await;
        assert_eq!((status(&service, "default").await, status(&service, "other").await), (202, 202), "{what}");
    }
    assert!(service.log().contains("the one before stays"));

    // What needs a restart is named; the rest is in use.
    let filter = "[log]\nfilter = \"rum_ingest=debug\"";
    replace(&file(&data), |_| {
        good.replace("[log]", filter).replace("key = \"other\"", "key = \"fourth\"") + "[spool]\nmax_bytes = 70000000\n"
    });
    hang_up(&service);
    until("the good one is in use", async || (status(&service, "fourth").await == 202).then_some(())).await;
    until("the setting is named", async || service.log().contains("\"settings\":\"spool.max_bytes\"").then_some(())).await;
    assert_eq!(status(&service, "nobody").await, 401);
    until("debug lines", async || service.log().contains("beacon refused").then_some(())).await;
    assert!(service.metric(LOADED).await.unwrap() >= loaded);
}
