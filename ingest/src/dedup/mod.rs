//! Recognises a beacon that is sent again, by its id.
//!
//! A sender that got no answer sends the same beacon again. Its id is remembered per project from the moment the beacon is durable, for a
//! bounded time and number, also across a restart: the ids of beacons that are still in the spool are read from there, those of beacons
//! that ClickHouse has are kept in the spool's [`Journal`](crate::spool::Journal). A beacon that comes while the first of its id is
//! being written waits for the first one's outcome.

mod window;

pub use window::{Claim, Reservation, Window, WindowLimits};

use std::hash::Hasher as _;

use serde::Deserialize;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// Bytes of one [`Seen`] in the journal.
const SEEN_BYTES: usize = 24;
/// Digits of a UUID, without the hyphens.
const UUID_DIGITS: usize = 32;
/// Lengths of the groups of a UUID's usual text form.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// A beacon of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BeaconKey([u8; 16]);

impl BeaconKey {
    /// The key of a beacon; absent if its id is not a UUID. Hand-written senders repeat other texts, and those must not cost events.
    pub fn of(project_id: &str, beacon_id: &str) -> Option<Self> {
        let uuid = uuid(beacon_id)?;
        let mut hasher = SipHasher13::new();
        hasher.write_usize(project_id.len());
        hasher.write(project_id.as_bytes());
        hasher.write_u128(uuid);
        Some(Self(hasher.finish128().as_u128().to_le_bytes()))
    }
}

/// The number a UUID's text form stands for; absent for the nil UUID too.
fn uuid(text: &str) -> Option<u128> {
    let mut digits = String::with_capacity(UUID_DIGITS);
    let mut groups = text.split('-');
    for length in UUID_GROUPS {
        let group = groups.next()?;
        if group.len() != length || !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        digits.push_str(group);
    }
    let number = u128::from_str_radix(&digits, 16).ok()?;
    (groups.next().is_none() && number != 0).then_some(number)
}

/// A stored beacon and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The beacon.
    pub key: BeaconKey,
    /// The service's clock when it came, Unix milliseconds.
    pub received_at_ms: u64,
}

/// What of a spool record is needed here.
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    beacon: Option<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    project_id: std::borrow::Cow<'a, str>,
    received_at_ms: u64,
    #[serde(borrow)]
    beacon_id: std::borrow::Cow<'a, str>,
}

impl Seen {
    /// The beacons among spool records. Others, and what cannot be read, are passed over.
    pub fn in_records<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Vec<Self> {
        let seen = |record: &[u8]| {
            let Named { project_id, received_at_ms, beacon_id } = serde_json::from_slice::<Stored<'_>>(record).ok()?.beacon?;
            Some(Self { key: BeaconKey::of(&project_id, &beacon_id)?, received_at_ms })
        };
        records.into_iter().filter_map(seen).collect()
    }

    /// The bytes the journal keeps: key and time, the latter little-endian.
    pub fn encode(seen: &[Self]) -> Vec<u8> {
        seen.iter().flat_map(|seen| seen.key.0.into_iter().chain(seen.received_at_ms.to_le_bytes())).collect()
    }

    /// What [`Seen::encode`] has written.
    pub fn decode(bytes: &[u8]) -> impl Iterator<Item = Self> {
        bytes.chunks_exact(SEEN_BYTES).map(|chunk| {
            let (mut key, mut time) = ([0; 16], [0; 8]);
            key.copy_from_slice(&chunk[..16]);
            time.copy_from_slice(&chunk[16..]);
            Self { key: BeaconKey(key), received_at_ms: u64::from_le_bytes(time) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019a0b1c-2d3e-7f40-8a5b-6c7d8e9f0a1b";

    #[test]
    fn a_key_is_of_one_project_and_one_uuid() {
        let key = BeaconKey::of("shop", ID).unwrap();
        assert_eq!(BeaconKey::of("shop", &ID.to_ascii_uppercase()), Some(key));
        assert_ne!(BeaconKey::of("blog", ID), Some(key));
        assert_ne!(BeaconKey::of("shop", &ID.replace("1b", "1c")), Some(key));
    }

    #[test]
    fn other_texts_are_no_keys() {
        let cases = [
            "",
            "1",
            "b7",
            "019a0b1c2d3e7f408a5b6c7d8e9f0a1b",
            "019a0b1c-2d3e-7f40-8a5b-6c7d8e9f0a1",
            "g19a0b1c-2d3e-7f40-8a5b-6c7d8e9f0a1b",
        ];
        for text in cases.into_iter().chain(["00000000-0000-0000-0000-000000000000", "019a0b1c-2d3e-7f40-8a5b-6c7d8e9f0a1b-"]) {
            assert_eq!(BeaconKey::of("shop", text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_read_from_spool_records_and_back_from_the_journal() {
        let beacon = format!(
            "{{\"beacon\":{{\"project_id\":\"shop\",\"received_at_ms\":7,\"skew_ms\":0,\"beacon_id\":\"{ID}\",\"events\":[{{}}]}}}}"
        );
        let other = beacon.replace(ID, "hand-made");
        let records = [beacon.as_bytes(), other.as_bytes(), b"{\"refusals\":[]}", b"{\"replayed\":{}}", b"\xff"];
        let seen = Seen::in_records(records);
        assert_eq!(seen, [Seen { key: BeaconKey::of("shop", ID).unwrap(), received_at_ms: 7 }]);
        assert_eq!(Seen::decode(&Seen::encode(&seen)).collect::<Vec<_>>(), seen);
        assert_eq!(Seen::decode(b"too short").count(), 0);
    }
}
