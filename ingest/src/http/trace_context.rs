//! Who caused a request: [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header).

/// A trace, and one span of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceContext {
    /// Never 0.
    pub(super) trace_id: u128,
    /// Never 0.
    pub(super) span_id: u64,
}

impl TraceContext {
    /// The sender's, from a `traceparent` header; absent if it is none. Later versions may have more behind it.
    pub(super) fn parse(traceparent: &str) -> Option<Self> {
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
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id })
    }

    /// A span of ours: in the sender's trace, or in one of its own.
    pub(super) fn follow(sender: Option<Self>) -> Self {
        let trace_id = sender.map_or_else(|| rand::random_range(1..=u128::MAX), |sender| sender.trace_id);
        Self { trace_id, span_id: rand::random_range(1..=u64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_the_specification_says() {
        let context = TraceContext { trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, span_id: 0x00f0_67aa_0ba9_02b7 };
        let good = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::parse(good), Some(context));
        assert_eq!(TraceContext::parse(&good.replacen("00", "cc", 1)), Some(context));
        assert_eq!(TraceContext::parse(&format!("cc{}-more", &good[2..])), Some(context));
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
    fn ours_is_a_new_span_of_the_same_trace() {
        let sender = TraceContext { trace_id: 7, span_id: 8 };
        let ours = TraceContext::follow(Some(sender));
        assert_eq!(ours.trace_id, 7);
        assert_ne!(ours.span_id, 8);
        assert_ne!(TraceContext::follow(None).trace_id, TraceContext::follow(None).trace_id);
    }
}
