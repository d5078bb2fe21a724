//! What analysts are given: every question of `docs/sql.md` with its answer, from three clients, and a schema that explains itself.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};

use beamline_tests::{Server, beamline};
use tokio::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A server with the schema and nothing in it.
async fn migrated(dir: &Path) -> Server {
    let server = Server::start(dir).await;
    let launch = server.launch();
    let config = dir.join("beamline.toml");
    std::fs::write(&config, &launch.config).unwrap();
    let mut command = Command::new(beamline());
    command.args(["migrate", "up", "--config"]).arg(&config).envs(launch.env);
    let output = command.env("BEAMLINE_DATA__DIR", dir.join("data")).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server
}

/// A question of the cookbook: its number, its title and the SQL.
struct Question {
    number: usize,
    title: String,
    sql: String,
}

fn questions() -> Vec<Question> {
    let document = std::fs::read_to_string(root().join("docs/sql.md")).unwrap();
    let sections = document.split("\n### ").skip(1).map(|section| {
        let (heading, text) = section.split_once('\n').unwrap();
        let (number, title) = heading.split_once(". ").unwrap();
        let sql = text
            .split_once("```sql\n")
            .and_then(|(_, rest)| rest.split_once("\n```"))
            .unwrap_or_else(|| panic!("no query: {title}"))
            .0;
        Question { number: number.parse().unwrap(), title: title.into(), sql: sql.into() }
    });
    sections.collect()
}

fn fixtures() -> PathBuf {
    root().join("tests/fixtures/cookbook")
}

/// Runs a client's script, which asks all questions and compares the answers itself.
async fn ask_with(program: &Path, script: &str, server: &Server) {
    assert!(program.components().count() == 1 || program.exists(), "{} is not installed: run cargo xtask setup", program.display());
    let output = Command::new(program)
        .arg(root().join("tests/clients").join(script))
        .env("SQL_URL", &server.reader.url)
        .env("SQL_USER", &server.reader.user)
        .env("SQL_KEY", &server.reader.key)
        .env("SQL_DATABASE", &server.reader.database)
        .output()
        .await
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {said}");
    assert_eq!(said.trim_end(), format!("{} answers as expected", questions().len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_of_the_cookbook_has_its_answer_from_every_client() {
    let dir = tempfile::tempdir().unwrap();
    let server = migrated(dir.path()).await;
    for statement in
        std::fs::read_to_string(fixtures().join("seed.sql")).unwrap().split(";\n").filter(|text| !text.trim().is_empty())
    {
        server.writer.text(statement).await;
    }
    let questions = questions();
    assert!(questions.len() >= 25);
    for (place, Question { number, title, sql }) in questions.iter().enumerate() {
        assert_eq!(*number, place + 1, "{title}");
        let expected = std::fs::read_to_string(fixtures().join(format!("{number:02}.tsv"))).unwrap();
        assert_eq!(server.reader.text(sql).await, expected.trim_end(), "{number}. {title}");
    }
    ask_with(&root().join(".state/python/bin/python"), "cookbook.py", &server).await;
    ask_with(Path::new("node"), "cookbook.mjs", &server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let server = migrated(dir.path()).await;
    let tables = "SELECT table, name FROM system.columns WHERE database = 'beamline' AND comment = '' AND table IN
        (SELECT name FROM system.tables WHERE database = 'beamline' AND engine LIKE '%MergeTree')";
    assert_eq!(server.reader.text(tables).await, "");

    // Views with arguments have no columns of their own in the system's tables: what they declare must be what they give.
    let views = "SELECT name FROM system.tables WHERE database = 'beamline' AND engine = 'View' ORDER BY name";
    let views = server.reader.text(views).await;
    assert_eq!(views.lines().count(), 12, "{views}");
    for view in views.lines() {
        let declared = server.reader.text(&format!("SHOW CREATE VIEW {view} FORMAT TSVRaw")).await;
        let (head, _) = declared.split_once("\n)\n").unwrap();
        let declared = head.lines().skip(2).map(|line| {
            let (column, comment) = line.trim().split_once(" COMMENT '").unwrap_or_else(|| panic!("{view}: {line}"));
            assert!(comment.len() > 3, "{view}: {line}");
            column.replacen('`', "", 2).replacen(' ', "\t", 1)
        });
        let given = format!("DESCRIBE (SELECT * FROM {view}(project = 'shop', since = today() - 7, until = now())) FORMAT TSVRaw");
        let given = server.reader.text(&given).await;
        let given = given.lines().map(|line| line.split('\t').take(2).collect::<Vec<_>>().join("\t"));
        assert_eq!(declared.collect::<Vec<_>>(), given.collect::<Vec<_>>(), "{view}");
    }
    server.stop().await;
}
