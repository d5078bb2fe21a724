//! Which format a scraper gets.

/// A format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, version 0.0.4.
    Text,
    /// OpenMetrics text, version 1.0.0.
    OpenMetrics,
    /// Prometheus protobuf, with native histograms.
    Protobuf,
}

/// More than any scraper names; what comes after is not looked at.
const MOST_RANGES: usize = 32;

impl Format {
    /// The one that `Accept` headers prefer, of equals the first; [`Format::Text`] if they name none of them
    /// ([RFC 9110, section 12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1)).
    pub fn accepted<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let mut best = (0, Self::Text);
        for range in accept.into_iter().flat_map(|header| header.split(',')).take(MOST_RANGES) {
            if let Some((format, quality)) = accepted_by(range)
                && quality > best.0
            {
                best = (quality, format);
            }
        }
        best.1
    }

    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        }
    }
}

/// The format a media range stands for, with its quality in thousandths.
fn accepted_by(range: &str) -> Option<(Format, u32)> {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next()?.to_ascii_lowercase();
    let (mut quality, mut version, mut proto, mut encoding) = (1000, None, None, None);
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "q" => quality = thousandths(value)?,
            "version" => version = Some(value),
            "proto" => proto = Some(value),
            "encoding" => encoding = Some(value),
            _ => {}
        }
    }
    let format = match essence.as_str() {
        "application/vnd.google.protobuf" => {
            let is_ours = proto == Some("io.prometheus.client.MetricFamily") && encoding == Some("delimited");
            is_ours.then_some(Format::Protobuf)?
        }
        "application/openmetrics-text" if matches!(version, None | Some("0.0.1" | "1.0.0")) => Format::OpenMetrics,
        "text/plain" | "text/*" | "*/*" => Format::Text,
        _ => return None,
    };
    Some((format, quality))
}

/// `0` to `1` with up to three decimals; absent for anything else.
fn thousandths(quality: &str) -> Option<u32> {
    let (whole, decimals) = quality.split_once('.').unwrap_or((quality, ""));
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{whole}{decimals:0<3}").parse().ok()?;
    (thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

    fn check(accept: &str, expected: Format) {
        assert_eq!(Format::accepted([accept]), expected, "{accept}");
    }

    #[test]
    fn what_prometheus_sends_is_understood() {
        let text = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        check(text, Format::OpenMetrics);
        check(&format!("{PROTOBUF},{}", text.replace("1.0.0", "1.0.0;q=0.8")), Format::Protobuf);
        let later = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        check(&format!("{PROTOBUF};q=0.6,{later}"), Format::Protobuf);
        check(later, Format::OpenMetrics);
    }

    #[test]
    fn the_highest_quality_wins_and_of_equals_the_first() {
        check("text/plain, application/openmetrics-text; q=0.5", Format::Text);
        check("text/plain;q=0.3, application/openmetrics-text;q=0.301", Format::OpenMetrics);
        check(&format!("application/openmetrics-text, {PROTOBUF}"), Format::OpenMetrics);
        check(&format!("{PROTOBUF};q=0.9, application/openmetrics-text;q=0.91, text/plain;q=0.2"), Format::OpenMetrics);
        check("application/openmetrics-text; q=0", Format::Text);
        check("APPLICATION/OpenMetrics-Text; Q=1.000; VERSION=\"1.0.0\"", Format::OpenMetrics);
        assert_eq!(Format::accepted(["text/plain;q=0.5", PROTOBUF]), Format::Protobuf, "two headers are one");
        assert_eq!(Format::accepted([]), Format::Text);
    }

    #[test]
    fn a_hostile_header_gets_text() {
        for accept in [
            "image/png;;q=x,,",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;q=inf",
            "application/openmetrics-text;q=1e9",
            "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=1.0000",
            "application/openmetrics-text;q=1.5",
            "application/openmetrics-text;q=",
            "application/openmetrics-text;version=9",
            "application/vnd.google.protobuf",
            "application/vnd.google.protobuf;proto=other;encoding=delimited",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
        ] {
            check(accept, Format::Text);
        }
        let many = format!("{}{PROTOBUF}", "a/b,".repeat(MOST_RANGES));
        check(&many, Format::Text);
        check(&";".repeat(30_000), Format::Text);
    }
}
