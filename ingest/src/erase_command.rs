//! `beamline erase` and `beamline export`: everything stored of one person.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use rum_protocol::Id;

use crate::{
    accepted::{AcceptedBeacon, Record},
    app::Store,
    clickhouse::{Erasure, Migrator, Refused, Subject},
    clock,
    config::Config,
    salt,
    spool::{Entry, Place, Turns, export_file, survey},
};

/// How long the writer may take to finish what it has begun.
const PATIENCE: Duration = Duration::from_mins(2);

/// Whose data is meant.
#[derive(Args)]
pub(crate) struct Person {
    /// The project.
    #[arg(long)]
    project: String,
    /// The session: its number as ClickHouse shows it, or 0x and its hexadecimal digits as in beacons.
    #[arg(long, required_unless_present = "attribute", conflicts_with = "attribute")]
    session: Option<String>,
    /// An attribute with its value, such as `user.id=4711`: all sessions in which it shows are meant. If the
    /// attribute is one of `privacy.hash_attributes`, give the value in clear; only today's sessions can be found.
    #[arg(long, value_name = "NAME=VALUE")]
    attribute: Option<String>,
}

#[derive(Args)]
pub(crate) struct EraseCommand {
    #[command(flatten)]
    person: Person,
    /// Only say what would be erased.
    #[arg(long)]
    dry_run: bool,
}

impl Person {
    fn subject(&self, config: &Config) -> anyhow::Result<Subject> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.project.is_empty() || !self.project.bytes().all(plain) {
            bail!("project {:?} must be letters, digits, '-' or '_'", self.project);
        }
        match (&self.session, &self.attribute) {
            (Some(text), _) => {
                let number = match text.strip_prefix("0x") {
                    Some(digits) => Id::parse(digits).ok().map(|id| id.0),
                    None => text.parse().ok(),
                };
                let session = number.filter(|session| *session != 0);
                session
                    .map(Subject::Session)
                    .with_context(|| format!("{text:?} is no session; give a number, or 0x and hexadecimal digits"))
            }
            (None, Some(text)) => {
                let (name, value) = text.split_once('=').with_context(|| format!("{text:?} must be NAME=VALUE"))?;
                if name.is_empty() || value.is_empty() {
                    bail!("{text:?} must have a name and a value");
                }
                let mut values = vec![value.to_owned()];
                if config.privacy.hash_attributes.iter().any(|hashed| hashed == name) {
                    values.extend(salt::of_today(&config.data.dir).map(|salt| salt.code(&self.project, value)));
                }
                Ok(Subject::Attribute { name: name.into(), values })
            }
            (None, None) => bail!("give --session or --attribute"),
        }
    }
}

/// The beacon of a record, if it is one of the project.
fn beacon<'r>(record: &'r Record, project: &str) -> Option<&'r AcceptedBeacon> {
    match record {
        Record::Beacon(beacon) | Record::Replayed(beacon) => Some(&**beacon).filter(|beacon| beacon.project_id == project),
        Record::Refusals(_) | Record::Ledger(_) => None,
    }
}

fn shows(beacon: &AcceptedBeacon, subject: &Subject) -> bool {
    beacon.events.iter().any(|event| subject.has(event.all_attributes()))
}

/// All records of an entry that can be read, each with its line if the entry is one of lines.
fn records(entry: &Entry) -> anyhow::Result<Vec<(Option<String>, Record)>> {
    if entry.place == Place::Refused {
        let text = entry.read_lines()?.unwrap_or_default();
        let parsed = text.lines().filter_map(|line| {
            let record = serde_json::from_str::<Refused>(line).ok()?.to_record()?;
            Some((Some(line.to_owned()), serde_json::from_slice(&record).ok()?))
        });
        return Ok(parsed.collect());
    }
    let Some(sealed) = entry.read()? else { return Ok(Vec::new()) };
    Ok(sealed.records().filter_map(|bytes| Some((None, serde_json::from_slice(bytes).ok()?))).collect())
}

/// Everything in the spool, or nothing if there is no spool here.
fn entries(config: &Config) -> Vec<Entry> {
    survey(&config.data.spool()).unwrap_or_default()
}

fn sessions_in_spool(config: &Config, project: &str, subject: &Subject) -> BTreeSet<u64> {
    let records = entries(config).into_iter().filter_map(|entry| records(&entry).ok()).flatten();
    let found = records.filter_map(|(_, record)| {
        let beacon = beacon(&record, project)?;
        (beacon.session_id.0 != 0 && shows(beacon, subject)).then_some(beacon.session_id.0)
    });
    found.collect()
}

fn is_of(record: &Record, project: &str, subject: &Subject, sessions: &BTreeSet<u64>) -> bool {
    beacon(record, project).is_some_and(|beacon| sessions.contains(&beacon.session_id.0) || shows(beacon, subject))
}

/// Who is meant, by all sessions known.
struct Found {
    subject: Subject,
    sessions: BTreeSet<u64>,
    erasures: Vec<Erasure>,
}

