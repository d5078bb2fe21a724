//! Between spool and ClickHouse: rows it refuses, answers that are none, passwords that are wrong, and what an operator does about it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use beamline_tests::{Launch, Service, Sql, beacon, beamline, until, vital};
use embedded_clickhouse::{Engine, SupervisorConfig, locate_library};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Raw rows, distinct events, the sum of values, what the rollups and the ledger count.
const CENSUS: &str = "SELECT
    (SELECT count() FROM events), (SELECT uniqExact(event_id) FROM events), (SELECT sum(value) FROM events),
    (SELECT sum(count) FROM vitals_5m), (SELECT sum(sum) FROM vitals_1d),
    (SELECT sum(count) FROM ingest_outcomes WHERE outcome = 'accepted' AND scope = 'event')";

fn census(rows: u32, sum: u32, counted: u32) -> String {
    [rows, rows, sum, rows, sum, counted].map(|number| number.to_string()).join("\t")
}

/// A service, and an engine of its own that the service does not start.
struct Setup {
    dir: tempfile::TempDir,
    engine: Engine,
}

impl Setup {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(dir.path(), 0).await;
        Self { dir, engine }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A service that reaches the engine at this address.
    fn service(&self, url: &str) -> Service {
        let writer = &self.engine.endpoint().writer;
        let launch = Launch {
            config: format!("[spool]\nsegment_max_age_ms = 20\n[clickhouse]\nuser = {:?}\n", writer.user),
            env: vec![("CLICKHOUSE_URL".into(), url.into()), ("BEAMLINE_CLICKHOUSE__PASSWORD".into(), writer.key.clone())],
        };
        Service::start(&self.data(), &launch)
    }

    fn direct(&self) -> Service {
        self.service(&self.engine.endpoint().url)
    }

    fn sql(&self) -> Sql {
        let at = self.engine.endpoint();
        Sql { url: at.url.clone(), database: at.database.clone(), user: at.writer.user.clone(), key: at.writer.key.clone() }
    }

