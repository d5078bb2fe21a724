//! Beacon ids.

use crate::text::push_hexadecimal;

/// A UUID of version 7 (RFC 9562 section 5.7) in its usual text form: 48 bits of time, then 74 random bits.
#[must_use]
pub fn version_7(epoch_ms: u64, random: [u64; 2]) -> String {
    let [first, second] = random;
    let mut out = String::with_capacity(36);
    push_hexadecimal(&mut out, epoch_ms >> 16, 8);
    out.push_str("-");
    push_hexadecimal(&mut out, epoch_ms, 4);
    out.push_str("-7");
    push_hexadecimal(&mut out, first, 3);
    out.push_str("-");
    // The variant is in the two highest bits.
    push_hexadecimal(&mut out, 0x8000 | (first >> 16 & 0x3fff), 4);
    out.push_str("-");
    push_hexadecimal(&mut out, second, 12);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_version_and_variant_are_where_the_standard_puts_them() {
        assert_eq!(version_7(0x0189_0a5d_ac96, [0, 0]), "01890a5d-ac96-7000-8000-000000000000");
        assert_eq!(version_7(0x0189_0a5d_ac96, [u64::MAX; 2]), "01890a5d-ac96-7fff-bfff-ffffffffffff");
    }
}