async fn find(config: &Config, store: &Store, person: &Person) -> anyhow::Result<Found> {
    let subject = person.subject(config)?;
    let now = clock::now_ms();
    let mut sessions = match subject {
        Subject::Session(session) => BTreeSet::from([session]),
        Subject::Attribute { .. } => sessions_in_spool(config, &person.project, &subject),
    };
    sessions.extend(store.clickhouse.sessions_of(&subject.erasures(&person.project, &[], now)).await?);
    let listed = sessions.iter().copied().collect::<Vec<_>>();
    Ok(Found { erasures: subject.erasures(&person.project, &listed, now), subject, sessions })
}

pub(crate) async fn erase(config: &Config, command: EraseCommand) -> anyhow::Result<()> {
    command.person.subject(config)?;
    let store = Store::join(config).await?;
    let erased = erase_in(config, &store, &command).await;
    store.close().await;
    erased
}

async fn erase_in(config: &Config, store: &Store, EraseCommand { person, dry_run }: &EraseCommand) -> anyhow::Result<()> {
    Migrator::new(store.clickhouse.clone()).up(None).await?;
    // From here on no segment is half stored, and every later one is stored with the list in view.
    let turn = Turns::of(&config.data.spool()).all(PATIENCE).await?;
    let found = find(config, store, person).await?;
    let rows = if *dry_run {
        store.clickhouse.count_personal(&found.erasures).await?
    } else {
        let mut lines = Vec::new();
        for erasure in &found.erasures {
            serde_json::to_writer(&mut lines, erasure)?;
            lines.push(b'\n');
        }
        config.data.append_erasures(&lines).with_context(|| format!("cannot write to {}", config.data.dir.display()))?;
        store.clickhouse.note_erasures(&found.erasures).await?;
        store.clickhouse.erase(&found.erasures).await?
    };
    let mut out = io::stdout().lock();
    let verb = if *dry_run { "would erase" } else { "erased" };
    for (table, rows) in rows {
        writeln!(out, "{table}: {verb} {rows} rows")?;
    }
    let how = if *dry_run { How::Announced } else { How::Done };
    erase_in_spool(config, person, &found, how, &mut out)?;
    drop(turn);
    if !dry_run {
        writeln!(out, "the old files leave the disk within twenty minutes; rollups keep their counts")?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Announced,
    Done,
}

fn erase_in_spool(config: &Config, person: &Person, found: &Found, how: How, out: &mut impl Write) -> anyhow::Result<()> {
    let is_found = |record: &Record| is_of(record, &person.project, &found.subject, &found.sessions);
    for entry in entries(config) {
        let Ok(records) = records(&entry) else {
            writeln!(out, "{}: cannot be read, and may hold more; see `beamline spool inspect`", entry.path.display())?;
            continue;
        };
        let count = records.iter().filter(|(_, record)| is_found(record)).count();
        if count == 0 {
            continue;
        }
        let (id, state) = (&entry.id, entry.place.name());
        match entry.place {
            Place::Waiting | Place::Incoming | Place::RefusedWhole => {
                writeln!(out, "{id}, {state}: {count} records are left out when they are stored")?;
            }
            Place::Refused if how == How::Announced => writeln!(out, "{id}, {state}: would erase {count} records")?,
            Place::Refused => {
                let gone: BTreeSet<_> =
                    records.iter().filter(|(_, record)| is_found(record)).filter_map(|(line, _)| line.as_ref()).collect();
                let text = entry.read_lines()?.unwrap_or_default();
                entry.keep_lines(&text.lines().filter(|line| !gone.contains(&(*line).to_owned())).collect::<Vec<_>>())?;
                writeln!(out, "{id}, {state}: erased {count} records")?;
            }
            Place::Unreadable | Place::Damaged => {
                writeln!(out, "{id}, {state}: {count} records are in {}; remove the file", entry.path.display())?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn export(config: &Config, person: &Person, output: Option<&Path>) -> anyhow::Result<()> {
    person.subject(config)?;
    let store = Store::join(config).await?;
    let exported = match output {
        Some(path) => export_to(config, &store, person, &mut export_file(path)?).await,
        None => export_to(config, &store, person, &mut io::BufWriter::new(io::stdout().lock())).await,
    };
    store.close().await;
    exported
}

async fn export_to(config: &Config, store: &Store, person: &Person, out: &mut impl Write) -> anyhow::Result<()> {
    let found = find(config, store, person).await?;
    let write = |table: &str, line: &str| writeln!(out, "{{\"table\":\"{table}\",\"row\":{line}}}");
    store.clickhouse.personal_rows(&found.erasures, write).await?;
    for entry in entries(config) {
        let Ok(records) = records(&entry) else { continue };
        for (_, record) in records.iter().filter(|(_, record)| is_of(record, &person.project, &found.subject, &found.sessions)) {
            let (id, state) = (&entry.id, entry.place.name());
            writeln!(out, "{{\"spool\":\"{id}\",\"state\":\"{state}\",\"record\":{}}}", serde_json::to_string(record)?)?;
        }
    }
    out.flush().map_err(Into::into)
}
