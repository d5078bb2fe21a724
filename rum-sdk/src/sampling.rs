//! Which sessions are sent.

use rum_protocol::Id;

/// 2^64, the number of ids.
pub(crate) const IDS: f64 = 18_446_744_073_709_551_616.0;

/// Whether a session is in the sample. The session's id decides, so that every page of a session, and every part of the SDK, comes
/// to the same answer with nothing stored.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "the lowest of 64 random bits do not matter")]
pub fn is_sampled(session: Id, rate: f64) -> bool {
    (session.0 as f64) / IDS < rate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_share_of_ids() {
        let share = |rate| (0..1000_u64).filter(|part| is_sampled(Id(part * (u64::MAX / 1000)), rate)).count();
        assert_eq!(share(0.0), 0);
        assert_eq!(share(0.25), 250);
        assert_eq!(share(1.0), 1000);
    }
}
