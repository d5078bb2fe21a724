//! The bytes of a segment: an 8-byte magic with the format version, then records of length, CRC-32 and payload.

/// Begins every segment.
pub(super) const MAGIC: &[u8; 8] = b"BMLSPL\x00\x01";
/// Length and checksum, both little-endian `u32`.
pub(super) const RECORD_HEADER_BYTES: usize = 8;

/// Bytes a record of that payload takes on disk.
pub(super) const fn record_bytes(payload: usize) -> u64 {
    (RECORD_HEADER_BYTES + payload) as u64
}

/// Adds one record to `out`.
pub(super) fn encode(payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).expect("the appender refuses records larger than a segment");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(payload).to_le_bytes());
    out.extend_from_slice(payload);
}

/// What a segment's bytes hold.
#[derive(Debug, PartialEq)]
pub(super) struct Scan {
    /// Offsets of the payloads of all sound records, in order.
    pub(super) payloads: Vec<std::ops::Range<usize>>,
    /// Where the sound part ends.
    pub(super) sound_bytes: usize,
    /// How the bytes end.
    pub(super) end: End,
}

/// How a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a whole record.
    Clean,
    /// Inside a record: the write was cut short.
    Torn,
    /// With a record whose checksum or length is wrong, or a foreign header.
    Corrupt,
}

/// Finds the sound records. Everything after the first damage is left alone.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan { payloads: Vec::new(), sound_bytes: 0, end: End::Clean };
    if bytes.len() < MAGIC.len() {
        scan.end = if MAGIC.starts_with(bytes) { End::Torn } else { End::Corrupt };
        return scan;
    }
    if !bytes.starts_with(MAGIC) {
        scan.end = End::Corrupt;
        return scan;
    }
    scan.sound_bytes = MAGIC.len();
    while scan.sound_bytes < bytes.len() {
        let rest = &bytes[scan.sound_bytes..];
        match first_record(rest) {
            First::Sound(length) => {
                let start = scan.sound_bytes + RECORD_HEADER_BYTES;
                scan.payloads.push(start..start + length);
                scan.sound_bytes = start + length;
            }
            First::Short => {
                // A write cut short is the last thing in a segment. If a record follows, it is the length that is wrong.
                let is_last = (1..rest.len()).all(|at| !matches!(first_record(&rest[at..]), First::Sound(_)));
                scan.end = if is_last { End::Torn } else { End::Corrupt };
                return scan;
            }
            First::Wrong => {
                scan.end = End::Corrupt;
                return scan;
            }
        }
    }
    scan
}

/// What bytes begin with.
enum First {
    /// A record with so many bytes of payload.
    Sound(usize),
    /// Less than the record its length promises.
    Short,
    /// A record with a wrong checksum.
    Wrong,
}

fn first_record(bytes: &[u8]) -> First {
    let Some((header, body)) = bytes.split_at_checked(RECORD_HEADER_BYTES) else { return First::Short };
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let expected = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    match body.get(..length) {
        None => First::Short,
        Some(payload) if checksum(payload) == expected => First::Sound(length),
        Some(_) => First::Wrong,
    }
}

/// CRC-32 of length and payload, so that a run of zeros is no record.
fn checksum(payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&payload.len().to_le_bytes());
    crc.update(payload);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for payload in payloads {
            encode(payload, &mut bytes);
        }
        bytes
    }

    fn payloads(bytes: &[u8]) -> Vec<Vec<u8>> {
        scan(bytes).payloads.into_iter().map(|range| bytes[range].to_vec()).collect()
    }

    proptest! {
        #[test]
        fn a_whole_segment_is_read_back(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..8)) {
            let bytes = segment(&records);
            prop_assert_eq!(scan(&bytes).end, End::Clean);
            prop_assert_eq!(payloads(&bytes), records);
        }

        #[test]
        fn a_cut_segment_keeps_every_whole_record(
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 1..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = segment(&records);
            let cut = cut.index(bytes.len());
            let kept = payloads(&bytes[..cut]);
            prop_assert_eq!(&kept[..], &records[..kept.len()]);
            let whole = segment(&records[..kept.len()]).len();
            prop_assert!(whole <= cut || kept.is_empty());
            prop_assert_eq!(scan(&bytes[..cut]).end == End::Clean, whole == cut);
        }

        #[test]
        fn any_bytes_are_scanned_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let scan = scan(&bytes);
            prop_assert!(scan.sound_bytes <= bytes.len());
        }

        #[test]
        fn a_flipped_bit_never_yields_another_record(
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..32), 1..5),
            position in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let mut bytes = segment(&records);
            let at = position.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let kept = payloads(&bytes);
            prop_assert!(kept.len() < records.len());
            prop_assert_eq!(&kept[..], &records[..kept.len()]);
        }
    }

    #[test]
    fn a_wrong_length_is_no_torn_write_if_records_follow() {
        let mut bytes = segment(&[b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        bytes[MAGIC.len() + 2] ^= 1; // The first record seems to reach far behind the end.
        assert_eq!(scan(&bytes).end, End::Corrupt);
    }

    #[test]
    fn zeros_are_no_record() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[0; 64]);
        assert_eq!(scan(&bytes).end, End::Corrupt);
        assert!(scan(&bytes).payloads.is_empty());
    }
}
