//! Numbers with a fixed count of decimals, as the store keeps them.

use serde::{Deserialize, Serialize};

/// Tenths of a millisecond: `Decimal(9, 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tenths(i32);

/// Tenths of a millisecond, for what may take days: `Decimal(18, 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LongTenths(i64);

/// Millionths: `Decimal(9, 6)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Millionths(i32);

const NINE_DIGITS: f64 = 999_999_999.0;
/// Above this a 64-bit float skips whole numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Tenths {
    /// The nearest, or the largest there is.
    pub(super) fn of(milliseconds: f64) -> Self {
        Self(nine_digits(milliseconds * 10.0))
    }
}

impl LongTenths {
    /// The nearest, or the largest there is.
    #[expect(clippy::cast_possible_truncation, reason = "it is within bounds")]
    pub(super) fn of(milliseconds: f64) -> Self {
        Self((milliseconds * 10.0).round().clamp(-EXACT, EXACT) as i64)
    }
}

impl Millionths {
    /// The nearest, or the largest there is.
    pub(super) fn of(number: f64) -> Self {
        Self(nine_digits(number * 1_000_000.0))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "nine digits are within bounds")]
fn nine_digits(number: f64) -> i32 {
    number.round().clamp(-NINE_DIGITS, NINE_DIGITS) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_taken_and_the_largest_for_more() {
        assert_eq!([0.0, 0.04, 0.05, 123.4, 4.35, -0.3].map(Tenths::of), [0, 0, 1, 1234, 44, -3].map(Tenths));
        assert_eq!([1e9, f64::MAX, -1e12].map(Tenths::of), [999_999_999, 999_999_999, -999_999_999].map(Tenths));
        assert_eq!(LongTenths::of(1e9), LongTenths(10_000_000_000));
        assert_eq!([0.030_712_5, 0.25, 5e6].map(Millionths::of), [30_713, 250_000, 999_999_999].map(Millionths));
    }
}
