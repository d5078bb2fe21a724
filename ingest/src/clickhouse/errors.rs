//! What an error of an insert means for what is done next.

use ::clickhouse::error::Error;

/// Longest text of ClickHouse that goes to the log.
const LOGGED_CHARS: usize = 400;

/// Why an insert failed.
#[derive(Debug)]
pub(super) struct InsertError {
    pub(super) class: Class,
    /// ClickHouse's number of the error, if it was ClickHouse that refused.
    pub(super) code: Option<u32>,
    /// What ClickHouse or the client says. It may hold values of rows.
    pub(super) text: String,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Another try may succeed by itself: network, time, memory, too many parts, too many queries, a quota, a read-only table. Unknown
    /// errors count as such: data that waits is better than data put aside for the wrong reason.
    Transient,
    /// Another try succeeds when an operator has changed something that is not in the rows. The text says what.
    Configuration(&'static str),
    /// These rows will never be taken as they are.
    Permanent(Reason),
}

/// What is wrong with a row that ClickHouse refuses for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It cannot be parsed.
    Parse,
    /// A value does not fit its column.
    Type,
    /// A constraint of the table forbids it.
    Constraint,
    /// The spool's record cannot be read, so there is no row at all.
    Unreadable,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Parse, Self::Type, Self::Constraint, Self::Unreadable];

    /// The name in metrics and quarantine files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Type => "type",
            Self::Constraint => "constraint",
            Self::Unreadable => "unreadable",
        }
    }
}

impl InsertError {
    /// A failure on our side, such as the spool's disk.
    pub(super) fn transient(cause: impl std::fmt::Display) -> Self {
        Self { class: Class::Transient, code: None, text: format!("{cause}") }
    }

    /// The text without what may be a row's, and not too long, for the log.
    pub(super) fn logged(&self) -> String {
        match self.class {
            Class::Permanent(reason) => format!("code {}, {}", self.code.unwrap_or(0), reason.name()),
            _ => self.text.chars().take(LOGGED_CHARS).collect(),
        }
    }
}

impl From<Error> for InsertError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let (class, code) = match &error {
            Error::BadResponse(answer) => {
                let code = code(answer);
                (code.map_or(Class::Transient, |code| classify(code, answer)), code)
            }
            Error::SchemaMismatch(_) => (Class::Configuration(SCHEMA), None),
            Error::Unsupported(_) | Error::InvalidParams(_) => (Class::Configuration(ADDRESS), None),
            _ => (Class::Transient, None),
        };
        Self { class, code, text }
    }
}

const SCHEMA: &str = "the tables are not those of this release; see `beamline migrate status` and undo what was changed by hand";
const ADDRESS: &str = "correct clickhouse.url; it must be a plain http address";
const MISSING: &str =
    "make clickhouse.database if it is missing, then restart the service or run `beamline migrate up`, which make the tables";
const LOGIN: &str = "correct clickhouse.user and clickhouse.password";
const RIGHTS: &str = "grant the user all rights on clickhouse.database, and a profile that may write and change settings";
const VIEW: &str = "a materialized view refuses; repair or drop it. The rows may be in the table already, so nothing is set aside";

