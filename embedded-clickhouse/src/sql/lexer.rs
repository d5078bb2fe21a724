//! ClickHouse's tokens, as far as telling names, texts and comments apart needs them.

/// One token, with its place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'sql> {
    pub(super) kind: TokenKind,
    pub(super) text: &'sql [u8],
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword, a bare name or a number.
    Word,
    /// A name in backticks, double quotes or their typographic forms; the token's text is without them.
    QuotedName,
    /// A text in single quotes, their typographic forms, or a heredoc.
    Text,
    Comment,
    /// Any other byte.
    Symbol(u8),
}

impl Token<'_> {
    /// `keyword` is in lower case.
    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(keyword.as_bytes())
    }

    pub(super) fn is(&self, symbol: u8) -> bool {
        self.kind == TokenKind::Symbol(symbol)
    }

    /// Whether this name is `name`, in any case. A quoted name with an escape could be any name, so it counts as this one.
    pub(super) fn is_name(&self, name: &str) -> bool {
        self.text.eq_ignore_ascii_case(name.as_bytes()) || (self.kind == TokenKind::QuotedName && self.text.contains(&b'\\'))
    }
}

/// The tokens of `sql`, without its blanks.
pub(super) fn tokens(sql: &[u8]) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += sql[at..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
        let rest = &sql[at..];
        let (kind, length, quotes) = measure(rest, *rest.first()?);
        let length = length.min(rest.len());
        let (start, end) = (at, at + length);
        at = end;
        let text = if length >= 2 * quotes { &rest[quotes..length - quotes] } else { &rest[..length] };
        Some(Token { kind, text, start, end })
    })
}

/// The kind of the token at the beginning of `rest`, its length, and how many bytes of quotes it has at each side.
fn measure(rest: &[u8], first: u8) -> (TokenKind, usize, usize) {
    match first {
        b'\'' => (TokenKind::Text, quoted(rest, first), 1),
        b'"' | b'`' => (TokenKind::QuotedName, quoted(rest, first), 1),
        b'-' if rest.starts_with(b"--") => (TokenKind::Comment, line(rest), 0),
        b'#' if rest.starts_with(b"# ") || rest.starts_with(b"#!") => (TokenKind::Comment, line(rest), 0),
        b'/' if rest.starts_with(b"/*") => (TokenKind::Comment, past(rest, 2, b"*/"), 0),
        b'$' => match heredoc(rest) {
            Some(length) => (TokenKind::Text, length, 0),
            None => word(rest, first),
        },
        0xe2 if rest.starts_with("\u{2018}".as_bytes()) => (TokenKind::Text, past(rest, 3, "\u{2019}".as_bytes()), 3),
        0xe2 if rest.starts_with("\u{201c}".as_bytes()) => (TokenKind::QuotedName, past(rest, 3, "\u{201d}".as_bytes()), 3),
        _ => word(rest, first),
    }
}

fn word(rest: &[u8], first: u8) -> (TokenKind, usize, usize) {
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')).count();
    if length == 0 { (TokenKind::Symbol(first), 1, 0) } else { (TokenKind::Word, length, 0) }
}

/// A quoted run: the quote doubled or behind a backslash does not end it.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match *byte {
            b'\\' => at += 2,
            byte if byte == quote => {
                if rest.get(at + 1) != Some(&quote) {
                    return at + 1;
                }
                at += 2;
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// The length up to and with the first `end` after `from`; all of `rest` when there is none.
fn past(rest: &[u8], from: usize, end: &[u8]) -> usize {
    find(&rest[from..], end).map_or(rest.len(), |at| from + at + end.len())
}

/// `$tag$ … $tag$`, with any tag.
fn heredoc(rest: &[u8]) -> Option<usize> {
    let tag = find(&rest[1..], b"$")? + 2;
    let end = find(&rest[tag..], &rest[..tag])?;
    Some(tag + end + tag)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the text, tokens are in order, inside the text, and none is empty.
        #[test]
        fn tokens_are_in_order(sql in "[ -~\u{2018}-\u{201d}\n]{0,60}") {
            let mut before = 0;
            for token in tokens(sql.as_bytes()) {
                prop_assert!(token.start >= before && token.end > token.start && token.end <= sql.len());
                before = token.end;
            }
        }
    }
}
