//! Bounds on what one beacon may carry. The service refuses what is beyond them; the SDK stays below them.

/// Largest request body on the wire, compressed or not. Browsers allow 64 KiB of keepalive data in flight.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Largest body after decompression.
pub const MAX_DECODED_BYTES: usize = 1024 * 1024;
/// Most events in one beacon.
pub const MAX_EVENTS: usize = 500;
/// Most page views one beacon may describe.
pub const MAX_VIEWS: usize = 50;

/// Longest address (`url`, `referrer`, `file`), in bytes of UTF-8. The same holds for every limit below.
pub const MAX_URL_BYTES: usize = 2048;
/// Longest name: page, release, environment, action, category, selector, error name, measure, initiator, text of a breadcrumb.
pub const MAX_NAME_BYTES: usize = 256;
/// Longest error message.
pub const MAX_MESSAGE_BYTES: usize = 2048;
/// Longest stack trace.
pub const MAX_STACK_BYTES: usize = 16 * 1024;
/// Most entries in a context or attribute map.
pub const MAX_ATTRIBUTES: usize = 32;
/// Longest attribute key.
pub const MAX_ATTRIBUTE_KEY_BYTES: usize = 64;
/// Longest attribute value.
pub const MAX_ATTRIBUTE_VALUE_BYTES: usize = 512;

/// Longest unit of a measure, and longest method of a request.
pub const MAX_UNIT_BYTES: usize = 64;
/// Most breadcrumbs of one error.
pub const MAX_BREADCRUMBS: usize = 20;
/// Most errors one may stand for.
pub const MAX_ERROR_COUNT: u32 = 1_000_000;
/// Bytes that the attributes of a beacon may have in all its events together: a short beacon must not become a long one.
pub const MAX_LAID_UNDER_BYTES: usize = MAX_DECODED_BYTES;

/// Longest duration a vital, a request or a navigation timing may have: one day. Longer ones come from clock jumps.
pub const MAX_DURATION_MS: f64 = 86_400_000.0;
/// Longest stay on a page: three years, because some pages stay open for months.
pub const MAX_STAY_MS: f64 = 1e11;
/// Most bytes of one answer, 2^53: what a JSON number holds exactly.
pub const MAX_ANSWER_BYTES: u64 = 1 << 53;
/// Largest believable cumulative layout shift.
pub const MAX_CLS: f64 = 10_000.0;
/// Largest size of a number in an attribution, also below zero: three years in milliseconds, because some pages stay open for months.
pub const MAX_ATTRIBUTION_NUMBER: f64 = 1e11;
