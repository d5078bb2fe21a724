//! Moves sealed segments into ClickHouse, each exactly once.
//!
//! The rows of a segment are a pure function of its records and go in blocks of a fixed number of rows, each with a token made of the
//! segment's name, the table and the block's number. A block sent again, after any failure on any side, is recognised by its token. The
//! segment is removed only after every block is confirmed.
//!
//! What is done about a failure depends on its class, see [`super::errors`]. A block that is refused for good is halved until the rows
//! at fault are alone; those go to `quarantine/` with what puts them back, the others are stored. The tokens of the halves are made of
//! the block's, and each halving is noted on disk first, so that it is the same after a crash.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::clickhouse::{RowOwned, RowWrite, error::Error};
use tokio::task::JoinSet;

use super::{
    ClickHouse, QueryError, Reason, cluster,
    erasure::{Erasures, Personal},
    errors::{Class, InsertError},
    quarantine::{self, Decisions, RefusedRows, Then},
    told::{Rows, rows},
    traced::Insert,
};
use crate::{
    dedup::Seen,
    spool::{Journal, Reading, Sealed, SealedSegments, SegmentFiles, SegmentId, SpoolError},
    traces::Traces,
};

/// Rows in one block. Part of what a token means: changing it would let a block that is sent again across an upgrade miss its token.
const BLOCK_ROWS: usize = 50_000;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LAST_BACKOFF: Duration = Duration::from_secs(10);
/// How long one insert may take on either side.
const INSERT_TIMEOUT: Duration = Duration::from_mins(1);

/// What the writer has done; for metrics.
#[derive(Debug, Default)]
pub struct WriterStats {
    rows: AtomicU64,
    segments: AtomicU64,
    in_flight: AtomicU64,
    transient_failures: AtomicU64,
    configuration_failures: AtomicU64,
    refused_blocks: AtomicU64,
    quarantined_segments: AtomicU64,
    quarantined: [AtomicU64; Reason::ALL.len()],
    last_error: Mutex<Option<String>>,
}

impl WriterStats {
    /// Rows confirmed, repeated ones included.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Segments confirmed whole and removed.
    pub fn segments(&self) -> u64 {
        self.segments.load(Ordering::Relaxed)
    }

    /// Why the last insert failed; absent if one succeeded since.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_last_error(&self, error: Option<String>) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// Segments being inserted now.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Inserts that failed and were tried again: ClickHouse could not.
    pub fn transient_failures(&self) -> u64 {
        self.transient_failures.load(Ordering::Relaxed)
    }

    /// Inserts that failed and were tried again: an operator has to change something.
    pub fn configuration_failures(&self) -> u64 {
        self.configuration_failures.load(Ordering::Relaxed)
    }

    /// Blocks that ClickHouse refused for good, halves included.
    pub fn refused_blocks(&self) -> u64 {
        self.refused_blocks.load(Ordering::Relaxed)
    }

    /// Segments with at least one row or record in quarantine.
    pub fn quarantined_segments(&self) -> u64 {
        self.quarantined_segments.load(Ordering::Relaxed)
    }

    /// Rows, or unreadable records, put into quarantine for this reason.
    pub fn quarantined(&self, reason: Reason) -> u64 {
        self.quarantined[reason as usize].load(Ordering::Relaxed)
    }
}

/// The loop between spool and ClickHouse.
#[derive(Debug)]
pub struct Writer {
    segments: SealedSegments,
    parallel: usize,
    mover: Arc<Mover>,
}

/// Moves one segment.
#[derive(Debug)]
struct Mover {
    clickhouse: ClickHouse,
    files: Arc<SegmentFiles>,
    journal: Option<Arc<Journal>>,
    stats: Arc<WriterStats>,
    traces: Traces,
    erasures: Mutex<Known>,
}

/// The list of erasures as it was read last, and which state of it that was.
#[derive(Debug, Default)]
struct Known {
    version: (u64, i64),
    list: Arc<Erasures>,
}

impl Writer {
    /// A writer for segments whose tables exist already. Up to `parallel` segments are inserted at the same time.
    pub fn new(clickhouse: ClickHouse, segments: SealedSegments, parallel: usize, stats: Arc<WriterStats>) -> Self {
        let files = segments.files().clone();
        let mover = Mover { clickhouse, files, journal: None, stats, traces: Traces::default(), erasures: Mutex::default() };
        Self { segments, parallel: parallel.max(1), mover: Arc::new(mover) }
    }

    /// Notes the beacons of each segment in this journal before the segment is removed.
    #[must_use]
    pub fn noting_beacons_in(mut self, journal: Arc<Journal>) -> Self {
        if let Some(mover) = Arc::get_mut(&mut self.mover) {
            mover.journal = Some(journal);
        }
        self
    }