    async fn until(&self, query: &str, expected: &str) {
        let sql = self.sql();
        let mut last = String::new();
        for _ in 0..600 {
            last = sql.ask(query).await.unwrap_or_else(|error| error);
            if last == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{query}\nanswered {last}\nexpected {expected}");
    }

    fn spool(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = spool(&self.data(), arguments);
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }
}

async fn engine(dir: &Path, port: u16) -> Engine {
    let config = SupervisorConfig {
        args: vec!["engine".into()],
        database: "beamline".into(),
        listen: ([127, 0, 0, 1], port).into(),
        ..SupervisorConfig::new(beamline(), locate_library(None).unwrap(), dir.join("server"))
    };
    Engine::start(config).await.unwrap()
}

fn spool(data: &Path, arguments: &[&str]) -> Output {
    Command::new(beamline()).arg("spool").args(arguments).env("BEAMLINE_DATA__DIR", data).output().unwrap()
}

async fn metric(service: &Service, name: &str) -> u32 {
    service.metric(name).await.unwrap().to_string().parse().unwrap()
}

async fn at_least(service: &Service, name: &str, least: u32) {
    until(name, async || (metric(service, name).await >= least).then_some(())).await;
}

/// A beacon with these LCP values.
async fn send(service: &Service, id: &str, values: &[u32]) {
    let vitals = values.iter().map(|value| vital("LCP", f64::from(*value))).collect::<Vec<_>>();
    service.accept(&beacon(id, "/", &vitals)).await;
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// No number that times or ids in the log have among their digits, as good as surely.
const ODD: u32 = 7_654_321;
const FORBID: &str = "ALTER TABLE events ADD CONSTRAINT odd CHECK value != 7654321";
const ALLOW: &str = "ALTER TABLE events DROP CONSTRAINT odd";

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_refused_are_set_aside_alone_and_can_be_put_back() {
    let setup = Setup::new().await;
    let service = setup.direct();
    send(&service, "first", &[1]).await;
    setup.until(CENSUS, &census(1, 1, 1)).await;
    setup.sql().text(FORBID).await;

    for number in 0..20 {
        let values = if number % 5 == 0 { [2, ODD, 3] } else { [2, 3, 4] };
        send(&service, &format!("b{number}"), &values).await;
    }
    at_least(&service, "beamline_writer_quarantined_rows_total{reason=\"constraint\"}", 4).await;
    // 16 beacons of 9, and 4 of 5 without what is refused; the ledger has counted all that was accepted.
    setup.until(CENSUS, &census(57, 1 + 16 * 9 + 4 * 5, 61)).await;
    let shown = setup.spool(&["inspect"]);
    assert!(shown.contains("4 × constraint (code 469), events: "), "{shown}");
    assert!(!service.log().contains(&ODD.to_string()), "values of rows stay out of the log");

    let exported = lines(&setup.spool(&["export", "--quarantine"]));
    assert_eq!(exported.len(), 4);
    for line in &exported {
        assert_eq!(
            (&line["table"], &line["reason"], &line["code"]),
            (&json!("events"), &json!("constraint"), &json!(469)),
            "{line}"
        );
        assert_eq!(line["record"]["replayed"]["events"].as_array().unwrap().len(), 1, "{line}");
    }
    let file = setup.dir.path().join("out.jsonl");
    setup.spool(&["export", "--quarantine", "--output", file.to_str().unwrap()]);
    assert_eq!(lines(&std::fs::read_to_string(file).unwrap()), exported);

    // Put back too early they are refused once more.
    assert!(setup.spool(&["replay", "--dry-run"]).contains("would put back"));
    assert!(setup.spool(&["replay"]).contains("put back"));
    at_least(&service, "beamline_writer_quarantined_rows_total{reason=\"constraint\"}", 8).await;
    until("nothing waits", async || (metric(&service, "beamline_spool_segments").await == 0).then_some(())).await;

    setup.sql().text(ALLOW).await;
    assert!(setup.spool(&["replay"]).contains("put back"));
    setup.until(CENSUS, &census(61, 1 + 16 * 9 + 4 * (5 + ODD), 61)).await;
    assert_eq!(setup.spool(&["replay"]), "nothing is in quarantine\n");
    service.stop().await;
    setup.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_the_halves_of_a_refused_block_stores_nothing_twice() {
    let setup = Setup::new().await;
    let service = setup.direct();
    send(&service, "first", &[1]).await;
    setup.until(CENSUS, &census(1, 1, 1)).await;
    service.stop().await;

    // All in one segment: ClickHouse is not there yet.
    let service = setup.service("http://127.0.0.1:9");
    for number in 0..60 {
        send(&service, &format!("b{number}"), &[2, ODD, 3, 4]).await;
    }
    service.kill();
    setup.sql().text(FORBID).await;
    let service = setup.direct();
    at_least(&service, "beamline_writer_refused_blocks_total", 15).await;
    service.kill();
    let stored = setup.sql().number("SELECT count() FROM events").await;
    assert!(stored < 181.0, "the kill came in between");

    // Without the constraint the whole block would be taken now; its halves are in the table already.
    setup.sql().text(ALLOW).await;
    let service = setup.direct();
    until("nothing waits", async || (metric(&service, "beamline_spool_segments").await == 0).then_some(())).await;
    setup.spool(&["replay"]);
    setup.until(CENSUS, &census(241, 1 + 60 * (9 + ODD), 241)).await;
    service.stop().await;
    setup.engine.shutdown().await;
}

/// What is wrong with the way to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// Inserts arrive, their answers do not.
    AnswersLost,
    /// Every request is answered so, by something that is not ClickHouse.
    Says(&'static str),
}

/// Stands between service and engine. A change ends all connections.
struct Between {
    url: String,
    wrong: watch::Sender<Wrong>,
}

impl Between {
    async fn to(engine: &Engine) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let address: Arc<str> = engine.endpoint().url.trim_start_matches("http://").into();
        let wrong = watch::Sender::new(Wrong::Nothing);
        let changes = wrong.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, address.clone(), changes.clone()));
            }
        });
        Self { url, wrong }
    }
}

