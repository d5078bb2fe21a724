use crate::text::push_whole;
use crate::time::whole;

/// Digits behind the point that are kept: a nanosecond for milliseconds, a millionth for layout shifts.
const DECIMALS: usize = 6;
const SCALE: f64 = 1e6;
/// [`SCALE`] as a whole number.
const ONE: u64 = 1_000_000;
/// From here on only `null` is left.
const TOO_LARGE: f64 = 1e19;

/// Appends a number with at most six digits behind the point, rounded. What JSON or a 64-bit number cannot hold becomes `null`.
pub fn push_number(out: &mut String, value: f64) {
    let size = value.abs();
    if size.is_nan() || size >= TOO_LARGE {
        out.push_str("null");
        return;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is behind the point is cut off on purpose")]
    let mut before = size as u64;
    #[expect(clippy::cast_precision_loss, reason = "it was a float's whole part just now")]
    let mut behind = whole((size - before as f64) * SCALE);
    if behind >= ONE {
        before += 1;
        behind -= ONE;
    }
    if value < 0.0 && (before, behind) != (0, 0) {
        out.push_str("-");
    }
    push_whole(out, before);
    if behind != 0 {
        out.push_str(".");
        // A leading one keeps the zeros in front; it is cut off again.
        let mut digits = String::new();
        push_whole(&mut digits, ONE + behind);
        let mut digits = digits.get(1..=DECIMALS).unwrap_or_default();
        while let Some(shorter) = digits.len().checked_sub(1).filter(|&last| digits.as_bytes().get(last) == Some(&b'0')) {
            digits = digits.get(..shorter).unwrap_or_default();
        }
        out.push_str(digits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: f64, expected: &str) {
        let mut out = String::new();
        push_number(&mut out, value);
        assert_eq!(out, expected, "{value}");
    }

    #[test]
    fn numbers_are_rounded_to_six_decimals() {
        check(0.0, "0");
        check(-0.0, "0");
        check(1.0, "1");
        check(-2.5, "-2.5");
        check(1_234.599_999_904_632_6, "1234.6");
        check(0.050_000_1, "0.05");
        check(0.000_001_2, "0.000001");
        check(-0.000_000_1, "0");
        check(0.999_999_9, "1");
        check(1e15, "1000000000000000");
    }

    #[test]
    fn what_is_no_number_becomes_null() {
        check(f64::NAN, "null");
        check(f64::INFINITY, "null");
        check(-1e300, "null");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_within_half_a_millionth(value in -1e11_f64..1e11) {
            let mut out = String::new();
            push_number(&mut out, value);
            let read: f64 = serde_json::from_str(&out).unwrap();
            // Half of the last digit, and what a float of that size cannot tell apart.
            prop_assert!((read - value).abs() <= 0.5e-6 + value.abs() * f64::EPSILON, "{value} became {out}");
        }
    }
}
