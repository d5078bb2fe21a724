//! 64-bit identifiers, written as 16 lower-case hexadecimal digits because JSON numbers lose bits above 2^53.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A session, page-view or event identifier. Zero means "none was given".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u64);

/// The text is not 1 to 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl Id {
    /// The 16 digits as ASCII bytes.
    #[must_use]
    pub fn digits(self) -> [u8; 16] {
        let mut out = [0; 16];
        let mut rest = self.0;
        for slot in out.iter_mut().rev() {
            let nibble = (rest & 15) as u8;
            *slot = if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) };
            rest >>= 4;
        }
        out
    }

    /// Reads 1 to 16 hexadecimal digits of either case.
    ///
    /// # Errors
    /// [`InvalidId`] for an empty text, more than 16 digits, or any other character.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() || text.len() > 16 {
            return Err(InvalidId);
        }
        let mut value = 0;
        for byte in text.bytes() {
            let nibble = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => byte - b'A' + 10,
                _ => return Err(InvalidId),
            };
            value = value << 4 | u64::from(nibble);
        }
        Ok(Self(value))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Digit by digit as text: checking that digits are UTF-8, or encoding a `char`, would cost a browser more bytes.
        let mut digits = String::with_capacity(16);
        for place in (0..16).rev() {
            let digit = (self.0 >> (4 * place) & 15) as usize;
            digits.push_str("0123456789abcdef".get(digit..=digit).unwrap_or_default());
        }
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Id;

            fn expecting(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                out.write_str("1 to 16 hexadecimal digits as a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Id::parse(text).map_err(|InvalidId| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_parse_are_inverse() {
        for value in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let digits = Id(value).digits();
            assert_eq!(Id::parse(core::str::from_utf8(&digits).unwrap()), Ok(Id(value)));
        }
        assert_eq!(Id(0xab).digits(), *b"00000000000000ab");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "g", "0x1", "00000000000000000", "ä"] {
            assert_eq!(Id::parse(text), Err(InvalidId), "{text:?}");
        }
    }
}
