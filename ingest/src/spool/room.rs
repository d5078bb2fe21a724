//! Whether the spool can take records, as far as can be told without writing one.

use std::time::Duration;

use super::Spool;

/// Free bytes on disk below which nothing more can be expected to fit: a few bodies.
const LEAST_FREE_BYTES: u64 = 256 << 10;
/// A refusal of the disk counts for this long if nothing was written since. Then beacons may try again.
const REFUSAL_COUNTS: Duration = Duration::from_secs(10);

/// Why a record would be refused now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// As much waits for ClickHouse as is allowed.
    SpoolFull,
    /// The file system has no room.
    DiskFull,
    /// The disk refused the last record: it is broken, or read-only.
    DiskRefuses,
}

impl Obstacle {
    /// For answers of probes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SpoolFull => "spool_full",
            Self::DiskFull => "disk_full",
            Self::DiskRefuses => "disk_refuses",
        }
    }
}

impl Spool {
    /// What is in the way of the next record, if anything.
    pub fn obstacle(&self) -> Option<Obstacle> {
        if self.stats.bytes() + LEAST_FREE_BYTES.min(self.config.max_bytes / 100) > self.config.max_bytes {
            Some(Obstacle::SpoolFull)
        } else if self.disk_free_bytes().is_some_and(|free| free < LEAST_FREE_BYTES) {
            Some(Obstacle::DiskFull)
        } else if self.stats.since_refusal().is_some_and(|since| since < REFUSAL_COUNTS) {
            Some(Obstacle::DiskRefuses)
        } else {
            None
        }
    }

    /// Most bytes that may wait on disk.
    pub const fn max_bytes(&self) -> u64 {
        self.config.max_bytes
    }

    /// Room on the file system for this process's user; absent if the system does not tell.
    pub fn disk_free_bytes(&self) -> Option<u64> {
        let told = rustix::fs::statvfs(&*self.dir).ok()?;
        Some(told.f_bavail.saturating_mul(told.f_frsize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{Durability, SpoolConfig};

    #[tokio::test]
    async fn a_full_spool_is_an_obstacle_and_an_empty_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let config = SpoolConfig {
            durability: Durability::Os,
            max_bytes: 20_000,
            buffer_max_bytes: 20_000,
            segment_max_bytes: 20_000,
            segment_max_age: Duration::from_mins(1),
            readers: 1,
        };
        let (spool, _segments) = Spool::open(dir.path(), config).unwrap();
        assert_eq!(spool.obstacle(), None);
        assert!(spool.disk_free_bytes().unwrap() > LEAST_FREE_BYTES);
        while spool.append(vec![0; 90]).await.is_ok() {}
        assert_eq!(spool.obstacle(), Some(Obstacle::SpoolFull));
    }
}
