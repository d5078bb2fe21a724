//! Sessions: visits of one browser, over pages and tabs, without a longer pause.

use rum_protocol::Id;

use crate::text::{find, push_hexadecimal, push_whole};

/// A session ends when nothing happened for this long, milliseconds.
const LONGEST_PAUSE_MS: u64 = 30 * 60 * 1000;
/// No session is longer than this, milliseconds.
const LONGEST_SESSION_MS: u64 = 4 * 60 * 60 * 1000;

/// A session, as it is kept in the browser's storage. `npm/src/early.ts` keeps the same record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Random, new for every session.
    pub id: Id,
    /// When it began, milliseconds since the Unix epoch.
    pub started_at_ms: u64,
    /// When something last happened in it, milliseconds since the Unix epoch.
    pub seen_at_ms: u64,
    /// Whether something went wrong in it; it is sent then although it may be outside the sample.
    pub has_failed: bool,
}

impl SessionRecord {
    /// A session that begins now.
    #[must_use]
    pub const fn begin(id: u64, now_ms: u64) -> Self {
        Self { id: Id(id), started_at_ms: now_ms, seen_at_ms: now_ms, has_failed: false }
    }

    /// Whether what happens now still belongs to it. A clock that was set back ends it as a pause does.
    #[must_use]
    pub const fn is_alive(&self, now_ms: u64) -> bool {
        now_ms.abs_diff(self.seen_at_ms) < LONGEST_PAUSE_MS && now_ms.abs_diff(self.started_at_ms) < LONGEST_SESSION_MS
    }

    /// The record as it is stored: id, start and last sign of life, joined by `-`; that of a session with a failure ends with `-`, too.
    #[must_use]
    pub fn to_text(self) -> String {
        let mut out = String::new();
        push_hexadecimal(&mut out, self.id.0, 16);
        out.push_str("-");
        push_whole(&mut out, self.started_at_ms);
        out.push_str("-");
        push_whole(&mut out, self.seen_at_ms);
        if self.has_failed {
            out.push_str("-");
        }
        out
    }

    /// Reads [`Self::to_text`]; absent for anything else.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (id, rest) = split_at_dash(text)?;
        let (started, rest) = split_at_dash(rest)?;
        let (seen, has_failed) = split_at_dash(rest).map_or((rest, false), |(seen, _)| (seen, true));
        Some(Self { id: Id::parse(id).ok()?, started_at_ms: whole_number(started)?, seen_at_ms: whole_number(seen)?, has_failed })
    }
}

fn split_at_dash(text: &str) -> Option<(&str, &str)> {
    let at = find(text, b'-')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn whole_number(digits: &str) -> Option<u64> {
    // Milliseconds since the epoch have 13.
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let mut value = 0;
    for digit in digits.bytes() {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;
    const MINUTE: u64 = 60_000;

    #[test]
    fn a_session_ends_after_half_an_hour_of_silence() {
        let session = SessionRecord { seen_at_ms: START + 10 * MINUTE, ..SessionRecord::begin(1, START) };
        assert!(session.is_alive(START + 40 * MINUTE - 1));
        assert!(!session.is_alive(START + 40 * MINUTE));
        assert!(!session.is_alive(START - 30 * MINUTE));
    }

    #[test]
    fn a_session_ends_after_four_hours_whatever_happens() {
        let session = SessionRecord { seen_at_ms: START + 239 * MINUTE, ..SessionRecord::begin(1, START) };
        assert!(session.is_alive(START + 240 * MINUTE - 1));
        assert!(!session.is_alive(START + 240 * MINUTE));
    }

    #[test]
    fn the_stored_text_reads_back() {
        let session = SessionRecord { id: Id(0xab), started_at_ms: START, seen_at_ms: START + 5, has_failed: false };
        assert_eq!(session.to_text(), "00000000000000ab-1700000000000-1700000000005");
        assert_eq!(SessionRecord::from_text(&session.to_text()), Some(session));
        let failed = SessionRecord { has_failed: true, ..session };
        assert_eq!(failed.to_text(), "00000000000000ab-1700000000000-1700000000005-");
        assert_eq!(SessionRecord::from_text(&failed.to_text()), Some(failed));
    }

    #[test]
    fn anything_else_in_storage_is_no_session() {
        for text in ["", "-", "--", "ab-1", "xy-1-2", "ab-1-", "ab--2", "ab-1-99999999999999999999999", "ab-1-2x", "ä-1-2"] {
            assert_eq!(SessionRecord::from_text(text), None, "{text:?}");
        }
    }
}
