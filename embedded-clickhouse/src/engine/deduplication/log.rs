//! What a table's deduplication log and its part directories say together. No files here.

use std::collections::BTreeMap;

/// A part's place: its partition and the block numbers it holds (`partition_min_max_level[_mutation]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartName {
    partition: String,
    first: i64,
    last: i64,
}

impl PartName {
    /// Absent when `name` is not a part's name, such as `detached` or `tmp_insert_all_1_1_0`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut fields = name.split('_');
        let partition = fields.next().filter(|partition| !partition.is_empty())?.to_owned();
        let (first, last) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let _level: u32 = fields.next()?.parse().ok()?;
        if let Some(mutation) = fields.next() {
            let _mutation: u64 = mutation.parse().ok()?;
        }
        (fields.next().is_none() && first <= last).then_some(Self { partition, first, last })
    }

    fn covers(&self, other: &Self) -> bool {
        self.partition == other.partition && self.first <= other.first && self.last >= other.last
    }
}

/// What is wrong with one table's logs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// For each log file, in the order given: the length to cut it to, when its last line is torn.
    pub(super) cut: Vec<Option<usize>>,
    /// The lines that take back records without a part.
    pub(super) retractions: Vec<u8>,
    /// How many records those are.
    pub(super) retracted: usize,
    /// Whole lines that are not records.
    pub(super) malformed: usize,
}

/// Replays the logs, oldest file first: `1 \t part \t block` adds a block, `2 \t part \t block` removes it. A block still there whose
/// part no present part covers was never stored.
pub(super) fn examine(logs: &[Vec<u8>], parts: &[PartName]) -> Findings {
    let mut findings = Findings::default();
    let mut live: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    for log in logs {
        let whole = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        findings.cut.push((whole < log.len()).then_some(whole));
        for line in log[..whole].split_inclusive(|byte| *byte == b'\n') {
            let mut fields = line[..line.len() - 1].splitn(3, |byte| *byte == b'\t');
            match (fields.next(), fields.next(), fields.next()) {
                (Some(b"1"), Some(part), Some(block)) => _ = live.insert(block, part),
                (Some(b"2"), Some(_), Some(block)) => _ = live.remove(block),
                _ => findings.malformed += 1,
            }
        }
    }
    for (block, part) in live {
        let stored = std::str::from_utf8(part).ok().and_then(PartName::parse);
        if stored.is_some_and(|stored| !parts.iter().any(|part| part.covers(&stored))) {
            findings.retractions.extend([b"2\t", part, b"\t", block, b"\n"].concat());
            findings.retracted += 1;
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(names: &[&str]) -> Vec<PartName> {
        names.iter().map(|name| PartName::parse(name).unwrap()).collect()
    }

    fn check(logs: &[&str], present: &[&str], retractions: &str, cut: &[Option<usize>]) {
        let logs: Vec<_> = logs.iter().map(|log| log.as_bytes().to_vec()).collect();
        let findings = examine(&logs, &parts(present));
        assert_eq!(String::from_utf8_lossy(&findings.retractions), retractions);
        assert_eq!(findings.cut, cut);
        assert_eq!(findings.retracted, retractions.lines().count());
    }

    #[test]
    fn part_names() {
        for name in ["all_1_1_0", "20260101-1_2_30_4", "439cc4172c033ba5169e97454bf6e56e_2_8_1_77"] {
            assert!(PartName::parse(name).is_some(), "{name}");
        }
        for name in
            ["detached", "tmp_insert_all_1_1_0", "all_1_1", "all_2_1_0", "_1_1_0", "all_1_1_0_5_6", "delete_tmp_all_1_1_0", ""]
        {
            assert!(PartName::parse(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_record_with_its_part_stands() {
        check(&["1\tall_1_1_0\tall_7_7\n"], &["all_1_1_0"], "", &[None]);
    }

    #[test]
    fn a_record_whose_part_was_merged_or_mutated_stands() {
        check(&["1\tall_2_2_0\tall_7_7\n"], &["all_1_5_2"], "", &[None]);
        check(&["1\tall_2_2_0\tall_7_7\n"], &["all_2_2_0_9"], "", &[None]);
    }

    #[test]
    fn a_record_without_a_part_is_taken_back() {
        check(&["1\tall_1_1_0\ta\n1\tall_2_2_0\tb\n"], &["all_1_1_0"], "2\tall_2_2_0\tb\n", &[None]);
    }

    #[test]
    fn a_part_of_another_partition_does_not_cover() {
        check(&["1\t20260101_1_1_0\ta\n"], &["20260102_1_1_0"], "2\t20260101_1_1_0\ta\n", &[None]);
    }

    #[test]
    fn a_record_already_taken_back_stays_so() {
        check(&["1\tall_1_1_0\ta\n", "2\tall_1_1_0\ta\n"], &[], "", &[None, None]);
    }

    #[test]
    fn a_block_stored_again_after_its_removal_is_judged_by_its_new_part() {
        let logs = ["1\tall_1_1_0\ta\n2\tall_1_1_0\ta\n1\tall_4_4_0\ta\n"];
        check(&logs, &["all_4_4_0"], "", &[None]);
        check(&logs, &["all_1_1_0"], "2\tall_4_4_0\ta\n", &[None]);
    }

    #[test]
    fn a_torn_last_line_is_cut_and_does_not_count() {
        check(&["1\tall_1_1_0\ta\n1\tall_2_2"], &["all_1_1_0"], "", &[Some(14)]);
        check(&["1\tall"], &[], "", &[Some(0)]);
    }

    #[test]
    fn a_block_id_may_hold_tabs_and_bytes_that_are_no_text() {
        let findings = examine(&[b"1\tall_1_1_0\ta\tb\xff\n".to_vec()], &[]);
        assert_eq!(findings.retractions, b"2\tall_1_1_0\ta\tb\xff\n");
    }

    #[test]
    fn a_malformed_line_is_counted_and_left() {
        let findings = examine(&[b"nonsense\n1\tnonsense\tb\n".to_vec()], &[]);
        assert_eq!((findings.malformed, findings.retracted), (1, 0));
    }

    proptest! {
        /// Whatever the bytes are, a second look after the repair finds nothing to do.
        #[test]
        fn repairing_is_final(
            lines in proptest::collection::vec(("[12x]", 0..6_u8, 0..6_u8), 0..20),
            torn in "[12]?\t?a?", present in proptest::collection::vec(0..6_u8, 0..6),
        ) {
            let mut log: Vec<u8> =
                lines.iter().flat_map(|(op, part, block)| format!("{op}\tall_{part}_{part}_0\tblock{block}\n").into_bytes()).collect();
            log.extend(torn.as_bytes());
            let present: Vec<_> = present.iter().map(|part| PartName::parse(&format!("all_{part}_{part}_0")).unwrap()).collect();
            let first = examine(&[log.clone()], &present);
            if let Some(length) = first.cut[0] {
                log.truncate(length);
            }
            log.extend(&first.retractions);
            let second = examine(&[log], &present);
            prop_assert_eq!(second.retracted, 0);
            prop_assert_eq!(second.cut, vec![None]);
        }
    }
}
