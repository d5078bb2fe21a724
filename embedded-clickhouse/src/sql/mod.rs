//! The little that must be known of a statement's text before the engine sees it: where an INSERT's data begins, which format a
//! SELECT asks for, and which names a reader may not use. What a statement *does* is the engine's own parser's to say.

mod lexer;

/// Each dollar sign may begin a heredoc, and is compared with all that follows it.
const MAX_DOLLARS: usize = 1000;

use lexer::{Token, TokenKind, tokens};

/// An INSERT that carries its data, cut where the data begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InsertHead {
    /// The statement without its FORMAT clause is `..statement_end` of the text.
    pub(crate) statement_end: usize,
    /// The statement with its FORMAT clause, or the word VALUES, is `..clause_end` of the text.
    pub(crate) clause_end: usize,
    /// The data's format.
    pub(crate) format: String,
    /// The data is `data_start..` of the text.
    pub(crate) data_start: usize,
}

/// What the text of an INSERT may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Insert {
    /// Not an INSERT, or one whose rows come from a SELECT.
    No,
    /// Carries its data.
    WithData(InsertHead),
    /// Reads a file on the engine's own machine.
    FromInfile,
}

/// Looks for an INSERT with data at the beginning of `text`. Reads no further than the place where the data begins.
pub(crate) fn insert_head(text: &[u8]) -> Insert {
    let mut stream = tokens(text).filter(|token| token.kind != TokenKind::Comment).peekable();
    if !stream.next().is_some_and(|token| token.is_keyword("insert")) {
        return Insert::No;
    }
    for keyword in ["into", "table", "function"] {
        stream.next_if(|token| token.is_keyword(keyword));
    }
    // The table's name, which may be any word, also `format` or `values`.
    stream.next();
    while stream.next_if(|token| token.is(b'.')).is_some() {
        stream.next();
    }
    let mut depth = 0_usize;
    while let Some(token) = stream.next() {
        match token.kind {
            TokenKind::Symbol(b'(' | b'[' | b'{') => depth += 1,
            TokenKind::Symbol(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            TokenKind::Word if depth == 0 => {
                if token.is_keyword("select") || token.is_keyword("with") {
                    return Insert::No;
                }
                if token.is_keyword("from") && stream.peek().is_some_and(|next| next.is_keyword("infile")) {
                    return Insert::FromInfile;
                }
                if token.is_keyword("values") {
                    return Insert::WithData(InsertHead {
                        statement_end: token.start,
                        clause_end: token.end,
                        format: "Values".to_owned(),
                        data_start: token.end,
                    });
                }
                if token.is_keyword("format")
                    && let Some(name) = stream.peek().filter(|next| next.kind == TokenKind::Word)
                {
                    return Insert::WithData(InsertHead {
                        statement_end: token.start,
                        clause_end: name.end,
                        format: String::from_utf8_lossy(name.text).into_owned(),
                        data_start: skip_line_end(text, name.end),
                    });
                }
            }
            _ => {}
        }
    }
    Insert::No
}

/// Data begins after the blanks and the one line end that follow the format's name.
fn skip_line_end(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\x0c')) {
        at += 1;
    }
    for byte in *b"\r\n" {
        at += usize::from(text.get(at) == Some(&byte));
    }
    at
}

/// The format named by the statement's own FORMAT clause, when it ends with one (SETTINGS may follow).
pub(crate) fn format_clause(sql: &[u8]) -> Option<String> {
    let all: Vec<Token<'_>> = tokens(sql).filter(|token| token.kind != TokenKind::Comment && !token.is(b';')).collect();
    let clause = |at: usize| {
        let name = all.get(at + 1).filter(|name| name.kind == TokenKind::Word)?;
        let ended = all.get(at + 2).is_none_or(|next| next.is_keyword("settings"));
        (all[at].is_keyword("format") && ended).then(|| String::from_utf8_lossy(name.text).into_owned())
    };
    (0..all.len()).rev().find_map(clause)
}

/// Whether the statement is a SELECT, the only kind the engine streams.
pub(crate) fn is_select(sql: &[u8]) -> bool {
    tokens(sql)
        .find(|token| token.kind != TokenKind::Comment && !token.is(b'('))
        .is_some_and(|first| first.is_keyword("select") || first.is_keyword("with"))
}

