//! The spool against a model of itself, through crashes, torn and flipped bytes, refusing disks, restarts and removals.

use std::{
    collections::BTreeMap,
    fs,
    future::Future,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::{
    Durability, Reading, SealedSegments, SegmentId, Spool, SpoolConfig,
    format::{MAGIC, encode, scan},
};

#[derive(Clone, Debug)]
enum Step {
    /// Appends one after the other.
    Append(Vec<usize>),
    /// Appends all at once, so that they share a commit.
    Burst(Vec<usize>),
    /// Reads a sealed segment and removes it, as the writer does.
    Take,
    /// Reads a sealed segment and leaves it, as a writer that fails.
    Peek,
    /// Stops properly and starts again.
    Restart,
    /// Stops without a word. Bytes behind the last one that was acknowledged are cut off and flipped.
    Crash { cut: prop::sample::Index, flip: Option<(prop::sample::Index, u8)> },
    /// A segment put back by an operator.
    PutBack(usize),
    /// Appends while no new segment can be made.
    Refused(Vec<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![4 => 1..200_usize, 1 => 3_000..6_000_usize];
    prop_oneof![
        4 => prop::collection::vec(length.clone(), 1..6).prop_map(Step::Append),
        2 => prop::collection::vec(length.clone(), 1..12).prop_map(Step::Burst),
        3 => Just(Step::Take),
        1 => Just(Step::Peek),
        1 => Just(Step::Restart),
        2 => (any::<prop::sample::Index>(), prop::option::of((any::<prop::sample::Index>(), 0..8_u8)))
            .prop_map(|(cut, flip)| Step::Crash { cut, flip }),
        1 => length.clone().prop_map(Step::PutBack),
        1 => prop::collection::vec(length, 1..6).prop_map(Step::Refused),
    ]
}

fn config(durability: Durability) -> SpoolConfig {
    SpoolConfig {
        durability,
        max_bytes: 40_000,
        buffer_max_bytes: 8_000,
        segment_max_bytes: 8_192,
        // Only size seals, so that what a crash finds open does not depend on the clock.
        segment_max_age: Duration::from_hours(1),
        readers: 1,
    }
}

/// A spool with what is known about it. Records are told apart by the number they begin with.
struct Modelled {
    runtime: Runtime,
    dir: tempfile::TempDir,
    durability: Durability,
    open: Option<(Spool, SealedSegments)>,
    /// Everything ever appended, acknowledged or not.
    appended: BTreeMap<u32, Vec<u8>>,
    /// Acknowledged and never taken, in order; what a crash may take away is not in it.
    owed: Vec<u32>,
    /// Acknowledged, but a crash of the machine may take it away.
    unsure: Vec<u32>,
    /// Put back by an operator and never taken.
    put_back: Vec<u32>,
    taken: Vec<u32>,
    /// The last of `taken` that came by an append.
    last: Option<u32>,
    next: u32,
}

impl Modelled {
    fn new(durability: Durability) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut new = Self {
            runtime,
            dir,
            durability,
            open: None,
            appended: BTreeMap::new(),
            owed: Vec::new(),
            unsure: Vec::new(),
            put_back: Vec::new(),
            taken: Vec::new(),
            last: None,
            next: 0,
        };
        new.start();
        new
    }

    fn start(&mut self) {
        self.open = Some(Spool::open(&self.path(), config(self.durability)).unwrap());
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("spool")
    }

    fn spool(&self) -> Spool {
        self.open.as_ref().unwrap().0.clone()
    }

    fn record(&mut self, length: usize) -> (u32, Vec<u8>) {
        let number = self.next;
        self.next += 1;
        let mut record = number.to_le_bytes().to_vec();
        record.resize(4 + length, number.to_le_bytes()[0]);
        self.appended.insert(number, record.clone());
        (number, record)
    }

    fn acknowledged(&mut self, number: u32) {
        match self.durability {
            Durability::Fsync => self.owed.push(number),
            Durability::Os | Durability::Memory => self.unsure.push(number),
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Append(lengths) => self.append(lengths),
            Step::Burst(lengths) => {
                let records = lengths.into_iter().map(|length| self.record(length)).collect::<Vec<_>>();
                let spool = self.spool();
                let answers = self.runtime.block_on(async {
                    let appends = records.into_iter().map(|(number, record)| {
                        let spool = spool.clone();
                        tokio::spawn(async move { (number, spool.append(record).await.is_ok()) })
                    });
                    let mut answers = Vec::new();
                    for append in appends.collect::<Vec<_>>() {
                        answers.push(append.await.unwrap());
                    }
                    answers
                });
                answers.into_iter().filter(|(_, ok)| *ok).for_each(|(number, _)| self.acknowledged(number));
            }
            Step::Take => {
                if let Some((id, numbers)) = self.read_one() {
                    self.open.as_ref().unwrap().1.files().remove(&id);
                    self.took(numbers);
                }
            }
            Step::Peek => {
                if let Some((_, numbers)) = self.read_one() {
                    // Handed out and not removed: it comes again after the next start.
                    self.check_known(&numbers);
                    self.restart();
                }
            }
            Step::Restart => self.restart(),
            Step::Crash { cut, flip } => self.crash(cut, flip),
            Step::PutBack(length) => {
                let (number, record) = self.record(length);
                super::aside::write_incoming(&self.path(), "an entry", &[record]).unwrap();
                self.put_back.push(number);
            }
            Step::Refused(lengths) => {
                let away = self.dir.path().join("away");
                fs::rename(self.path(), &away).unwrap();
                self.append(lengths);
                fs::rename(&away, self.path()).unwrap();
            }
        }
    }

    fn append(&mut self, lengths: Vec<usize>) {
        for length in lengths {
            let (number, record) = self.record(length);
            if self.runtime.block_on(self.spool().append(record)).is_ok() {
                self.acknowledged(number);
            }
        }
    }

    /// A sealed segment, if there is one now.
    fn read_one(&mut self) -> Option<(SegmentId, Vec<u32>)> {
        let (_, sealed) = self.open.as_mut().unwrap();
        let id = self.runtime.block_on(ready(sealed.next()))??;
        Some((id.clone(), numbers(sealed, &id)))
    }

    fn check_known(&self, numbers: &[u32]) {
        for number in numbers {
            assert!(self.appended.contains_key(number), "{number} was never appended");
            assert!(!self.taken.contains(number), "{number} came twice");
        }
    }

    fn took(&mut self, numbers: Vec<u32>) {
        self.check_known(&numbers);
        for number in numbers.iter().filter(|number| !self.put_back.contains(number)) {
            assert!(self.last.is_none_or(|last| last < *number), "{number} came after {:?}", self.last);
            self.last = Some(*number);
        }
        for list in [&mut self.owed, &mut self.unsure, &mut self.put_back] {
            list.retain(|number| !numbers.contains(number));
        }
        self.taken.extend(numbers);
    }

    fn restart(&mut self) {
        let (spool, sealed) = self.open.take().unwrap();
        self.runtime.block_on(spool.close());
        drop((spool, sealed));
        // A proper stop makes everything durable.
        self.owed.append(&mut self.unsure);
        self.start();
    }

    /// The spool's thread ends when nobody holds it any more; a copy of its files from before that is what a crash leaves.
    fn crash(&mut self, cut: prop::sample::Index, flip: Option<(prop::sample::Index, u8)>) {
        let (spool, sealed) = self.open.take().unwrap();
        let left = tempfile::tempdir().unwrap();
        copy(self.dir.path(), left.path());
        self.runtime.block_on(spool.close());
        drop((spool, sealed));
        self.dir = left;
        self.damage(cut, flip);
        self.start();
    }

    /// Cuts and flips the newest segment behind its last record that is owed.
    fn damage(&mut self, cut: prop::sample::Index, flip: Option<(prop::sample::Index, u8)>) {
        let files = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let segments = files.filter_map(|path| SegmentId::of_file(&path).filter(|id| id.number() > 0)).max();
        let Some(newest) = segments.map(|id| id.path(&self.path())) else {
            self.unsure.clear();
            return;
        };
        let mut bytes = fs::read(&newest).unwrap();
        let inside = scan(&bytes).payloads.into_iter().map(|range| number(&bytes[range])).collect::<Vec<_>>();
        let unsure = std::mem::take(&mut self.unsure);
        if self.durability == Durability::Os {
            // Older segments are sealed, and were synced by that.
            self.owed.extend(unsure.into_iter().filter(|number| !inside.contains(number)));
        }
        if self.durability == Durability::Fsync {
            // A write that was under way and never acknowledged.
            let (_, record) = self.record(50);
            encode(&record, &mut bytes);
        }
        let payloads = scan(&bytes).payloads;
        let last_owed = payloads.iter().rev().find(|range| self.owed.contains(&number(&bytes[(*range).clone()])));
        let synced = last_owed.map_or(MAGIC.len(), |range| range.end);
        bytes.truncate(synced + cut.index(bytes.len() - synced + 1));
        if let Some((at, bit)) = flip
            && bytes.len() > synced
        {
            let at = synced + at.index(bytes.len() - synced);
            bytes[at] ^= 1 << bit;
        }
        fs::write(&newest, &bytes).unwrap();
    }

    /// Stops, starts once more, and takes everything.
    fn finish(&mut self) {
        self.restart();
        let (spool, mut sealed) = self.open.take().unwrap();
        self.runtime.block_on(spool.close());
        while let Some(id) = self.runtime.block_on(sealed.next()) {
            let numbers = numbers(&sealed, &id);
            sealed.files().remove(&id);
            self.took(numbers);
        }
        assert_eq!((&self.owed, &self.unsure, &self.put_back), (&vec![], &vec![], &vec![]), "acknowledged and never read back");
        assert_eq!((spool.stats().bytes(), spool.stats().segments()), (0, 0));
    }
}

fn numbers(sealed: &SealedSegments, id: &SegmentId) -> Vec<u32> {
    match sealed.files().read(id) {
        Reading::Read(read) => read.records().map(number).collect(),
        other => panic!("{other:?}"),
    }
}

fn number(record: &[u8]) -> u32 {
    u32::from_le_bytes(record[..4].try_into().unwrap())
}

/// The result of a future that has one now.
async fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = std::future::ready(()) => None,
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if let Err(error) = fs::copy(entry.path(), target) {
            // The appender may just have given the file its name.
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }
}

fn check(durability: Durability, steps: Vec<Step>) {
    let mut spool = Modelled::new(durability);
    for step in steps {
        spool.apply(step);
    }
    spool.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_synced_is_always_read_back_once(steps in prop::collection::vec(step(), 1..25)) {
        check(Durability::Fsync, steps);
    }

    #[test]
    fn what_was_written_is_read_back_at_most_once(steps in prop::collection::vec(step(), 1..25)) {
        check(Durability::Os, steps);
    }

    #[test]
    fn what_was_buffered_is_read_back_at_most_once(steps in prop::collection::vec(step(), 1..25)) {
        check(Durability::Memory, steps);
    }
}
