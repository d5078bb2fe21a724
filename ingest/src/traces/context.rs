//! Who caused something: [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header).

use std::fmt;

/// A trace, and one span of it. Shown as a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Never 0.
    pub trace_id: u128,
    /// Never 0.
    pub span_id: u64,
    /// Whether who made the span keeps the trace.
    pub is_sampled: bool,
}

const SAMPLED: u8 = 1;

impl TraceContext {
    /// What a `traceparent` says; absent if it is none. Later versions may have more behind it.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex =
            |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex(version, 2) || version == "ff" || !is_hex(trace, 32) || !is_hex(span, 16) || !is_hex(flags, 2) {
            return None;
        }
        if version == "00" && parts.next().is_some() {
            return None;
        }
        let (trace_id, span_id) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & SAMPLED != 0;
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, is_sampled })
    }

    /// A span in a trace of its own, which nobody has decided to keep.
    pub fn root() -> Self {
        Self { trace_id: rand::random_range(1..=u128::MAX), span_id: random_span_id(), is_sampled: false }
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: random_span_id(), ..self }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

fn random_span_id() -> u64 {
    rand::random_range(1..=u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_the_specification_says() {
        let context =
            TraceContext { trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, span_id: 0x00f0_67aa_0ba9_02b7, is_sampled: true };
        let good = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::parse(good), Some(context));
        assert_eq!(context.to_string(), good);
        assert_eq!(TraceContext::parse(&good.replacen("00", "cc", 1)), Some(context));
        assert_eq!(TraceContext::parse(&format!("cc{}-more", &good[2..])), Some(context));
        assert_eq!(TraceContext::parse(&good.replace("-01", "-02")), Some(TraceContext { is_sampled: false, ..context }));
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
            "00-0AF7651916CD43DD8448EB211C80319C-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-0",
            "00-0af7651916cd43dd8448eb211c80319-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_child_is_a_new_span_of_the_same_trace() {
        let parent = TraceContext { trace_id: 7, span_id: 8, is_sampled: true };
        let child = parent.child();
        assert_eq!((child.trace_id, child.is_sampled), (7, true));
        assert_ne!(child.span_id, 8);
        assert_ne!(TraceContext::root().trace_id, TraceContext::root().trace_id);
    }
}