/// Sorts ClickHouse's error codes. Names as in its `src/Common/ErrorCodes.cpp`.
fn classify(code: u32, text: &str) -> Class {
    use Class::{Configuration, Permanent, Transient};
    let class = match code {
        6     // CANNOT_PARSE_TEXT
        | 25  // CANNOT_PARSE_ESCAPE_SEQUENCE
        | 26  // CANNOT_PARSE_QUOTED_STRING
        | 27  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
        | 32  // ATTEMPT_TO_READ_AFTER_EOF
        | 33  // CANNOT_READ_ALL_DATA
        | 38  // CANNOT_PARSE_DATE
        | 41  // CANNOT_PARSE_DATETIME
        | 72  // CANNOT_PARSE_NUMBER
        | 117 // INCORRECT_DATA
        | 128 // TOO_LARGE_ARRAY_SIZE
        | 131 // TOO_LARGE_STRING_SIZE
        | 376 // CANNOT_PARSE_UUID
        | 467 // CANNOT_PARSE_BOOL
        => Permanent(Reason::Parse),
        36    // BAD_ARGUMENTS
        | 53  // TYPE_MISMATCH
        | 69  // ARGUMENT_OUT_OF_BOUND
        | 70  // CANNOT_CONVERT_TYPE
        | 321 // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        | 349 // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        | 407 // DECIMAL_OVERFLOW
        | 691 // UNKNOWN_ELEMENT_OF_ENUM
        => Permanent(Reason::Type),
        248   // INVALID_PARTITION_VALUE
        | 395 // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
        | 469 // VIOLATED_CONSTRAINT
        => Permanent(Reason::Constraint),
        // TOO_MANY_PARTS is a matter of time, unless it is the rows that fall into too many partitions; fewer rows fall into fewer.
        252 if text.contains("Too many partitions") => Permanent(Reason::Constraint),
        8     // THERE_IS_NO_COLUMN
        | 10  // NOT_FOUND_COLUMN_IN_BLOCK
        | 16  // NO_SUCH_COLUMN_IN_TABLE
        | 20  // NUMBER_OF_COLUMNS_DOESNT_MATCH
        | 44  // ILLEGAL_COLUMN
        | 46  // UNKNOWN_FUNCTION
        | 47  // UNKNOWN_IDENTIFIER
        | 50  // UNKNOWN_TYPE
        | 62  // SYNTAX_ERROR
        | 122 // INCOMPATIBLE_COLUMNS
        => Configuration(SCHEMA),
        60    // UNKNOWN_TABLE
        | 81  // UNKNOWN_DATABASE
        | 218 // TABLE_IS_DROPPED
        => Configuration(MISSING),
        192   // UNKNOWN_USER
        | 193 // WRONG_PASSWORD
        | 194 // REQUIRED_PASSWORD
        | 195 // IP_ADDRESS_NOT_ALLOWED
        | 516 // AUTHENTICATION_FAILED
        => Configuration(LOGIN),
        115   // UNKNOWN_SETTING
        | 164 // READONLY
        | 291 // DATABASE_ACCESS_DENIED
        | 392 // QUERY_IS_PROHIBITED
        | 452 // SETTING_CONSTRAINT_VIOLATION
        | 472 // READONLY_SETTING
        | 497 // ACCESS_DENIED
        => Configuration(RIGHTS),
        _ => Transient,
    };
    // A view runs after the table may have taken the block, so other tokens for its halves could store rows twice.
    match class {
        Permanent(_) if text.contains("while pushing to view") => Configuration(VIEW),
        class => class,
    }
}

/// The number in `Code: 60. DB::Exception: …`.
fn code(answer: &str) -> Option<u32> {
    answer.split_once("Code: ")?.1.split(|char: char| !char.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(answer: &str) -> Class {
        InsertError::from(Error::BadResponse(answer.into())).class
    }

    #[test]
    fn rows_that_can_never_be_stored_are_told_from_a_server_that_cannot_now() {
        for (answer, expected) in [
            ("Code: 117. DB::Exception: bad (INCORRECT_DATA)", Class::Permanent(Reason::Parse)),
            ("Code: 53. DB::Exception: x (TYPE_MISMATCH)", Class::Permanent(Reason::Type)),
            ("Code: 469. DB::Exception: x (VIOLATED_CONSTRAINT)", Class::Permanent(Reason::Constraint)),
            ("Code: 252. DB::Exception: Too many partitions for single INSERT block", Class::Permanent(Reason::Constraint)),
            ("Code: 60. DB::Exception: no table (UNKNOWN_TABLE)", Class::Configuration(MISSING)),
            ("Code: 516. DB::Exception: x (AUTHENTICATION_FAILED)", Class::Configuration(LOGIN)),
            ("Code: 497. DB::Exception: x (ACCESS_DENIED)", Class::Configuration(RIGHTS)),
            ("Code: 469. DB::Exception: x: while pushing to view v (VIOLATED_CONSTRAINT)", Class::Configuration(VIEW)),
        ] {
            assert_eq!(class(answer), expected, "{answer}");
        }
        let transient = [
            "Code: 159. DB::Exception: x (TIMEOUT_EXCEEDED)",
            "Code: 201. DB::Exception: x (QUOTA_EXCEEDED)",
            "Code: 202. DB::Exception: x (TOO_MANY_SIMULTANEOUS_QUERIES)",
            "Code: 241. DB::Exception: memory (MEMORY_LIMIT_EXCEEDED)",
            "Code: 242. DB::Exception: x (TABLE_IS_READ_ONLY)",
            "Code: 252. DB::Exception: Too many parts (300) (TOO_MANY_PARTS)",
            "Code: 99999. DB::Exception: from the future",
            "502 Bad Gateway",
            "<html>Code of conduct</html>",
        ];
        for answer in transient {
            assert_eq!(class(answer), Class::Transient, "{answer}");
        }
        assert_eq!(InsertError::from(Error::TimedOut).class, Class::Transient);
        assert_eq!(InsertError::from(Error::SchemaMismatch(String::new())).class, Class::Configuration(SCHEMA));
    }

    #[test]
    fn values_of_rows_stay_out_of_the_log() {
        let error = InsertError::from(Error::BadResponse("Code: 469. DB::Exception: Column values: name = 'Ada'".into()));
        assert_eq!(error.logged(), "code 469, constraint");
    }
}
