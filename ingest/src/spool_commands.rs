//! `beamline spool`: what an operator can see and do about the spool, whether the service runs or not.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    clickhouse::Refused,
    spool::{Entry, Place, SegmentId, export_file, survey},
};

/// Work that takes longer says how far it is.
const QUIET: Duration = Duration::from_secs(2);
/// Longest error text in a table.
const SHOWN_CHARS: usize = 160;

#[derive(Subcommand)]
pub(crate) enum SpoolCommand {
    /// List segments with size, age and records, damage, and what is in quarantine and why. Changes nothing.
    Inspect,
    /// Put what is in quarantine back into the spool. Do this after the cause is gone: a column repaired, a constraint dropped.
    ///
    /// A running service takes it within a second, a stopped one at its next start.
    ///
    /// Nothing is stored twice. Quarantine holds only what ClickHouse refused, never a row it took: the other rows of a beacon are stored
    /// already and are not in the file, and the ledger is not counted again. Event ids stay the same. The new segment's name is computed
    /// from what is in it, and its insert tokens from its name, so that a replay cut short and repeated is recognised. A whole segment
    /// (`.spool`) goes back under its own name and so with its old tokens; ClickHouse remembers the last 10,000 of a table.
    Replay {
        /// Segments to put back, as `inspect` names them; everything in quarantine if none is named. Naming one that was unreadable puts
        /// it back too, once its file can be read.
        segments: Vec<String>,
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Write records as JSON lines: those that wait, those in quarantine, or those of named segments.
    Export {
        /// Segments to write, as `inspect` names them; all if none is named.
        segments: Vec<String>,
        /// Only what is in quarantine, with table, reason, code and error.
        #[arg(long)]
        quarantine: bool,
        /// File to write to; it must not exist. Standard output if absent.
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
}

pub(crate) fn run(command: SpoolCommand, dir: &Path) -> anyhow::Result<()> {
    let entries = survey(dir).with_context(|| {
        format!("no spool in {}; give the service's own configuration with --config, or set BEAMLINE_DATA__DIR", dir.display())
    })?;
    let mut out = io::stdout().lock();
    let done = match command {
        SpoolCommand::Inspect => inspect(dir, &entries, &mut out),
        SpoolCommand::Replay { segments, dry_run } => {
            let chosen = if segments.is_empty() { in_quarantine(&entries) } else { named(&entries, &segments)? };
            replay(dir, &chosen, if dry_run { Replay::Announced } else { Replay::Done }, &mut out)
        }
        SpoolCommand::Export { segments, quarantine, output } => {
            let mut chosen = if segments.is_empty() { entries.iter().collect() } else { named(&entries, &segments)? };
            chosen.retain(|entry| !quarantine || entry.place == Place::Refused || entry.place == Place::RefusedWhole);
            match output {
                Some(path) => export(&chosen, &mut export_file(&path)?),
                None => export(&chosen, &mut io::BufWriter::new(out)),
            }
        }
    };
    match done {
        // `| head` has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => Ok(()),
        done => done,
    }
}

fn in_quarantine(entries: &[Entry]) -> Vec<&Entry> {
    entries.iter().filter(|entry| matches!(entry.place, Place::Refused | Place::RefusedWhole)).collect()
}

fn named<'e>(entries: &'e [Entry], names: &[String]) -> anyhow::Result<Vec<&'e Entry>> {
    let mut chosen = Vec::new();
    for name in names {
        let id = SegmentId::parse(name).with_context(|| format!("{name:?} is no segment's name; see `beamline spool inspect`"))?;
        let before = chosen.len();
        chosen.extend(entries.iter().filter(|entry| entry.id == id));
        if chosen.len() == before {
            bail!("there is no segment {name}; see `beamline spool inspect`");
        }
    }
    Ok(chosen)
}

fn inspect(dir: &Path, entries: &[Entry], out: &mut impl Write) -> anyhow::Result<()> {
    let waiting = entries.iter().filter(|entry| entry.place == Place::Waiting).collect::<Vec<_>>();
    let bytes = waiting.iter().map(|entry| entry.bytes).sum();
    let oldest = waiting.iter().map(|entry| entry.age).max();
    let oldest = oldest.map_or_else(String::new, |age| format!(", oldest written {} ago", span(age)));
    writeln!(out, "{}: {} waiting for ClickHouse, {}{oldest}", dir.display(), segments(waiting.len()), size(bytes))?;
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:<30} {:<11} {:>10} {:>7} {:>8}  note", "segment", "state", "size", "age", "records")?;
    let mut progress = Progress::new(entries.len());
    let mut refusals = BTreeMap::new();
    for entry in entries {
        progress.step();
        let Some((records, note)) = look(entry, &mut refusals) else { continue };
        let (id, state, age) = (entry.id.to_string(), entry.place.name(), span(entry.age));
        let line = format!("{id:<30} {state:<11} {:>10} {age:>7} {records:>8}  {note}", size(entry.bytes));
        writeln!(out, "{}", line.trim_end())?;
    }
    if !refusals.is_empty() {
        writeln!(
            out,
            "\nquarantine, by reason (`beamline spool export --quarantine` shows the records, `replay` puts them back):"
        )?;
        for ((table, reason, code), (count, error)) in refusals {
            let code = code.map_or_else(String::new, |code: u32| format!(" (code {code})"));
            let table = if table.is_empty() { "no table" } else { &table };
            writeln!(out, "  {count} × {reason}{code}, {table}: {error}")?;
        }
    }
    Ok(())
}