/// Whether the statement begins with one of these keywords, given in lower case.
pub(crate) fn begins_with(sql: &[u8], keywords: &[&str]) -> bool {
    tokens(sql)
        .find(|token| token.kind != TokenKind::Comment)
        .is_some_and(|first| keywords.iter().any(|keyword| first.is_keyword(keyword)))
}

/// The first of `names` that the statement uses as an identifier, bare or quoted, outside texts and comments. A statement with
/// more dollar signs than [`MAX_DOLLARS`] counts as using the first.
pub(crate) fn uses_any<'names>(sql: &[u8], names: &[&'names str]) -> Option<&'names str> {
    if sql.split(|byte| *byte == b'$').nth(MAX_DOLLARS + 1).is_some() {
        return names.first().copied();
    }
    tokens(sql)
        .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName))
        .find_map(|token| names.iter().find(|name| token.is_name(name)).copied())
}

/// The texts that the statement compares with one of `names`: by `=`, `==`, `IN` or `LIKE`, on either side. Without their quotes, and
/// otherwise as written.
pub(crate) fn compared_texts(sql: &[u8], names: &[&str]) -> Vec<String> {
    let all: Vec<Token<'_>> = tokens(sql).filter(|token| token.kind != TokenKind::Comment).collect();
    let is_named = |token: &Token<'_>| {
        matches!(token.kind, TokenKind::Word | TokenKind::QuotedName) && names.iter().any(|name| token.is_name(name))
    };
    let compares = |token: &&Token<'_>| token.is(b'=') || ["in", "like", "ilike"].iter().any(|keyword| token.is_keyword(keyword));
    let mut found = Vec::<&Token<'_>>::new();
    for at in (0..all.len()).filter(|at| is_named(&all[*at])) {
        let operators = all[at + 1..].iter().take_while(compares).count();
        if operators > 0 {
            let listed = all[at + 1 + operators..]
                .iter()
                .take_while(|token| token.kind == TokenKind::Text || token.is(b'(') || token.is(b'[') || token.is(b','));
            found.extend(listed.filter(|token| token.kind == TokenKind::Text));
        }
        let before = all[..at].iter().rev().take_while(|token| token.is(b'=')).count();
        if before > 0 {
            found.extend(all[..at - before].last().filter(|token| token.kind == TokenKind::Text));
        }
    }
    found.into_iter().map(|token| String::from_utf8_lossy(token.text).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_insert(text: &str, statement: &str, format: &str, data: &str) {
        match insert_head(text.as_bytes()) {
            Insert::WithData(head) => {
                assert_eq!(&text[..head.statement_end], statement, "{text}");
                assert_eq!(head.format, format, "{text}");
                assert_eq!(&text[head.data_start..], data, "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn inserts_with_data() {
        check_insert("INSERT INTO t FORMAT TSV\n1\t2\n", "INSERT INTO t ", "TSV", "1\t2\n");
        check_insert("INSERT INTO t FORMAT TSV", "INSERT INTO t ", "TSV", "");
        check_insert("INSERT INTO t FORMAT TSV \r\n\n1", "INSERT INTO t ", "TSV", "\n1");
        check_insert(
            "insert into `a b`.`t`(`x`, y) format JSONEachRow {\"x\":1}",
            "insert into `a b`.`t`(`x`, y) ",
            "JSONEachRow",
            "{\"x\":1}",
        );
        check_insert("INSERT INTO t (a) VALUES (1), (2)", "INSERT INTO t (a) ", "Values", " (1), (2)");
        check_insert(
            "INSERT INTO t SETTINGS insert_deduplication_token='a FORMAT b', x=1 FORMAT RowBinary\n\u{1}",
            "INSERT INTO t SETTINGS insert_deduplication_token='a FORMAT b', x=1 ",
            "RowBinary",
            "\u{1}",
        );
        check_insert(
            "/* SELECT */ INSERT -- FORMAT x\n INTO t FORMAT CSV 1",
            "/* SELECT */ INSERT -- FORMAT x\n INTO t ",
            "CSV",
            "1",
        );
        check_insert("INSERT INTO format FORMAT CSV\n1", "INSERT INTO format ", "CSV", "1");
        check_insert("INSERT INTO values.values VALUES (1)", "INSERT INTO values.values ", "Values", " (1)");
        check_insert("INSERT INTO TABLE t (format, select) FORMAT CSV\n1", "INSERT INTO TABLE t (format, select) ", "CSV", "1");
    }

    #[test]
    fn inserts_without_data() {
        for text in [
            "INSERT INTO t SELECT 1",
            "INSERT INTO t (a) WITH 1 AS x SELECT x FORMAT Null",
            "SELECT 1 FORMAT TSV",
            "",
            "INSERT INTO t",
        ] {
            assert_eq!(insert_head(text.as_bytes()), Insert::No, "{text}");
        }
        assert_eq!(insert_head(b"INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV"), Insert::FromInfile);
    }

    #[test]
    fn format_clauses() {
        for (sql, format) in [
            ("SELECT 1 FORMAT JSON", Some("JSON")),
            ("SELECT 1 FORMAT JSON;", Some("JSON")),
            ("SELECT 1 format `x", None),
            ("SELECT 1 FORMAT JSON -- FORMAT TSV", Some("JSON")),
            ("SELECT 1 FORMAT JSON SETTINGS max_threads = 1", Some("JSON")),
            ("SELECT format, x FROM t", None),
            ("SELECT format FROM t", None),
            ("SELECT 'FORMAT TSV'", None),
            ("SELECT 1 AS format", None),
        ] {
            assert_eq!(format_clause(sql.as_bytes()).as_deref(), format, "{sql}");
        }
    }

    #[test]
    fn selects() {
        for sql in ["SELECT 1", "(select 1) UNION ALL (select 2)", "/* x */ with 1 as x select x", "-- c\nSELECT 1"] {
            assert!(is_select(sql.as_bytes()), "{sql}");
        }
        for sql in ["SHOW TABLES", "EXPLAIN SELECT 1", "DESCRIBE t", ""] {
            assert!(!is_select(sql.as_bytes()), "{sql}");
        }
    }

    #[test]
    fn texts_compared_with_a_name_are_found() {
        for (sql, texts) in [
            ("SELECT 1 FROM t WHERE project_id = 'a'", &["a"][..]),
            ("SELECT 1 FROM t AS e WHERE e.`project_id` == 'a' OR 'b' = PROJECT_ID", &["a", "b"]),
            ("SELECT * FROM web_vitals(project = 'a', x = 'y')", &["a"]),
            ("SELECT 1 FROM t WHERE project_id IN ('a', 'b') AND page = 'c'", &["a", "b"]),
            ("SELECT 1 FROM t WHERE project_id NOT IN ('a') AND project_id != 'b' -- project_id = 'c'", &[]),
            ("SELECT 'project_id = ''a''', project_id FROM t GROUP BY project_id", &[]),
        ] {
            assert_eq!(compared_texts(sql.as_bytes(), &["project_id", "project"]), texts, "{sql}");
        }
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        for sql in [
            "SELECT file('/etc/passwd')",
            "SELECT `file`('/etc/passwd')",
            "SELECT \"file\" ('/etc/passwd')",
            "SELECT \"fi\\x6ce\"('/etc/passwd')",
            "SELECT \u{201c}file\u{201d}('/etc/passwd')",
            "SELECT * APPLY file FROM t",
            "SELECT arrayMap(file, ['/etc/passwd'])",
            "SELECT 'it''s', file('/etc/passwd')",
            "SELECT 'a\\'', file('/etc/passwd')",
            "SELECT \u{2018}'\u{2019}, file('/etc/passwd'), '1'",
            "SELECT $a$ ' $a$, file('/etc/passwd'), '1'",
            "SELECT /* ' */ file('/etc/passwd') -- '",
        ] {
            assert_eq!(uses_any(sql.as_bytes(), &["file"]), Some("file"), "{sql}");
        }
        for sql in ["SELECT 'file'", "SELECT 1 -- file", "SELECT /* file */ files, profile, $x$file$x$"] {
            assert_eq!(uses_any(sql.as_bytes(), &["file"]), None, "{sql}");
        }
    }
}
