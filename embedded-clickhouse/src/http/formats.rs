//! Output formats: which can be streamed, and how their chunks join.
//!
//! Each chunk of a streamed SELECT is a complete document. Documents of rows alone join as they are; those that begin with the
//! columns' names do after the beginning of all but the first is cut off; all others (JSON, Parquet, Pretty…) do not join.

/// How the chunks of a streamable format join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// Rows alone.
    Plain,
    /// So many lines first.
    Lines(usize),
    /// So many lines first, in which a quoted name may hold a line end.
    QuotedLines(usize),
    /// `RowBinary` with so many lists of texts (names, types) after the number of columns.
    Binary(usize),
}

/// Absent when `format` cannot be streamed.
pub(crate) fn chunks(format: &str) -> Option<Chunks> {
    Some(match format {
        "TabSeparated" | "TSV" | "TabSeparatedRaw" | "TSVRaw" | "CSV" | "JSONEachRow" | "JSONLines" | "NDJSON"
        | "JSONCompactEachRow" | "RowBinary" | "Native" => Chunks::Plain,
        "TabSeparatedWithNames" | "TSVWithNames" | "JSONCompactEachRowWithNames" => Chunks::Lines(1),
        "TabSeparatedWithNamesAndTypes" | "TSVWithNamesAndTypes" | "JSONCompactEachRowWithNamesAndTypes" => Chunks::Lines(2),
        "CSVWithNames" => Chunks::QuotedLines(1),
        "CSVWithNamesAndTypes" => Chunks::QuotedLines(2),
        "RowBinaryWithNames" => Chunks::Binary(1),
        "RowBinaryWithNamesAndTypes" => Chunks::Binary(2),
        _ => return None,
    })
}

/// The media type of a format's documents.
pub(crate) fn media_type(format: &str) -> &'static str {
    if format.starts_with("JSONEachRow") || format.starts_with("JSONCompactEachRow") || matches!(format, "JSONLines" | "NDJSON") {
        "application/x-ndjson; charset=UTF-8"
    } else if format.starts_with("JSON") {
        "application/json; charset=UTF-8"
    } else if format.starts_with("CSV") {
        "text/csv; charset=UTF-8; header=absent"
    } else if format.starts_with("TabSeparated") || format.starts_with("TSV") {
        "text/tab-separated-values; charset=UTF-8"
    } else if format.starts_with("RowBinary") || matches!(format, "Native" | "Parquet" | "Arrow" | "ArrowStream") {
        "application/octet-stream"
    } else {
        "text/plain; charset=UTF-8"
    }
}

impl Chunks {
    /// How many bytes of a chunk come before its rows. Absent when the chunk does not look as it should.
    pub(crate) fn header_bytes(self, chunk: &[u8]) -> Option<usize> {
        match self {
            Self::Plain => Some(0),
            Self::Lines(lines) => end_of_line(chunk, lines, |_| false),
            Self::QuotedLines(lines) => {
                let mut quoted = false;
                end_of_line(chunk, lines, move |byte| {
                    quoted ^= byte == b'"';
                    quoted
                })
            }
            Self::Binary(lists) => end_of_lists(chunk, lists),
        }
    }
}

fn end_of_line(chunk: &[u8], lines: usize, mut inside: impl FnMut(u8) -> bool) -> Option<usize> {
    let ends = chunk.iter().enumerate().filter(|(_, byte)| !inside(**byte) && **byte == b'\n');
    ends.map(|(at, _)| at + 1).nth(lines.checked_sub(1)?)
}

fn end_of_lists(chunk: &[u8], lists: usize) -> Option<usize> {
    let (columns, mut at) = variable_length(chunk, 0)?;
    for _ in 0..columns.checked_mul(lists)? {
        let (length, start) = variable_length(chunk, at)?;
        at = start.checked_add(length).filter(|end| *end <= chunk.len())?;
    }
    Some(at)
}

/// The number at `at` in LEB128, and where it ends.
fn variable_length(chunk: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut number = 0;
    for shift in (0..usize::BITS - 7).step_by(7) {
        let byte = *chunk.get(at)?;
        at += 1;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number, at));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_measured() {
        assert_eq!(Chunks::Plain.header_bytes(b"1\n"), Some(0));
        assert_eq!(Chunks::Lines(2).header_bytes(b"a\nUInt8\n1\n"), Some(8));
        assert_eq!(Chunks::Lines(2).header_bytes(b"a\n"), None);
        assert_eq!(Chunks::QuotedLines(1).header_bytes(b"\"a\nb\"\"\n\",\"c\"\n1,2\n"), Some(13));
        assert_eq!(Chunks::Binary(2).header_bytes(b"\x01\x01a\x05UInt8\x07"), Some(9));
        assert_eq!(Chunks::Binary(2).header_bytes(b"\x01\x01a\x05UIn"), None);
        assert_eq!(Chunks::Binary(2).header_bytes(&[0xff; 40]), None);
    }
}
