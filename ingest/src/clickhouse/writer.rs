//! Moves sealed segments into ClickHouse, each exactly once.
//!
//! The rows of a segment are a pure function of its records and go in blocks of a fixed size, each with a token made of the segment's
//! name, the table and the block's number. A block sent again, after any failure on any side, is recognised by its token. The segment
//! is removed only after every block is confirmed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::clickhouse::{RowOwned, RowWrite, error::Error};

use super::{
    ClickHouse,
    rows::{Rows, rows},
};
use crate::{
    accepted::Record,
    spool::{Sealed, SealedSegments, SegmentId},
};

/// Rows in one block. Part of what a token means: changing it would let a block that is sent again across an upgrade miss its token.
const BLOCK_ROWS: usize = 50_000;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LAST_BACKOFF: Duration = Duration::from_secs(10);
/// How long one insert may take on either side.
const INSERT_TIMEOUT: Duration = Duration::from_mins(1);

/// ClickHouse error codes that another try cannot cure: the block itself, or the schema, is wrong.
/// Names as in ClickHouse's `ErrorCodes.cpp`.
const PERMANENT_CODES: [u32; 12] = [
    6,   // CANNOT_PARSE_TEXT
    16,  // NO_SUCH_COLUMN_IN_TABLE
    27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    33,  // CANNOT_READ_ALL_DATA
    36,  // BAD_ARGUMENTS
    38,  // CANNOT_PARSE_DATE
    41,  // CANNOT_PARSE_DATETIME
    53,  // TYPE_MISMATCH
    62,  // SYNTAX_ERROR
    69,  // ARGUMENT_OUT_OF_BOUND
    72,  // CANNOT_PARSE_NUMBER
    117, // INCORRECT_DATA
];

/// What the writer has done; for metrics.
#[derive(Debug, Default)]
pub struct WriterStats {
    rows: AtomicU64,
    failures: AtomicU64,
    quarantined: AtomicU64,
    unreadable_records: AtomicU64,
}

impl WriterStats {
    /// Rows confirmed, repeated ones included.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Inserts that failed and were tried again.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Segments set aside because ClickHouse refused them for good.
    pub fn quarantined(&self) -> u64 {
        self.quarantined.load(Ordering::Relaxed)
    }

    /// Spool records that could not be read and are in a quarantined segment.
    pub fn unreadable_records(&self) -> u64 {
        self.unreadable_records.load(Ordering::Relaxed)
    }
}

/// The writer; [`Writer::run`] is its life.
#[derive(Debug)]
pub struct Writer {
    clickhouse: ClickHouse,
    segments: SealedSegments,
    stats: Arc<WriterStats>,
}

enum Failure {
    Transient(String),
    Permanent(String),
}

impl Writer {
    /// A writer from these segments into this database.
    pub fn new(clickhouse: ClickHouse, segments: SealedSegments, stats: Arc<WriterStats>) -> Self {
        Self { clickhouse, segments, stats }
    }

    /// Works until the spool is closed and empty.
    pub async fn run(mut self) {
        while let Some(id) = self.segments.next().await {
            let mut backoff = FIRST_BACKOFF;
            while let Err(failure) = self.move_segment(&id).await {
                self.stats.failures.fetch_add(1, Ordering::Relaxed);
                match failure {
                    Failure::Permanent(error) => {
                        self.quarantine(&id, &error);
                        break;
                    }
                    Failure::Transient(error) => {
                        tracing::warn!(segment = %id, %error, retry_in_ms = backoff.as_millis(), "insert failed; the segment stays in the spool");
                        tokio::time::sleep(backoff).await;
                        backoff = (backoff * 2).min(LAST_BACKOFF);
                    }
                }
            }
        }
    }

    fn quarantine(&self, id: &SegmentId, error: &str) {
        self.stats.quarantined.fetch_add(1, Ordering::Relaxed);
        match self.segments.quarantine(id) {
            Ok(path) => {
                tracing::error!(segment = %id, %error, path = %path.display(), "ClickHouse refused a segment for good; set aside");
            }
            Err(move_error) => tracing::error!(segment = %id, %error, %move_error, "cannot set a refused segment aside"),
        }
    }

    async fn move_segment(&self, id: &SegmentId) -> Result<(), Failure> {
        let sealed = self.segments.read(id).map_err(|error| Failure::Transient(error.to_string()))?;
        let (records, unreadable) = records(&sealed);
        self.stats.unreadable_records.fetch_add(unreadable, Ordering::Relaxed);
        let Rows { events, errors, outcomes } = rows(records);
        self.insert("events", id, &events).await?;
        self.insert("errors", id, &errors).await?;
        self.insert("ingest_outcomes", id, &outcomes).await?;
        if unreadable > 0 {
            return Err(Failure::Permanent(format!("{unreadable} records cannot be read; the others were stored")));
        }
        self.segments.remove(id).map_err(|error| Failure::Transient(error.to_string()))
    }

    async fn insert<R: RowOwned + RowWrite>(&self, table: &str, id: &SegmentId, rows: &[R]) -> Result<(), Failure> {
        for (number, block) in rows.chunks(BLOCK_ROWS).enumerate() {
            let token = format!("{id}-{table}-{number}");
            self.insert_block(table, &token, block).await.map_err(|error| classify(&error))?;
            self.stats.rows.fetch_add(block.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn insert_block<R: RowOwned + RowWrite>(&self, table: &str, token: &str, rows: &[R]) -> Result<(), Error> {
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
        for row in rows {
            insert.write(row).await?;
        }
        insert.end().await
    }
}

/// The readable records of a segment and how many were not.
fn records(sealed: &Sealed) -> (Vec<Record>, u64) {
    let mut unreadable = 0;
    let records =
        sealed.records().filter_map(|bytes| serde_json::from_slice(bytes).inspect_err(|_| unreadable += 1).ok()).collect();
    (records, unreadable)
}

fn classify(error: &Error) -> Failure {
    let text = error.to_string();
    let permanent = match error {
        Error::BadResponse(answer) => code(answer).is_some_and(|code| PERMANENT_CODES.contains(&code)),
        Error::SchemaMismatch(_) | Error::InvalidParams(_) => true,
        _ => false,
    };
    if permanent { Failure::Permanent(text) } else { Failure::Transient(text) }
}

/// The number in `Code: 60. DB::Exception: …`.
fn code(answer: &str) -> Option<u32> {
    answer.split_once("Code: ")?.1.split(|char: char| !char.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_of_the_block_itself_are_permanent() {
        let failure = |text: &str| classify(&Error::BadResponse(text.into()));
        assert!(matches!(failure("Code: 117. DB::Exception: bad (INCORRECT_DATA)"), Failure::Permanent(_)));
        for transient in ["Code: 60. DB::Exception: no table (UNKNOWN_TABLE)", "Code: 241. DB::Exception: memory", "bad gateway"] {
            assert!(matches!(failure(transient), Failure::Transient(_)), "{transient}");
        }
        assert!(matches!(classify(&Error::TimedOut), Failure::Transient(_)));
    }
}
