//! Texts, handled without anything that can panic or links the formatting machinery.

/// The longest start of `text` that has at most `most_bytes` bytes and ends between two characters.
#[must_use]
pub fn cut(text: &str, most_bytes: usize) -> &str {
    let mut end = most_bytes.min(text.len());
    loop {
        match text.get(..end) {
            Some(start) => return start,
            None => end -= 1,
        }
    }
}

/// [`cut`], and nothing of an empty text.
#[must_use]
pub fn cut_known(text: &str, most_bytes: usize) -> Option<String> {
    (!text.is_empty()).then(|| String::from(cut(text, most_bytes)))
}

/// Where `byte`, an ASCII character, is first.
#[must_use]
pub fn find(text: &str, byte: u8) -> Option<usize> {
    text.as_bytes().iter().position(|&other| other == byte)
}

/// Appends a whole number in decimal digits.
pub fn push_whole(out: &mut String, value: u64) {
    if value >= 10 {
        push_whole(out, value / 10);
    }
    push_digit(out, value % 10);
}

/// Appends the lowest `digits` hexadecimal digits of a number.
pub fn push_hexadecimal(out: &mut String, value: u64, digits: u32) {
    for digit in (0..digits).rev() {
        push_digit(out, value >> (4 * digit) & 15);
    }
}

/// Appends a digit that is below 16.
fn push_digit(out: &mut String, digit: u64) {
    #[expect(clippy::cast_possible_truncation, reason = "a digit is below 16")]
    let at = digit as usize;
    out.push_str("0123456789abcdef".get(at..=at).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("häß", 3), "hä");
        assert_eq!(cut("häß", 2), "h");
        assert_eq!(cut("häß", 99), "häß");
        assert_eq!(cut("ä", 1), "");
        assert_eq!(cut_known("abc", 2).as_deref(), Some("ab"));
        assert_eq!(cut_known("", 2), None);
    }

    #[test]
    fn hexadecimal_digits_are_the_lowest_ones() {
        let mut out = String::new();
        push_hexadecimal(&mut out, 0x0123_abcd, 6);
        assert_eq!(out, "23abcd");
    }

    #[test]
    fn whole_numbers_are_written_like_the_standard_library_does() {
        for value in [0, 7, 10, 99, 1_700_000_000_123, u64::MAX] {
            let mut out = String::new();
            push_whole(&mut out, value);
            assert_eq!(out, value.to_string());
        }
    }
}