async fn pass(mut client: TcpStream, address: Arc<str>, mut changes: watch::Receiver<Wrong>) {
    let wrong = *changes.borrow_and_update();
    let passing = async {
        match wrong {
            Wrong::Nothing => {
                let mut server = TcpStream::connect(&*address).await?;
                copy_bidirectional(&mut client, &mut server).await.map(drop)
            }
            Wrong::AnswersLost => lose_answers(&mut client, TcpStream::connect(&*address).await?).await,
            Wrong::Says(answer) => {
                let mut bytes = vec![0; 16 << 10];
                if client.read(&mut bytes).await? > 0 {
                    client.write_all(answer.as_bytes()).await?;
                    client.shutdown().await?;
                    while client.read(&mut bytes).await? > 0 {}
                }
                Ok(())
            }
        }
    };
    tokio::select! {
        _ = passing => {}
        _ = changes.changed() => {}
    }
}

/// Carries everything until the answer to an insert comes.
async fn lose_answers(client: &mut TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    let mut is_insert = false;
    loop {
        tokio::select! {
            length = client.read(&mut up) => match length? {
                0 => return Ok(()),
                length => {
                    is_insert |= up[..length].windows(6).any(|part| part == b"INSERT");
                    server.write_all(&up[..length]).await?;
                }
            },
            length = server.read(&mut down) => match length? {
                0 => return Ok(()),
                _ if is_insert => return Ok(()),
                length => client.write_all(&down[..length]).await?,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_lost_or_are_none_lose_and_double_nothing() {
    let setup = Setup::new().await;
    let between = Between::to(&setup.engine).await;
    let service = setup.service(&between.url);
    send(&service, "first", &[1]).await;
    setup.until(CENSUS, &census(1, 1, 1)).await;

    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\nconnection: close\r\n\r\n<html>log in</html>\n";
    let nothing = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let code = "HTTP/1.1 500 Oops\r\ncontent-length: 10\r\nconnection: close\r\n\r\nCode: 999.\n";
    let gateway = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let noise = "\u{1}\u{2}\u{3}SSH-2.0 nonsense\r\n\r\n";
    let wrongs =
        [Wrong::AnswersLost, Wrong::Says(page), Wrong::Says(nothing), Wrong::Says(code), Wrong::Says(gateway), Wrong::Says(noise)];
    let mut rows = 1;
    for wrong in wrongs {
        between.wrong.send_replace(wrong);
        let failures = metric(&service, "beamline_writer_failures_total").await;
        for _ in 0..10 {
            send(&service, &format!("b{rows}"), &[1]).await;
            rows += 1;
        }
        at_least(&service, "beamline_writer_failures_total", failures + 2).await;
        assert_eq!(metric(&service, "beamline_writer_quarantined_segments_total").await, 0, "{wrong:?}");
        between.wrong.send_replace(Wrong::Nothing);
        setup.until(CENSUS, &census(rows, rows, rows)).await;
    }
    service.stop().await;
    setup.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_sets_nothing_aside() {
    let mut setup = Setup::new().await;
    let service = setup.direct();
    send(&service, "first", &[1]).await;
    setup.until(CENSUS, &census(1, 1, 1)).await;

    // The same server, at the same address, with another password.
    let port = setup.engine.endpoint().url.rsplit(':').next().unwrap().parse().unwrap();
    setup.engine.shutdown().await;
    setup.engine = engine(setup.dir.path(), port).await;
    send(&service, "second", &[1]).await;
    at_least(&service, "beamline_writer_configuration_failures_total", 2).await;
    let log = service.stop().await;
    assert!(log.contains("correct clickhouse.user and clickhouse.password"), "{log}");
    assert!(setup.spool(&["inspect"]).contains("1 segment waiting for ClickHouse"), "{}", setup.spool(&["inspect"]));

    let service = setup.direct();
    setup.until(CENSUS, &census(2, 2, 2)).await;
    service.stop().await;
    setup.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_missing_is_waited_for() {
    let setup = Setup::new().await;
    let service = setup.direct();
    send(&service, "first", &[1]).await;
    setup.until(CENSUS, &census(1, 1, 1)).await;
    setup.sql().text("RENAME TABLE events TO elsewhere").await;
    send(&service, "second", &[1]).await;
    at_least(&service, "beamline_writer_configuration_failures_total", 1).await;
    setup.sql().text("RENAME TABLE elsewhere TO events").await;
    setup.until("SELECT count() FROM events", "2").await;
    assert_eq!(metric(&service, "beamline_writer_quarantined_segments_total").await, 0);
    service.stop().await;
    setup.engine.shutdown().await;
}
