//! The database behind the service: another server, one that is missing, schema versions, configuration.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{path::Path, process::Command};

use beamline_tests::{Launch, Service, Sql, beacon, beamline, vital};
use embedded_clickhouse::{Engine, SupervisorConfig, locate_library};

/// An engine of its own, as a server the service does not start.
async fn server(dir: &Path, port: u16) -> Engine {
    let library = locate_library(None).unwrap();
    let config = SupervisorConfig {
        args: vec!["engine".into()],
        database: "beamline".into(),
        listen: ([127, 0, 0, 1], port).into(),
        ..SupervisorConfig::new(beamline(), library, dir.join("server"))
    };
    Engine::start(config).await.unwrap()
}

fn launch(engine: &Engine) -> Launch {
    let at = engine.endpoint();
    Launch {
        config: format!("[clickhouse]\nuser = {:?}\n", at.writer.user),
        env: vec![("CLICKHOUSE_URL".into(), at.url.clone()), ("BEAMLINE_CLICKHOUSE__PASSWORD".into(), at.writer.key.clone())],
    }
}

fn reader(engine: &Engine) -> Sql {
    let at = engine.endpoint();
    Sql { url: at.url.clone(), database: at.database.clone(), user: at.reader.user.clone(), key: at.reader.key.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_server_is_used_when_configured() {
    let dir = tempfile::tempdir().unwrap();
    let engine = server(dir.path(), 0).await;
    let service = Service::start(&dir.path().join("data"), &launch(&engine));
    service.accept(&beacon("x", "/", &[vital("LCP", 7.0)])).await;
    let sql = reader(&engine);
    beamline_tests::until("the row", async || (sql.ask("SELECT value FROM events").await == Ok("7".into())).then_some(())).await;
    service.stop().await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beacons_wait_while_the_server_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let engine = server(dir.path(), 0).await;
    let (way, sql) = (launch(&engine), reader(&engine));
    let port = engine.endpoint().url.rsplit(':').next().unwrap().parse().unwrap();
    engine.shutdown().await;

    let service = Service::start(&dir.path().join("data"), &way);
    for number in 0..5 {
        service.accept(&beacon(&format!("b{number}"), "/", &[vital("LCP", 7.0)])).await;
    }
    let health = service.fetch("/health").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (200, Some("degraded")));
    assert_eq!(service.fetch("/health/ready").await.status, 200, "beacons are still kept");

    // The keys of the new server differ, so the service is restarted with them; the spool has kept everything.
    service.stop().await;
    let engine = server(dir.path(), port).await;
    let service = Service::start(&dir.path().join("data"), &launch(&engine));
    let sql = Sql { key: reader(&engine).key, ..sql };
    beamline_tests::until("the rows", async || (sql.ask("SELECT count() FROM events").await == Ok("5".into())).then_some(())).await;
    service.stop().await;
    engine.shutdown().await;
}

#[test]
fn without_a_library_the_service_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(beamline())
        .arg("serve")
        .env("BEAMLINE_SERVER__LISTEN", "127.0.0.1:0")
        .env("BEAMLINE_DATA__DIR", dir.path())
        .env("BEAMLINE_CHDB_LIB", "/nowhere/libchdb.so")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    for part in ["/nowhere/libchdb.so", "npm ci", "CLICKHOUSE_URL"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn check_config_shows_all_settings_and_names_what_is_wrong() {
    let check = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("beamline.toml");
        std::fs::write(&path, text).unwrap();
        Command::new(beamline()).arg("check-config").arg("--config").arg(path).output().unwrap()
    };
    let good = check("[clickhouse]\npassword = \"geheim\"\n");
    let shown = String::from_utf8(good.stdout).unwrap();
    assert!(good.status.success());
    assert!(shown.contains("segment_max_age_ms = 1000") && !shown.contains("geheim"), "{shown}");
    let bad = check("[server]\nlisten_address = \"127.0.0.1:1\"\n");
    assert!(!bad.status.success());
    let said = String::from_utf8(bad.stderr).unwrap();
    assert!(said.contains("unknown key `server.listen_address`") && said.contains("did you mean `server.listen`?"), "{said}");
}
