//! The body as text bytes, bounded before and after decompression.

use std::{borrow::Cow, io::Read};

use rum_protocol::{RejectReason, limits};

use super::{Body, reject};
use crate::accepted::Rejection;

pub(super) fn decompress(body: Body<'_>) -> Result<Cow<'_, [u8]>, Rejection> {
    if body.bytes.len() > limits::MAX_BODY_BYTES {
        return reject(RejectReason::BodyTooLarge, format!("the limit is {} bytes", limits::MAX_BODY_BYTES));
    }
    match body.encoding.map(str::trim) {
        None | Some("" | "identity") => Ok(Cow::Borrowed(body.bytes)),
        Some(encoding) if encoding.eq_ignore_ascii_case("gzip") => gunzip(body.bytes).map(Cow::Owned),
        Some(_) => reject(RejectReason::UnsupportedEncoding, "the Content-Encoding must be gzip or identity"),
    }
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, Rejection> {
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(4).min(limits::MAX_DECODED_BYTES));
    let mut bounded = flate2::read::MultiGzDecoder::new(bytes).take(limits::MAX_DECODED_BYTES as u64 + 1);
    if bounded.read_to_end(&mut out).is_err() {
        return reject(RejectReason::MalformedEncoding, "the body is not gzip, or is cut short");
    }
    if out.len() > limits::MAX_DECODED_BYTES {
        return reject(
            RejectReason::DecodedTooLarge,
            format!("the limit is {} bytes after decompression", limits::MAX_DECODED_BYTES),
        );
    }
    Ok(out)
}
