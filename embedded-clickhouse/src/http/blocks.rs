//! ClickHouse's own compressed blocks, as `compress=1` and `decompress=1` ask for.
//!
//! A block is a 16-byte `CityHash128` (version 1.0.2) of what follows, its two halves each little-endian with the high one first; one
//! byte for the method; the length of method, lengths and data together; the length of the data unpacked; and the data.

use std::io::Read;

use bytes::{Buf, Bytes};
use cityhash_rs::cityhash_102_128;

use super::fault::{Fault, Reason};

const CHECKSUM_BYTES: usize = 16;
const HEADER_BYTES: usize = 9;
const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
const NONE: u8 = 0x02;
/// ClickHouse's own limit on one block.
const MAX_BLOCK_BYTES: u32 = 1 << 30;
/// How much a reply's block holds, unpacked.
const REPLY_BLOCK_BYTES: usize = 1 << 20;

/// Packs `data` as a sequence of LZ4 blocks.
pub(crate) fn pack(data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(data.len() / 2 + 64);
    for chunk in data.chunks(REPLY_BLOCK_BYTES) {
        let mut block = vec![LZ4];
        let body = lz4_flex::block::compress(chunk);
        block.extend(u32::try_from(HEADER_BYTES + body.len()).unwrap_or(u32::MAX).to_le_bytes());
        block.extend(u32::try_from(chunk.len()).unwrap_or(u32::MAX).to_le_bytes());
        block.extend(body);
        packed.extend(checksum(&block));
        packed.extend(block);
    }
    packed
}

/// Unpacks a sequence of blocks, one piece each, to at most `limit` bytes in all.
pub(crate) fn unpack(mut packed: Bytes, limit: u64) -> Result<Vec<Bytes>, Fault> {
    let mut pieces = Vec::new();
    let mut total = 0;
    while packed.has_remaining() {
        if packed.len() < CHECKSUM_BYTES + HEADER_BYTES {
            return Err(broken("a block is cut short"));
        }
        let sum = packed.split_to(CHECKSUM_BYTES);
        let (method, length, unpacked_length) = (packed[0], length_at(&packed, 1), length_at(&packed, 5));
        if (length as usize) < HEADER_BYTES || packed.len() < length as usize {
            return Err(broken("a block is cut short"));
        }
        total += u64::from(unpacked_length);
        if total > limit || unpacked_length > MAX_BLOCK_BYTES {
            return Err(Fault::new(Reason::RequestTooLarge, &format!("the body is larger than {limit} bytes when unpacked")));
        }
        let block = packed.split_to(length as usize);
        if checksum(&block)[..] != sum[..] {
            return Err(broken("a block's checksum does not match"));
        }
        pieces.push(unpack_block(method, block.slice(HEADER_BYTES..), unpacked_length as usize)?);
    }
    Ok(pieces)
}

fn unpack_block(method: u8, data: Bytes, unpacked_length: usize) -> Result<Bytes, Fault> {
    let unpacked = match method {
        LZ4 => lz4_flex::block::decompress(&data, unpacked_length).map_err(|error| broken(&error.to_string()))?.into(),
        ZSTD => {
            let mut decoder = ruzstd::decoding::StreamingDecoder::new(data.reader()).map_err(|error| broken(&error.to_string()))?;
            let mut unpacked = vec![0; unpacked_length];
            decoder.read_exact(&mut unpacked).map_err(|error| broken(&error.to_string()))?;
            unpacked.into()
        }
        NONE => data,
        other => return Err(broken(&format!("method {other:#04x} is unknown"))),
    };
    if unpacked.len() == unpacked_length { Ok(unpacked) } else { Err(broken("a block's length does not match")) }
}

fn length_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn checksum(block: &[u8]) -> [u8; CHECKSUM_BYTES] {
    cityhash_102_128(block).rotate_left(64).to_le_bytes()
}

fn broken(what: &str) -> Fault {
    Fault::new(Reason::CannotDecompress, &format!("cannot decompress the body: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unpack_whole(packed: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
        unpack(Bytes::copy_from_slice(packed), limit).map(|pieces| pieces.concat())
    }

    #[test]
    fn what_is_packed_unpacks() {
        for length in [0, 1, 1000, REPLY_BLOCK_BYTES, REPLY_BLOCK_BYTES + 1] {
            let data: Vec<u8> = (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect();
            assert_eq!(unpack_whole(&pack(&data), 1 << 30).unwrap(), data);
        }
    }

    #[test]
    fn one_bit_wrong_is_noticed() {
        let packed = pack(b"some data, some data, some data");
        for byte in 0..packed.len() {
            let mut wrong = packed.clone();
            wrong[byte] ^= 1;
            assert!(unpack_whole(&wrong, 1 << 30).is_err(), "byte {byte}");
        }
    }

    #[test]
    fn the_limit_holds_before_anything_is_unpacked() {
        assert!(unpack_whole(&pack(&[0; 1000]), 999).is_err());
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack_whole(&bytes, 1 << 20);
        }
    }
}
