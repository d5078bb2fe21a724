//! What is taken out of texts before they are sent: the query and fragment of every address.

/// The address up to its query or fragment.
#[must_use]
pub fn strip_query(address: &str) -> &str {
    let end = address.as_bytes().iter().position(|&byte| byte == b'?' || byte == b'#');
    end.and_then(|end| address.get(..end)).unwrap_or(address)
}

/// `text` with the query and fragment of every absolute address in it removed. The position that browsers write after an address
/// in a stack line (`:line:column`) stays.
#[must_use]
pub fn strip_queries(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, address_on)) = split_after_scheme(rest) {
        out.push_str(before);
        let length = address_on.as_bytes().iter().position(|&byte| ends_address(byte)).unwrap_or(address_on.len());
        let (address, after) = address_on.split_at_checked(length).unwrap_or((address_on, ""));
        let kept = strip_query(address);
        out.push_str(kept);
        if kept.len() < address.len() {
            out.push_str(position(address));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Splits behind the first `://`.
fn split_after_scheme(text: &str) -> Option<(&str, &str)> {
    let at = text.as_bytes().windows(3).position(|bytes| bytes == b"://")?;
    text.split_at_checked(at + 3)
}

const fn ends_address(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b')' | b'"' | b'\'' | b'<' | b'>' | b'`')
}

/// The `:line:column` or `:line` at the end of an address, or nothing.
fn position(address: &str) -> &str {
    let mut start = address.len();
    let mut colons = 0;
    for (index, byte) in address.bytes().enumerate().rev() {
        match byte {
            b'0'..=b'9' => {}
            // A colon counts only with digits behind it.
            b':' if colons < 2 && index + 1 < start => {
                colons += 1;
                start = index;
            }
            _ => break,
        }
    }
    address.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_lose_query_and_fragment() {
        assert_eq!(strip_query("https://shop.example/a?token=1#x"), "https://shop.example/a");
        assert_eq!(strip_query("https://shop.example/a#x?y"), "https://shop.example/a");
        assert_eq!(strip_query("about:blank"), "about:blank");
    }

    #[test]
    fn addresses_inside_a_text_lose_query_and_fragment_but_keep_the_position() {
        let check = |text: &str, expected: &str| assert_eq!(strip_queries(text), expected);
        check("    at buy (https://x.example/a.js?v=1:10:5)", "    at buy (https://x.example/a.js:10:5)");
        check(
            "buy@https://x.example/a.js?v=1#f:10:5\nnext@https://x.example/b.js:1:2",
            "buy@https://x.example/a.js:10:5\nnext@https://x.example/b.js:1:2",
        );
        check("GET https://x.example/?mail=a@b.example failed: 404", "GET https://x.example/ failed: 404");
        check("see https://x.example/?next=https://y.example/?t=s", "see https://x.example/");
        check("at https://x.example:8080/a.js:7", "at https://x.example:8080/a.js:7");
        check("what? no address # here", "what? no address # here");
        check("https://x.example/?a=1:2:3:4", "https://x.example/:3:4");
    }

    proptest! {
        #[test]
        fn no_query_is_left_behind_an_address(text in "[a-z:/?#() \n0-9ä]{0,60}") {
            let stripped = strip_queries(&text);
            for word in stripped.split(|character: char| character.is_ascii() && ends_address(character as u8)) {
                if let Some((_, address)) = word.split_once("://") {
                    prop_assert!(!address.contains(['?', '#']), "{stripped:?}");
                }
            }
        }
    }
}
