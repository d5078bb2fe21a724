//! Just enough HTTP to ask a server on this machine.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The body of `GET url`.
///
/// # Errors
/// When nobody answers or the status is not 200.
pub(super) fn get(url: &str) -> Result<String> {
    exchange("GET", url, &[], "")
}

/// The body of the answer to `POST url`.
///
/// # Errors
/// When nobody answers or the status is not 200.
pub(super) fn post(url: &str, headers: &[(&str, &str)], body: &str) -> Result<String> {
    exchange("POST", url, headers, body)
}

fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not an http address"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).with_context(|| format!("nobody listens on {host}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    // Version 1.0: the answer ends with the connection and comes in one piece.
    let mut request = format!("{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer)).with_context(|| format!("{method} {url}"))
}

fn parse(answer: &str) -> Result<String> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { bail!("the answer broke off") };
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(!head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "the answer to HTTP/1.0 is chunked");
    ensure!(status == "200", "status {status}: {}", body.trim());
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_200_has_a_body() {
        assert_eq!(parse("HTTP/1.0 200 OK\r\nA: b\r\n\r\nbody\r\n\r\nmore").unwrap(), "body\r\n\r\nmore");
        assert!(parse("HTTP/1.0 503 Busy\r\n\r\nlater").unwrap_err().to_string().contains("status 503: later"));
        assert!(parse("HTTP/1.0 200 OK\r\n").is_err());
    }
}
