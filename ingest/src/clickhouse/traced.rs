//! The insert of a segment, in the trace of every beacon that is in it.

use crate::{
    accepted::Record,
    clock,
    spool::SegmentId,
    traces::{Attribute, Kind, Span, TraceContext, Traces},
};

/// The attempts to insert one segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Insert {
    is_traced: bool,
    /// When the first attempt began, Unix time in nanoseconds.
    start_ns: u64,
    attempts: i64,
}

/// An attempt, and whom it is about.
#[derive(Debug)]
pub(super) struct Attempt {
    insert: Insert,
    beacons: Vec<TraceContext>,
}

impl Insert {
    pub(super) fn begin(traces: &Traces) -> Self {
        Self { is_traced: traces.are_on(), start_ns: clock::now_ns(), attempts: 0 }
    }

    /// One more attempt.
    pub(super) fn try_again(&mut self) -> Self {
        self.attempts += 1;
        *self
    }

    /// The same, knowing which of the records are traced.
    pub(super) fn of(self, records: &[Record]) -> Attempt {
        let traced = |record: &Record| match record {
            Record::Beacon(beacon) | Record::Replayed(beacon) => beacon.trace.filter(|context| context.is_sampled),
            Record::Refusals(_) | Record::Ledger(_) => None,
        };
        Attempt { insert: self, beacons: if self.is_traced { records.iter().filter_map(traced).collect() } else { Vec::new() } }
    }
}

impl Attempt {
    /// It was the last: everything is confirmed.
    pub(super) fn done(self, traces: &Traces, segment: &SegmentId, rows: usize) {
        let end_ns = clock::now_ns();
        for spooled in self.beacons {
            let number = |number: usize| Attribute::Number(i64::try_from(number).unwrap_or(i64::MAX));
            traces.ended(Span {
                name: "insert".into(),
                kind: Kind::Consumer,
                context: spooled.child(),
                parent_id: Some(spooled.span_id),
                start_ns: self.insert.start_ns,
                end_ns,
                attributes: vec![
                    ("db.system.name", Attribute::Text("clickhouse".into())),
                    ("beamline.segment", Attribute::Text(segment.to_string().into())),
                    ("beamline.segment.rows", number(rows)),
                    ("beamline.attempts", Attribute::Number(self.insert.attempts)),
                ],
                has_failed: false,
            });
        }
    }
}
