//! The spool of a running and of a stopped service: durability classes, damage, and the commands to look at it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use beamline_tests::{Launch, Service, beacon, beamline, until, vital};

/// Nothing leaves the spool within a test's life.
const HELD_BACK: &str = "segment_max_age_ms = 600000\n";
const STORED: &str = "SELECT count(), uniqExact(event_id) FROM events";

fn launch(durability: &str, more: &str) -> Launch {
    Launch::with(&format!("[spool]\ndurability = \"{durability}\"\n{more}"))
}

async fn send(service: &Service, beacons: std::ops::Range<u32>) {
    for number in beacons {
        service.accept(&beacon(&format!("b{number}"), "/", &[vital("LCP", 7.0)])).await;
    }
}

fn spool(data: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(beamline()).arg("spool").args(arguments).env("BEAMLINE_DATA__DIR", data).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn segments(data: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data.join("spool")).unwrap().map(|entry| entry.unwrap().path());
    let mut segments = files.filter(|path| path.extension().is_some_and(|extension| extension == "spool")).collect::<Vec<_>>();
    segments.sort();
    segments
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_survives_a_kill_of_the_service() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &launch("os", HELD_BACK));
    send(&service, 0..50).await;
    service.kill();
    let service = Service::start(&data, &launch("os", ""));
    service.until_sql(STORED, "50\t50").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_buffered_survives_a_stop_and_doubles_nothing_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &launch("memory", HELD_BACK));
    send(&service, 0..50).await;
    service.stop().await;
    let service = Service::start(&data, &launch("memory", HELD_BACK));
    service.until_sql(STORED, "50\t50").await;
    send(&service, 50..100).await;
    until("the buffer is written", async || (service.metric("beamline_spool_buffered_bytes").await? == 0.0).then_some(())).await;
    service.kill();
    let service = Service::start(&data, &launch("memory", ""));
    service.until_sql(STORED, "100\t100").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_spool_starts_and_is_shown_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    // Each start leaves one segment; without an engine at that address nothing leaves the spool.
    let away = Launch { env: vec![("CLICKHOUSE_URL".into(), "http://127.0.0.1:9".into())], ..launch("fsync", HELD_BACK) };
    for number in 0..4 {
        let service = Service::start(&data, &away);
        send(&service, number * 5..number * 5 + 5).await;
        let (ok, shown) = spool(&data, &["inspect"]);
        assert!(ok && shown.contains(&format!("{} segment", number + 1)), "{shown}");
        service.kill();
    }
    let files = segments(&data);
    assert_eq!(files.len(), 4);
    let (_, all) = spool(&data, &["export"]);
    assert_eq!(all.lines().filter(|line| line.contains("\"beacon\"")).count(), 20, "{all}");

    std::fs::write(&files[0], b"not a segment").unwrap();
    let mut bytes = std::fs::read(&files[1]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&files[1], &bytes).unwrap();
    std::fs::remove_file(&files[2]).unwrap();
    std::fs::create_dir(&files[2]).unwrap();
    let (ok, shown) = spool(&data, &["inspect"]);
    assert!(ok && shown.contains("being written, or damage") && shown.contains("cannot read"), "{shown}");

    let service = Service::start(&data, &launch("fsync", ""));
    service.until_sql(STORED, "9\t9").await;
    assert_eq!(service.metric("beamline_spool_corrupt_segments_total").await, Some(2.0));
    assert_eq!(service.metric("beamline_spool_unreadable_segments_total").await, Some(1.0));
    until("nothing waits", async || (service.metric("beamline_spool_segments").await? == 0.0).then_some(())).await;
    let (ok, shown) = spool(&data, &["inspect"]);
    for part in ["0 segments waiting", "damaged", "unreadable"] {
        assert!(ok && shown.contains(part), "{part} in {shown}");
    }

    let name = files[2].file_stem().unwrap().to_str().unwrap();
    let (ok, said) = spool(&data, &["replay", name]);
    assert!(!ok && said.contains("make its file readable first"), "{said}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_segment_is_put_back_whole_once_it_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let service = Service::start(&data, &launch("fsync", HELD_BACK));
    send(&service, 0..5).await;
    service.kill();
    let file = segments(&data).remove(0);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let service = Service::start(&data, &launch("fsync", ""));
    assert_eq!(service.metric("beamline_spool_unreadable_segments_total").await, Some(1.0));

    let aside = data.join("spool/corrupt").join(file.file_name().unwrap());
    std::fs::remove_dir(&aside).unwrap();
    std::fs::write(&aside, &bytes).unwrap();
    let name = file.file_stem().unwrap().to_str().unwrap();
    let (ok, said) = spool(&data, &["replay", name]);
    assert!(ok && said.contains("put back whole, 5 records"), "{said}");
    service.until_sql(STORED, "5\t5").await;
    // The same bytes under the same name once more: ClickHouse knows the tokens.
    std::fs::write(&aside, &bytes).unwrap();
    let taken = service.metric("beamline_writer_segments_total").await.unwrap();
    assert!(spool(&data, &["replay", name]).0);
    until("it is taken", async || (service.metric("beamline_writer_segments_total").await? > taken).then_some(())).await;
    assert_eq!(service.sql().text(STORED).await, "5\t5");
    service.stop().await;
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (ok, said) = spool(dir.path(), &["inspect"]);
    assert!(!ok && said.contains("no spool in") && said.contains("--config"), "{said}");
    std::fs::create_dir(dir.path().join("spool")).unwrap();
    let (ok, said) = spool(dir.path(), &["inspect"]);
    assert!(ok && said.contains("0 segments waiting"), "{said}");
    let (ok, said) = spool(dir.path(), &["replay", "nonsense"]);
    assert!(!ok && said.contains("beamline spool inspect"), "{said}");
    let (ok, said) = spool(dir.path(), &["replay", "000000000001-00000000000000ff"]);
    assert!(!ok && said.contains("there is no segment"), "{said}");
    std::fs::write(dir.path().join("taken"), "").unwrap();
    let (ok, said) = spool(dir.path(), &["export", "--output", dir.path().join("taken").to_str().unwrap()]);
    assert!(!ok && said.contains("taken"), "{said}");
}
