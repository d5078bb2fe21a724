//! What the targets speak: one request for a body, and how its answer looks.

use anyhow::{Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::corpus::Encoding;

/// A protocol of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A POST of HTTP/1.1, as browsers send it.
    Http,
    /// `RPUSH` into one list, RESP.
    Redis,
    /// A publication into a stream that asks for the stream's acknowledgement.
    Nats,
    /// An `INSERT` of one row in the simple query protocol, `PostgreSQL` 3.0.
    Postgres,
}

/// An answer at the front of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Bytes of it.
    pub(crate) bytes: usize,
    /// Whether the target took the beacon.
    pub(crate) is_taken: bool,
}

/// What a browser names itself. The service makes device, browser and system of it.
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

impl Dialect {
    /// What is said before the first request of a connection; `number` is the connection's.
    pub(crate) async fn greet(self, stream: &mut TcpStream, number: usize) -> Result<()> {
        match self {
            Self::Http | Self::Redis => Ok(()),
            Self::Nats => {
                let hello = format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB _INBOX.{number} 1\r\nPING\r\n");
                stream.write_all(hello.as_bytes()).await?;
                until(stream, b"PONG\r\n").await
            }
            Self::Postgres => {
                let parameters = b"user\0bench\0database\0postgres\0\0";
                let mut hello = u32::try_from(8 + parameters.len())?.to_be_bytes().to_vec();
                hello.extend_from_slice(&0x0003_0000_u32.to_be_bytes());
                hello.extend_from_slice(parameters);
                stream.write_all(&hello).await?;
                until(stream, b"Z\0\0\0\x05I").await
            }
        }
    }

    /// The request with this body; `number` is the connection's.
    pub(crate) fn request(self, body: &[u8], encoding: Encoding, keeps: Keeps, number: usize) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(body.len() + 512);
        match self {
            Self::Http => {
                let encoding = if encoding == Encoding::Gzip { "Content-Encoding: gzip\r\n" } else { "" };
                let connection = if keeps == Keeps::Open { "keep-alive" } else { "close" };
                let head = format!(
                    "POST {}?key=default HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {USER_AGENT}\r\nContent-Type: text/plain;charset=UTF-8\r\n\
                     {encoding}Content-Length: {}\r\nConnection: {connection}\r\n\r\n",
                    rum_protocol::DEFAULT_PATH,
                    body.len()
                );
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(body);
            }
            Self::Redis => {
                out.extend_from_slice(format!("*3\r\n$5\r\nRPUSH\r\n$7\r\nbeacons\r\n${}\r\n", body.len()).as_bytes());
                out.extend_from_slice(body);
                out.extend_from_slice(b"\r\n");
            }
            Self::Nats => {
                out.extend_from_slice(format!("PUB beacons _INBOX.{number} {}\r\n", body.len()).as_bytes());
                out.extend_from_slice(body);
                out.extend_from_slice(b"\r\n");
            }
            Self::Postgres => {
                ensure!(encoding == Encoding::Plain, "PostgreSQL takes text");
                let text = String::from_utf8_lossy(body).replace('\'', "''");
                let statement = format!("INSERT INTO beacons (body) VALUES ('{text}')\0");
                out.push(b'Q');
                out.extend_from_slice(&u32::try_from(4 + statement.len())?.to_be_bytes());
                out.extend_from_slice(statement.as_bytes());
            }
        }
        Ok(out)
    }

    /// The first answer in what was read; absent while it is not whole.
    pub(crate) fn reply(self, read: &[u8]) -> Result<Option<Reply>> {
        match self {
            Self::Http => http_reply(read),
            Self::Redis => Ok(line(read).map(|bytes| Reply { bytes, is_taken: read[0] == b':' })),
            Self::Nats => Ok(nats_reply(read)),
            Self::Postgres => {
                let ready = find(read, b"Z\0\0\0\x05");
                Ok(ready.filter(|at| read.len() > at + 5).map(|at| Reply { bytes: at + 6, is_taken: read[0] == b'C' }))
            }
        }
    }
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    Open,
    Closed,
}

fn http_reply(read: &[u8]) -> Result<Option<Reply>> {
    let Some(head_bytes) = find(read, b"\r\n\r\n").map(|at| at + 4) else { return Ok(None) };
    let head = std::str::from_utf8(&read[..head_bytes])?;
    let Some(status) = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)) else { bail!("no HTTP/1.1: {head}") };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    // Answers without a body need not say so.
    let bytes = head_bytes + length.unwrap_or(0);
    Ok((read.len() >= bytes).then_some(Reply { bytes, is_taken: status.starts_with('2') }))
}

/// `MSG <subject> <sid> <bytes>`, then the acknowledgement as JSON. Pings of the server are answered by nobody: it sends the first after
/// two minutes.
fn nats_reply(read: &[u8]) -> Option<Reply> {
    let head = line(read)?;
    let text = std::str::from_utf8(&read[..head]).ok()?;
    if !text.starts_with("MSG ") {
        return Some(Reply { bytes: head, is_taken: false });
    }
    let body: usize = text.trim_end().rsplit(' ').next()?.parse().ok()?;
    let bytes = head + body + 2;
    let acknowledgement = read.get(head..bytes)?;
    Some(Reply { bytes, is_taken: find(acknowledgement, b"\"seq\"").is_some() })
}

/// Bytes of the first line, its end included.
fn line(read: &[u8]) -> Option<usize> {
    find(read, b"\r\n").map(|at| at + 2)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

async fn until(stream: &mut TcpStream, end: &[u8]) -> Result<()> {
    let mut read = Vec::new();
    while find(&read, end).is_none() {
        ensure!(stream.read_buf(&mut read).await? > 0, "the server hung up: {}", String::from_utf8_lossy(&read));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dialect: Dialect, read: &[u8], expected: Option<(usize, bool)>) {
        let reply = dialect.reply(read).unwrap().map(|reply| (reply.bytes, reply.is_taken));
        assert_eq!(reply, expected, "{}", String::from_utf8_lossy(read));
    }

    #[test]
    fn answers_are_known_once_they_are_whole() {
        check(Dialect::Http, b"HTTP/1.1 202 Accepted\r\ncontent-le", None);
        check(Dialect::Http, b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\no", None);
        check(Dialect::Http, b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nokHTTP", Some((46, true)));
        check(Dialect::Http, b"HTTP/1.1 204 No Content\r\n\r\n", Some((27, true)));
        check(Dialect::Http, b"HTTP/1.1 503 No\r\n\r\n", Some((19, false)));
        check(Dialect::Redis, b":12\r\n", Some((5, true)));
        check(Dialect::Redis, b"-ERR no\r\n", Some((9, false)));
        check(Dialect::Nats, b"MSG _INBOX.1 1 9\r\n{\"seq\":1}", None);
        check(Dialect::Nats, b"MSG _INBOX.1 1 9\r\n{\"seq\":1}\r\n", Some((29, true)));
        check(Dialect::Nats, b"MSG _INBOX.1 1 5\r\n{err}\r\n", Some((25, false)));
        check(Dialect::Postgres, b"C\0\0\0\x0fINSERT 0 1\0Z\0\0\0\x05I", Some((22, true)));
        check(Dialect::Postgres, b"E\0\0\0\x05\0Z\0\0\0\x05I", Some((12, false)));
        check(Dialect::Postgres, b"C\0\0\0\x0fINSERT 0 1\0Z\0\0\0\x05", None);
    }
}
