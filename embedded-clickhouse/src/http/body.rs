//! A request's body: bounded, unpacked, and kept in the pieces it came in.

use std::io::Read;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use bytes::{Buf, Bytes};
use futures_util::stream;
use http_body_util::BodyExt;

use super::blocks;
use super::fault::{Fault, Reason};
use super::parameters::RequestParameters;

/// How long a client may take over its body in all.
const BODY_TIMEOUT: Duration = Duration::from_mins(2);
/// How much, and for how long, is read of a body that is refused, so that the client comes to read the answer.
const MAX_DISCARDED_BYTES: usize = 16 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);
const MULTIPART: &str = "multipart/form-data";

/// Reads and unpacks the body. A multipart body becomes parameters, and nothing is left.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    parameters: &mut RequestParameters,
) -> Result<Vec<Bytes>, Fault> {
    let timeout = |_| Fault::new(Reason::SocketTimeout, &format!("the body did not come within {} s", BODY_TIMEOUT.as_secs()));
    let packed = tokio::time::timeout(BODY_TIMEOUT, collect(body, limit)).await.map_err(timeout)??;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with(MULTIPART) {
        read_fields(content_type, packed, parameters).await?;
        return Ok(Vec::new());
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("unreadable"));
    if !parameters.decompress_body && encoding.is_none_or(|encoding| encoding == "identity") {
        return Ok(packed);
    }
    let (encoding, blocks) = (encoding.unwrap_or_default().to_owned(), parameters.decompress_body);
    let unpack = move || {
        let unpacked = decode(&encoding, packed, limit)?;
        if blocks { blocks::unpack(join(unpacked), limit) } else { Ok(unpacked) }
    };
    let ended = |_| Fault::new(Reason::UnknownException, "the body's thread ended early");
    tokio::task::spawn_blocking(unpack).await.map_err(ended)?
}

/// One piece from many, copied only when there are many.
pub(crate) fn join(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() > 1 { pieces.concat().into() } else { pieces.pop().unwrap_or_default() }
}

async fn collect(mut body: Body, limit: u64) -> Result<Vec<Bytes>, Fault> {
    let too_large = || Fault::new(Reason::RequestTooLarge, &format!("the body is larger than {limit} bytes"));
    if body.size_hint().lower() > limit {
        discard(body).await;
        return Err(too_large());
    }
    let (mut pieces, mut total) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Fault::new(Reason::IncorrectData, &format!("the body broke off: {error}")))?;
        if let Ok(piece) = frame.into_data() {
            total += piece.len() as u64;
            if total > limit {
                discard(body).await;
                return Err(too_large());
            }
            pieces.push(piece);
        }
    }
    Ok(pieces)
}

/// Reads on, within bounds: a client that still writes when the connection closes loses the answer.
async fn discard(mut body: Body) {
    let read = async {
        let mut total = 0;
        while let Some(Ok(frame)) = body.frame().await {
            total += frame.data_ref().map_or(0, Bytes::len);
            if total > MAX_DISCARDED_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, read).await;
}

fn decode(encoding: &str, packed: Vec<Bytes>, limit: u64) -> Result<Vec<Bytes>, Fault> {
    let mut unpacked = Vec::new();
    match encoding {
        "" | "identity" => return Ok(packed),
        "gzip" | "x-gzip" => take(flate2::bufread::MultiGzDecoder::new(join(packed).reader()), limit, &mut unpacked)?,
        "deflate" => take(flate2::bufread::ZlibDecoder::new(join(packed).reader()), limit, &mut unpacked)?,
        // These two decoders stop at the end of a frame, and a body may hold several.
        "lz4" => {
            let mut rest = join(packed).reader();
            while rest.get_ref().has_remaining() {
                take(lz4_flex::frame::FrameDecoder::new(&mut rest), limit, &mut unpacked)?;
            }
        }
        "zstd" => {
            let mut rest = join(packed).reader();
            while rest.get_ref().has_remaining() {
                let decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest).map_err(|error| broken(&error))?;
                take(decoder, limit, &mut unpacked)?;
            }
        }
        other => {
            return Err(Fault::new(
                Reason::BadArguments,
                &format!("the body's encoding '{other}' is not one of gzip, deflate, lz4, zstd"),
            ));
        }
    }
    Ok(vec![unpacked.into()])
}

