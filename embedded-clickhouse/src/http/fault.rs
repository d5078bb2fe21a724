//! Errors as ClickHouse's HTTP interface gives them: a text, a code in a header, and an HTTP status that follows from the code.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

use crate::engine::EngineFault;

/// One error for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Fault {
    code: u32,
    text: String,
}

/// The errors this front gives by itself, under ClickHouse's names and codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    BadArguments,
    UnknownFormat,
    SyntaxError,
    UnknownDatabase,
    SocketTimeout,
    CannotFsync,
    TooManySimultaneousQueries,
    IncorrectData,
    RequestTooLarge,
    ReplyTooLarge,
    Readonly,
    SessionIsLocked,
    CannotDecompress,
    SettingConstraintViolation,
    AccessDenied,
    AuthenticationFailed,
    UnknownException,
}

impl Reason {
    fn code_and_name(self) -> (u32, &'static str) {
        match self {
            Self::BadArguments => (36, "BAD_ARGUMENTS"),
            Self::UnknownFormat => (73, "UNKNOWN_FORMAT"),
            Self::SyntaxError => (62, "SYNTAX_ERROR"),
            Self::UnknownDatabase => (81, "UNKNOWN_DATABASE"),
            Self::SocketTimeout => (209, "SOCKET_TIMEOUT"),
            Self::CannotFsync => (76, "CANNOT_FSYNC"),
            Self::TooManySimultaneousQueries => (202, "TOO_MANY_SIMULTANEOUS_QUERIES"),
            Self::IncorrectData => (117, "INCORRECT_DATA"),
            Self::RequestTooLarge => (307, "TOO_MANY_BYTES"),
            Self::ReplyTooLarge => (396, "TOO_MANY_ROWS_OR_BYTES"),
            Self::Readonly => (164, "READONLY"),
            Self::SessionIsLocked => (373, "SESSION_IS_LOCKED"),
            Self::CannotDecompress => (271, "CANNOT_DECOMPRESS"),
            Self::SettingConstraintViolation => (452, "SETTING_CONSTRAINT_VIOLATION"),
            Self::AccessDenied => (497, "ACCESS_DENIED"),
            Self::AuthenticationFailed => (516, "AUTHENTICATION_FAILED"),
            Self::UnknownException => (1002, "UNKNOWN_EXCEPTION"),
        }
    }
}

impl Fault {
    pub(crate) fn new(reason: Reason, what: &str) -> Self {
        let (code, name) = reason.code_and_name();
        Self { code, text: format!("Code: {code}. DB::Exception: {what} ({name})") }
    }

    /// The error's text with the server's version, which clients look for at its end.
    pub(crate) fn text(&self, version: &str) -> String {
        format!("{} (version {version} (embedded))\n", self.text.trim_end())
    }

    pub(crate) fn into_response(self, version: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.text(version)));
        *response.status_mut() = status(self.code);
        let headers = response.headers_mut();
        headers.insert("x-clickhouse-exception-code", HeaderValue::from(self.code));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
        if self.code == 516 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"ClickHouse server HTTP API\""));
        }
        response
    }
}

impl From<EngineFault> for Fault {
    fn from(EngineFault(text): EngineFault) -> Self {
        let code = text.strip_prefix("Code: ").and_then(|rest| rest.split_once('.')).and_then(|(number, _)| number.parse().ok());
        match code {
            Some(code) => Self { code, text },
            None => Self::new(Reason::UnknownException, &text),
        }
    }
}

fn status(code: u32) -> StatusCode {
    match code {
        // Texts and values that do not parse.
        6 | 26 | 27 | 36 | 38 | 41 | 53 | 62 | 70 | 72 | 117 | 130 | 131 | 271 | 320 | 452 | 456 | 457 => StatusCode::BAD_REQUEST,
        194 | 516 => StatusCode::UNAUTHORIZED,
        164 | 481 | 497 => StatusCode::FORBIDDEN,
        // Names that do not exist.
        16 | 46 | 47 | 50 | 56 | 60 | 73 | 81 | 115 => StatusCode::NOT_FOUND,
        159 | 209 => StatusCode::REQUEST_TIMEOUT,
        307 => StatusCode::PAYLOAD_TOO_LARGE,
        48 => StatusCode::NOT_IMPLEMENTED,
        202 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_s_own_code_is_kept() {
        let fault = Fault::from(EngineFault("Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)".to_owned()));
        assert_eq!(fault.text("26.7"), "Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE) (version 26.7 (embedded))\n");
        let response = fault.into_response("26.7");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()["x-clickhouse-exception-code"], "60");
    }

    #[test]
    fn a_text_without_a_code_gets_one() {
        assert_eq!(
            Fault::from(EngineFault("out of luck".to_owned())).to_string(),
            "Code: 1002. DB::Exception: out of luck (UNKNOWN_EXCEPTION)"
        );
    }
}
