//! The body as text bytes, bounded before and after decompression. All decoders stop at the bound; none reserves what a body only claims
//! to need, beyond a window of [`MAX_WINDOW_BYTES`].

use std::{borrow::Cow, io::Read};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use rum_protocol::{RejectReason, limits};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Body, reject};
use crate::accepted::Rejection;

/// Largest window of a zstd frame, as RFC 9659 has it for HTTP. That of brotli is 16 MiB by its format (RFC 7932).
const MAX_WINDOW_BYTES: u64 = 8 << 20;

pub(super) fn decompress(body: Body<'_>) -> Result<Cow<'_, [u8]>, Rejection> {
    if body.bytes.len() > limits::MAX_BODY_BYTES {
        return reject(RejectReason::BodyTooLarge, format!("the limit is {} bytes", limits::MAX_BODY_BYTES));
    }
    let mut encodings = body
        .encoding
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity"));
    let Some(encoding) = encodings.next() else { return Ok(Cow::Borrowed(body.bytes)) };
    if encodings.next().is_some() {
        return reject(RejectReason::UnsupportedEncoding, "the body has more than one Content-Encoding");
    }
    let decode = match encoding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => gzip,
        "br" => brotli,
        "zstd" => zstd,
        _ => return reject(RejectReason::UnsupportedEncoding, "the Content-Encoding must be gzip, br, zstd or identity"),
    };
    match decode(body.bytes) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(Fault::Malformed(detail)) => reject(RejectReason::MalformedEncoding, detail),
        Err(Fault::TooLarge) => {
            reject(RejectReason::DecodedTooLarge, format!("the limit is {} bytes after decompression", limits::MAX_DECODED_BYTES))
        }
    }
}

enum Fault {
    Malformed(&'static str),
    TooLarge,
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(4).min(limits::MAX_DECODED_BYTES));
    let mut bounded = flate2::read::MultiGzDecoder::new(bytes).take(limits::MAX_DECODED_BYTES as u64 + 1);
    bounded.read_to_end(&mut out).map_err(|_| Fault::Malformed("the body is not gzip, or is cut short"))?;
    within(out)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = vec![0; limits::MAX_DECODED_BYTES];
    let (mut left, mut read, mut room, mut written, mut total) = (bytes.len(), 0, out.len(), 0, 0);
    let alloc = StandardAlloc::default;
    // Strict: without the "large window" extension, with which a few bytes ask for 1 GiB.
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let result = BrotliDecompressStream(&mut left, &mut read, bytes, &mut room, &mut written, &mut out, &mut total, &mut state);
    match result {
        BrotliResult::ResultSuccess if left == 0 => {
            out.truncate(written);
            Ok(out)
        }
        BrotliResult::NeedsMoreOutput => Err(Fault::TooLarge),
        BrotliResult::ResultSuccess => Err(Fault::Malformed("the body goes on behind the end of the brotli stream")),
        BrotliResult::NeedsMoreInput | BrotliResult::ResultFailure => {
            Err(Fault::Malformed("the body is not brotli, or is cut short"))
        }
    }
}

fn zstd(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    const NOT_ZSTD: Fault = Fault::Malformed("the body is not zstd, or is cut short");
    let mut decoder = FrameDecoder::new();
    let (mut rest, mut out) = (bytes, Vec::new());
    while !rest.is_empty() {
        if is_skippable(rest) {
            rest = behind_skippable(rest).ok_or(NOT_ZSTD)?;
            continue;
        }
        if window_bytes(rest).ok_or(NOT_ZSTD)? > MAX_WINDOW_BYTES {
            return Err(Fault::Malformed("the zstd frame asks for a window of more than 8 MiB"));
        }
        decoder.reset(&mut rest).map_err(|_| NOT_ZSTD)?;
        while !decoder.is_finished() {
            decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1)).map_err(|_| NOT_ZSTD)?;
            if let Some(decoded) = decoder.collect() {
                out.extend(decoded);
            }
            // What the decoder keeps back is at most the window.
            if out.len() > limits::MAX_DECODED_BYTES {
                return Err(Fault::TooLarge);
            }
        }
        if decoder.get_checksum_from_data().is_some_and(|sum| Some(sum) != decoder.get_calculated_checksum()) {
            return Err(Fault::Malformed("the checksum of the zstd frame is wrong"));
        }
    }
    within(out)
}

fn within(out: Vec<u8>) -> Result<Vec<u8>, Fault> {
    if out.len() > limits::MAX_DECODED_BYTES { Err(Fault::TooLarge) } else { Ok(out) }
}

/// Whether a skippable frame comes (RFC 8878, section 3.1.2).
fn is_skippable(bytes: &[u8]) -> bool {
    bytes.first_chunk::<4>().is_some_and(|magic| u32::from_le_bytes(*magic) & 0xffff_fff0 == 0x184d_2a50)
}

/// What comes behind it; `None` if it is cut short.
fn behind_skippable(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.get(4..)?.first_chunk::<4>()?;
    bytes.get(8..)?.get(usize::try_from(u32::from_le_bytes(*length)).ok()?..)
}

/// The window a frame asks for (RFC 8878, section 3.1.1.1); `None` if the header is cut short.
fn window_bytes(frame: &[u8]) -> Option<u64> {
    let descriptor = *frame.get(4)?;
    let single_segment = descriptor & 0b10_0000 != 0;
    if !single_segment {
        let window = *frame.get(5)?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // The content is the window; its size stands behind the dictionary's id.
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size_bytes = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let field = frame.get(5 + dictionary..5 + dictionary + size_bytes)?;
    let size = field.iter().rev().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
    Some(if size_bytes == 2 { size + 256 } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(bytes: &[u8], encoding: &str) -> Option<RejectReason> {
        let body = Body {
            bytes,
            encoding: Some(encoding),
            sender: crate::pipeline::Sender::default(),
            received: std::time::Instant::now(),
        };
        decompress(body).err().map(|rejection| rejection.reason)
    }

    #[test]
    fn a_zstd_window_is_read_as_the_decoder_reads_it() {
        // Magic, descriptor, window: 2^10 · (1 + 7/8), and the largest, 2^41 · (1 + 7/8).
        assert_eq!(window_bytes(&[0x28, 0xb5, 0x2f, 0xfd, 0, 7]), Some(1920));
        assert_eq!(window_bytes(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0xff]), Some((1 << 41) / 8 * 15));
        // A single segment with a size of two bytes behind a dictionary id of one.
        assert_eq!(window_bytes(&[0x28, 0xb5, 0x2f, 0xfd, 0b0110_0001, 9, 1, 1]), Some(513));
        assert_eq!(window_bytes(&[0x28, 0xb5, 0x2f, 0xfd, 0b0110_0001, 9, 1]), None);
    }

    #[test]
    fn one_encoding_is_taken_several_are_refused() {
        assert_eq!(reason(b"{}", "identity"), None);
        assert_eq!(reason(b"{}", ""), None);
        assert_eq!(reason(b"{}", "GZIP"), Some(RejectReason::MalformedEncoding));
        for several in ["gzip, gzip", "gzip,br", "deflate", "zstd;q=1", "*"] {
            assert_eq!(reason(b"{}", several), Some(RejectReason::UnsupportedEncoding), "{several}");
        }
    }
}