fn take(decoder: impl Read, limit: u64, unpacked: &mut Vec<u8>) -> Result<(), Fault> {
    let room = (limit + 1).saturating_sub(unpacked.len() as u64);
    decoder.take(room).read_to_end(unpacked).map_err(|error| broken(&error))?;
    if unpacked.len() as u64 > limit {
        return Err(Fault::new(Reason::RequestTooLarge, &format!("the body is larger than {limit} bytes when unpacked")));
    }
    Ok(())
}

fn broken(what: &dyn std::fmt::Display) -> Fault {
    Fault::new(Reason::CannotDecompress, &format!("cannot decompress the body: {what}"))
}

async fn read_fields(content_type: &str, body: Vec<Bytes>, parameters: &mut RequestParameters) -> Result<(), Fault> {
    let broken = |error: multer::Error| Fault::new(Reason::BadArguments, &format!("the multipart body cannot be read: {error}"));
    let boundary = multer::parse_boundary(content_type).map_err(broken)?;
    let pieces = stream::iter(body.into_iter().map(Ok::<_, std::convert::Infallible>));
    let mut fields = multer::Multipart::new(pieces, boundary);
    while let Some(field) = fields.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        parameters.add_field(&name, field.text().await.map_err(broken)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    async fn read_body(headers: &[(header::HeaderName, &str)], body: Vec<u8>, limit: u64) -> Result<Vec<u8>, Fault> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        read(&headers, Body::from(body), limit, &mut RequestParameters::default()).await.map(|pieces| pieces.concat())
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn lz4_frame(data: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    // Zstandard frames with one raw block each.
    const ZSTD_DA: &[u8] = b"\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00da";
    const ZSTD_TA: &[u8] = b"\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00ta";

    #[tokio::test]
    async fn encodings_unpack() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"data").unwrap();
        let two_frames = [lz4_frame(b"da"), lz4_frame(b"ta")].concat();
        for (encoding, body) in [
            ("lz4", two_frames),
            ("zstd", [ZSTD_DA, ZSTD_TA].concat()),
            ("identity", b"data".to_vec()),
            ("gzip", gzip(b"data")),
            ("deflate", zlib.finish().unwrap()),
        ] {
            assert_eq!(read_body(&[(header::CONTENT_ENCODING, encoding)], body, 100).await.unwrap(), b"data", "{encoding}");
        }
    }

    #[tokio::test]
    async fn a_bomb_is_refused() {
        let bomb = gzip(&vec![0; 1 << 20]);
        assert!(bomb.len() < 10_000);
        let fault = read_body(&[(header::CONTENT_ENCODING, "gzip")], bomb, 10_000).await.unwrap_err();
        assert!(fault.to_string().contains("larger than 10000 bytes when unpacked"), "{fault}");
    }

    #[tokio::test]
    async fn an_unknown_encoding_and_torn_data_are_refused() {
        assert!(read_body(&[(header::CONTENT_ENCODING, "br")], b"x".to_vec(), 10).await.is_err());
        let mut torn = gzip(b"data");
        torn.truncate(12);
        assert!(read_body(&[(header::CONTENT_ENCODING, "gzip")], torn, 100).await.is_err());
    }

    #[tokio::test]
    async fn a_multipart_body_becomes_parameters() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {x:UInt8}\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"param_x\"\r\n\r\n7\r\n--b--\r\n";
        let headers = [(header::CONTENT_TYPE, "multipart/form-data; boundary=b".parse().unwrap())].into_iter().collect();
        let mut parameters = RequestParameters::default();
        assert!(read(&headers, Body::from(body), 1000, &mut parameters).await.unwrap().is_empty());
        assert_eq!(parameters.query.as_deref(), Some("SELECT {x:UInt8}"));
        assert_eq!(parameters.parameters, [("x".to_owned(), "7".to_owned())]);
    }
}