    /// Ends the traces of the beacons that are inserted.
    #[must_use]
    pub(crate) fn tracing(mut self, traces: Traces) -> Self {
        if let Some(mover) = Arc::get_mut(&mut self.mover) {
            mover.traces = traces;
        }
        self
    }

    /// Works until the spool is closed and everything in it is written. A failing insert is tried again for as long as it takes.
    pub async fn run(mut self) {
        let mut moving = JoinSet::new();
        let mut is_open = true;
        while is_open || !moving.is_empty() {
            tokio::select! {
                Some(_) = moving.join_next() => {}
                id = self.segments.next(), if is_open && moving.len() < self.parallel => match id {
                    Some(id) => drop(moving.spawn(self.mover.clone().settle(id))),
                    None => is_open = false,
                },
            }
        }
    }
}

impl Mover {
    /// Returns when the segment needs no more attention.
    async fn settle(self: Arc<Self>, id: SegmentId) {
        let turn = self.files.turns().one().await;
        self.stats.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut backoff = FIRST_BACKOFF;
        let mut insert = Insert::begin(&self.traces);
        while let Err(error) = self.move_segment(&id, &mut insert).await {
            let pause = backoff.mul_f64(rand::random_range(0.5..=1.0));
            self.report(&id, &error, pause);
            tokio::time::sleep(pause).await;
            backoff = (backoff * 2).min(LAST_BACKOFF);
            // The tables may have changed; the client remembers their columns.
            self.clickhouse.client.clear_cached_metadata().await;
        }
        self.stats.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.stats.set_last_error(None);
        drop(turn);
    }

    fn report(&self, id: &SegmentId, error: &InsertError, pause: Duration) {
        let (text, retry_in_ms) = (error.logged(), pause.as_millis());
        self.stats.set_last_error(Some(text.clone()));
        if let Class::Configuration(advice) = error.class {
            self.stats.configuration_failures.fetch_add(1, Ordering::Relaxed);
            tracing::error!(segment = %id, code = error.code, error = text, retry_in_ms, "ClickHouse takes no rows until this is changed: {advice}");
        } else {
            self.stats.transient_failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(segment = %id, code = error.code, error = text, retry_in_ms, "insert failed; the segment stays in the spool");
        }
    }