type Refusals = BTreeMap<(String, String, Option<u32>), (usize, String)>;

/// How many records are in it, and what is special about it. `None` if it has gone meanwhile.
fn look(entry: &Entry, refusals: &mut Refusals) -> Option<(String, String)> {
    if entry.place == Place::Refused {
        return match entry.read_lines() {
            Err(error) => Some(("?".into(), error.to_string())),
            Ok(None) => None,
            Ok(Some(text)) => {
                let parsed = text.lines().map(serde_json::from_str::<Refused>);
                let (good, bad): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
                for Refused { table, reason, code, error, .. } in good.iter().flatten() {
                    let shown = error.lines().next().unwrap_or_default().chars().take(SHOWN_CHARS).collect();
                    refusals.entry((table.clone(), reason.clone(), *code)).or_insert((0, shown)).0 += 1;
                }
                let note = if bad.is_empty() { String::new() } else { format!("{} lines cannot be read", bad.len()) };
                Some((good.len().to_string(), note))
            }
        };
    }
    match entry.read() {
        Err(error) => Some(("?".into(), error.to_string())),
        Ok(None) => None,
        Ok(Some(sealed)) => {
            let note = match (entry.place, sealed.unsound_bytes()) {
                (_, 0) => String::new(),
                (Place::Waiting, bytes) => format!("{bytes} bytes behind the last whole record: being written, or damage"),
                (_, bytes) => format!("{bytes} bytes are damaged"),
            };
            Some((sealed.records().count().to_string(), note))
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Replay {
    Announced,
    Done,
}

fn replay(dir: &Path, entries: &[&Entry], how: Replay, out: &mut impl Write) -> anyhow::Result<()> {
    if entries.is_empty() {
        writeln!(out, "nothing is in quarantine")?;
        return Ok(());
    }
    let mut progress = Progress::new(entries.len());
    for entry in entries {
        progress.step();
        let id = &entry.id;
        if entry.still_waits(dir) {
            writeln!(out, "{id}: left alone, the service is not done with this segment; try again later")?;
            continue;
        }
        let verb = if how == Replay::Done { "put back" } else { "would put back" };
        match entry.place {
            Place::Waiting | Place::Incoming => writeln!(out, "{id}: is in the spool")?,
            Place::Damaged => {
                writeln!(out, "{id}: left alone, its part before the damage is used already; see `beamline spool export {id}`")?;
            }
            Place::RefusedWhole | Place::Unreadable => {
                let sealed = entry.read().with_context(|| format!("{id}: make its file readable first"))?;
                let records = sealed.map_or(0, |sealed| sealed.records().count());
                if records == 0 {
                    writeln!(out, "{id}: left alone, there is no record in it")?;
                    continue;
                }
                if how == Replay::Done {
                    entry.put_back(dir)?;
                }
                writeln!(out, "{id}: {verb} whole, {records} records")?;
            }
            Place::Refused => {
                let Some(text) = entry.read_lines()? else { continue };
                let records = records_of(&text).with_context(|| entry.path.display().to_string())?;
                let name = if how == Replay::Done { format!(" as {}", entry.put_back_as(dir, &records)?) } else { String::new() };
                writeln!(out, "{id}: {verb} {} records{name}", records.len())?;
            }
        }
    }
    Ok(())
}

fn records_of(lines: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let record = |(number, line): (usize, &str)| {
        let refused =
            serde_json::from_str::<Refused>(line).with_context(|| format!("line {}; correct or remove it", number + 1))?;
        refused.to_record().with_context(|| format!("line {} has no record; correct or remove it", number + 1))
    };
    lines.lines().enumerate().map(record).collect()
}

/// A line of an export.
#[derive(Serialize)]
struct Exported<'a> {
    segment: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
    /// A record that is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

fn export(entries: &[&Entry], out: &mut impl Write) -> anyhow::Result<()> {
    let mut progress = Progress::new(entries.len());
    for entry in entries {
        progress.step();
        let (segment, state) = (entry.id.to_string(), entry.place.name());
        if entry.place == Place::Refused {
            for line in entry.read_lines()?.unwrap_or_default().lines() {
                match line.strip_prefix('{') {
                    Some(rest) => writeln!(out, "{{\"segment\":\"{segment}\",\"state\":\"{state}\",{rest}")?,
                    None => bail!("{} is not JSON lines", entry.path.display()),
                }
            }
            continue;
        }
        let sealed = match entry.read() {
            Ok(Some(sealed)) => sealed,
            Ok(None) => continue,
            Err(error) => {
                writeln!(io::stderr(), "beamline: {segment}: {error}; left out")?;
                continue;
            }
        };
        for bytes in sealed.records() {
            let record = serde_json::from_slice::<&RawValue>(bytes).ok();
            let text = record.is_none().then(|| String::from_utf8_lossy(bytes).into_owned());
            serde_json::to_writer(&mut *out, &Exported { segment: segment.clone(), state, record, text })
                .map_err(io::Error::from)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Says on standard error how far long work is.
struct Progress {
    done: usize,
    all: usize,
    last: Instant,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self { done: 0, all, last: Instant::now() }
    }

    fn step(&mut self) {
        if self.last.elapsed() >= QUIET {
            self.last = Instant::now();
            let _ = writeln!(io::stderr(), "beamline: {} of {} segments", self.done, self.all);
        }
        self.done += 1;
    }
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

fn segments(count: usize) -> String {
    if count == 1 { "1 segment".into() } else { format!("{count} segments") }
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}