    async fn move_segment(&self, id: &SegmentId, insert: &mut Insert) -> Result<(), InsertError> {
        let sealed = match self.files.read(id) {
            Reading::Read(sealed) => sealed,
            Reading::SetAside => return Ok(()),
            Reading::NotNow(error) => return Err(InsertError::transient(error)),
        };
        let tried = insert.try_again();
        let work = tokio::task::spawn_blocking(move || {
            let (records, unreadable) = quarantine::records(&sealed);
            let beacons = Seen::encode(&Seen::in_records(sealed.records()));
            (rows(&records), unreadable.len(), beacons, sealed, tried.of(&records))
        });
        let (rows, unreadable, beacons, sealed, traced) = work.await.map_err(InsertError::transient)?;
        let mut blocks = Blocks {
            id,
            decisions: Decisions::parse(&self.files.decisions(id).map_err(InsertError::transient)?),
            refused: Vec::new(),
            erasures: self.erasures().await.map_err(|error| match error {
                QueryError::Client(error) => InsertError::from(error),
                other => InsertError::transient(other),
            })?,
        };
        self.insert("events", &rows.counted.events, &mut blocks).await?;
        self.insert("errors", &rows.counted.errors, &mut blocks).await?;
        self.insert("kept_events", &rows.kept.events, &mut blocks).await?;
        self.insert("kept_errors", &rows.kept.errors, &mut blocks).await?;
        self.insert("ingest_outcomes", &rows.outcomes, &mut blocks).await?;
        self.clickhouse.echo(&id.to_string()).await?;
        self.quarantine(id, &sealed, &rows, unreadable, &blocks.refused).map_err(InsertError::transient)?;
        self.note_beacons(id, beacons);
        self.files.remove(id);
        traced.done(&self.traces, id, rows.told());
        self.stats.segments.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The segment is removed even if the disk refuses the note: a full disk needs the room, and the service itself still remembers.
    fn note_beacons(&self, id: &SegmentId, beacons: Vec<u8>) {
        if let Some(journal) = self.journal.as_ref().filter(|_| !beacons.is_empty())
            && let Err(error) = journal.append(beacons)
        {
            tracing::error!(segment = %id, %error, "cannot note which beacons are stored; after a restart before this is mended, one sent again counts twice");
        }
    }

    /// The list of erasures. It is read whole only when it has changed.
    async fn erasures(&self) -> Result<Arc<Erasures>, QueryError> {
        let version = self.clickhouse.erasures_version().await?;
        {
            let known = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
            if known.version == version {
                return Ok(known.list.clone());
            }
        }
        let list = Arc::new(Erasures::new(self.clickhouse.erasures().await?));
        *self.erasures.lock().unwrap_or_else(PoisonError::into_inner) = Known { version, list: list.clone() };
        Ok(list)
    }

    async fn insert<R: RowOwned + RowWrite + Personal>(
        &self,
        table: &'static str,
        rows: &[R],
        blocks: &mut Blocks<'_>,
    ) -> Result<(), InsertError> {
        for (number, start) in (0..rows.len()).step_by(BLOCK_ROWS).enumerate() {
            let whole = (format!("{}-{table}-{number}", blocks.id), start..rows.len().min(start + BLOCK_ROWS));
            let mut waiting = vec![whole];
            while let Some((token, range)) = waiting.pop() {
                if blocks.decisions.of(&token).is_none() {
                    let inserted = self.insert_block(table, &token, &rows[range.clone()], &blocks.erasures);
                    match self.clickhouse.times().observe("insert", inserted).await.map_err(InsertError::from) {
                        Ok(()) => {
                            self.stats.rows.fetch_add(range.len() as u64, Ordering::Relaxed);
                            continue;
                        }
                        Err(error) => self.refuse(&token, range.len(), error, blocks)?,
                    }
                }
                match blocks.decisions.of(&token) {
                    Some(decision) if decision.then == Then::SetAside => {
                        blocks.refused.push(RefusedRows { table, rows: range, decision: decision.clone() });
                    }
                    _ => {
                        let middle = range.start + range.len() / 2;
                        waiting.push((format!("{token}.1"), middle..range.end));
                        waiting.push((format!("{token}.0"), range.start..middle));
                    }
                }
            }
        }
        Ok(())
    }

    /// Decides about a block that was refused for good; any other error is handed back.
    fn refuse(&self, token: &str, rows: usize, error: InsertError, blocks: &mut Blocks<'_>) -> Result<(), InsertError> {
        let Class::Permanent(reason) = error.class else { return Err(error) };
        let decision = blocks.decisions.decide(token, rows, reason, &error);
        let line = serde_json::to_string(&decision).map_err(InsertError::transient)?;
        self.files.decide(blocks.id, &line).map_err(InsertError::transient)?;
        blocks.decisions.add(decision);
        self.stats.refused_blocks.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What was erased is left out of the block, and moves no row to another: a token means one set of rows.
    async fn insert_block<R: RowOwned + RowWrite + Personal>(
        &self,
        table: &str,
        token: &str,
        rows: &[R],
        erasures: &Erasures,
    ) -> Result<(), Error> {
        let kept = rows.iter().filter(|row| !erasures.cover(*row)).collect::<Vec<_>>();
        if kept.is_empty() {
            return Ok(());
        }
        let mut insert = self
            .clickhouse
            .client
            .insert::<R>(table)
            .await?
            .with_timeouts(Some(INSERT_TIMEOUT), Some(INSERT_TIMEOUT))
            .with_setting("insert_deduplication_token", token)
            .with_setting("insert_deduplicate", "1")
            .with_setting("async_insert", "0")
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
            .with_setting("max_insert_block_size", "1048449");
        if self.clickhouse.cluster.is_some() {
            insert = cluster::INSERT_SETTINGS.iter().fold(insert, |insert, (name, value)| insert.with_setting(*name, *value));
        }
        for row in kept {
            insert.write(row).await?;
        }
        insert.end().await
    }

    /// Writes the quarantine file if there is anything for it.
    fn quarantine(
        &self,
        id: &SegmentId,
        sealed: &Sealed,
        rows: &Rows,
        unreadable: usize,
        refused: &[RefusedRows],
    ) -> Result<(), SpoolError> {
        if unreadable == 0 && refused.is_empty() {
            return Ok(());
        }
        let path = self.files.write_refused(id, &quarantine::lines(sealed, rows, refused))?;
        let mut count = 0;
        for reason in Reason::ALL {
            let rows: usize = refused.iter().filter(|part| part.decision.reason == reason.name()).map(|part| part.rows.len()).sum();
            let all = if reason == Reason::Unreadable { unreadable } else { rows };
            self.stats.quarantined[reason as usize].fetch_add(all as u64, Ordering::Relaxed);
            count += all;
        }
        self.stats.quarantined_segments.fetch_add(1, Ordering::Relaxed);
        let first = refused.first().map(|part| (&part.decision.reason, part.decision.code));
        let (reason, code) = first.map_or((Reason::Unreadable.name(), None), |(reason, code)| (reason.as_str(), code));
        tracing::error!(
            segment = %id, rows = count, reason, code, path = %path.display(),
            "rows were set aside, the others of their segment are stored; see `beamline spool inspect`"
        );
        Ok(())
    }
}

/// What is known about the blocks of a segment.
struct Blocks<'a> {
    id: &'a SegmentId,
    decisions: Decisions,
    refused: Vec<RefusedRows>,
    erasures: Arc<Erasures>,
}
