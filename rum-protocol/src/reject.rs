//! Why something was refused. One closed list drives the HTTP status, the problem type, the metric label and the documentation.

/// What a refusal costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole request; nothing of it was stored.
    Request,
    /// One event; the rest of its beacon was stored.
    Event,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $scope:ident, $status:literal, $title:literal;)+) => {
        /// Why a request or an event was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RejectReason { $($(#[doc = $doc])+ $variant,)+ }

        impl RejectReason {
            /// Every reason, in the order they are documented.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name: metric label, ledger value and end of the problem type.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One sentence for people, safe to send to anyone.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What the refusal costs.
            #[must_use]
            pub const fn scope(self) -> Scope {
                match self { $(Self::$variant => Scope::$scope,)+ }
            }

            /// The HTTP status of a refused request. A single refused event is part of a 202 unless every event was refused; then
            /// this is the answer too.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }
        }
    };
}

reasons! {
    /// The path takes POST and OPTIONS only.
    MethodNotAllowed = "method_not_allowed", Request, 405, "use POST";
    /// No `key` in the query, or one that no project has.
    UnknownKey = "unknown_key", Request, 401, "the site key is missing or unknown";
    /// The operator has disabled the key.
    KeyDisabled = "key_disabled", Request, 403, "the site key is disabled";
    /// The key's project does not list this origin.
    OriginNotAllowed = "origin_not_allowed", Request, 403, "the site key does not allow this origin";
    /// The key does not take beacons of this environment.
    EnvironmentNotAllowed = "environment_not_allowed", Request, 403, "the site key does not allow this environment";
    /// A rate of the key, or of the client's network with this key, is used up.
    RateLimited = "rate_limited", Request, 429, "too many events for this site key; try again later";
    /// The project has had its events of the day.
    QuotaExceeded = "quota_exceeded", Request, 429, "the project's events of the day are used up; try again tomorrow";
    /// As many requests or connections are open as the service takes.
    Overloaded = "overloaded", Request, 503, "the service has too many requests at work; try again later";
    /// Neither JSON nor plain text.
    UnsupportedMediaType = "unsupported_media_type", Request, 415, "send application/json or text/plain";
    /// A `Content-Encoding` other than gzip, br, zstd and identity, or several.
    UnsupportedEncoding = "unsupported_encoding", Request, 415, "send the body plain or encoded once, with gzip, br or zstd";
    /// The body did not arrive in time or broke off.
    BodyIncomplete = "body_incomplete", Request, 408, "the body did not arrive completely in time";
    /// More bytes on the wire than allowed.
    BodyTooLarge = "body_too_large", Request, 413, "the body is too large";
    /// More bytes after decompression than allowed.
    DecodedTooLarge = "decoded_too_large", Request, 413, "the decompressed body is too large";
    /// Not what the `Content-Encoding` says.
    MalformedEncoding = "malformed_encoding", Request, 400, "the body cannot be decompressed";
    /// No body, or only white space.
    EmptyBody = "empty_body", Request, 400, "the body is empty";
    /// Not JSON, or not UTF-8.
    NotJson = "not_json", Request, 400, "the body is not JSON";
    /// JSON, but neither a beacon nor one of the simple forms.
    WrongShape = "wrong_shape", Request, 422, "the JSON is not a beacon";
    /// A protocol version this service does not speak.
    UnsupportedVersion = "unsupported_version", Request, 422, "this protocol version is not supported";
    /// A beacon without events.
    NoEvents = "no_events", Request, 422, "the beacon has no events";
    /// More events or views than one beacon may carry.
    TooManyEvents = "too_many_events", Request, 422, "the beacon has too many events or views";
    /// A crawler sent it, or a browser without a window, and the project's `ignore` says so.
    IgnoredBot = "ignored_bot", Request, 403, "the operator ignores crawlers";
    /// A release in the project's `ignore.releases`.
    IgnoredRelease = "ignored_release", Request, 403, "the operator ignores this release";
    /// The spool is full or cannot be written; nothing was stored.
    StorageUnavailable = "storage_unavailable", Request, 503, "the service cannot store events now; try again later";
    /// The service is stopping; nothing was stored.
    ShuttingDown = "shutting_down", Request, 503, "the service is shutting down; try again";

    /// An event `type` this service does not know.
    UnknownEventType = "unknown_event_type", Event, 422, "the event type is unknown";
    /// A field is missing or has the wrong type.
    MalformedEvent = "malformed_event", Event, 422, "the event has a missing or wrong field";
    /// `view` points outside the beacon's `views`.
    UnknownView = "unknown_view", Event, 422, "the event points to a view the beacon does not describe";
    /// A text or a map is longer than allowed.
    FieldTooLong = "field_too_long", Event, 422, "a field is too long";
    /// A number is not finite, negative, or beyond belief.
    ValueOutOfRange = "value_out_of_range", Event, 422, "a value is out of range";
    /// The time is more than a day ahead or longer ago than events are kept.
    TimeOutOfRange = "time_out_of_range", Event, 422, "the event's time is out of range";
    /// An error or a request of a browser extension, and the project's `ignore` says so.
    IgnoredExtension = "ignored_extension", Event, 403, "the operator ignores browser extensions";
    /// A page on the visitor's own machine, and the project's `ignore` says so.
    IgnoredLocalhost = "ignored_localhost", Event, 403, "the operator ignores pages on a local machine";
    /// A page whose address fits one of the project's `ignore.url_patterns`.
    IgnoredUrl = "ignored_url", Event, 403, "the operator ignores pages of this address";
}

impl RejectReason {
    /// The problem type of RFC 9457, a stable name rather than an address to visit.
    #[must_use]
    pub fn problem_type(self) -> String {
        let mut urn = String::from("urn:beamline:problem:");
        urn.push_str(self.name());
        urn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_fit_a_metric_label() {
        let names: HashSet<_> = RejectReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), RejectReason::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }

    #[test]
    fn every_status_is_a_refusal() {
        assert!(RejectReason::ALL.iter().all(|reason| (400..=503).contains(&reason.status())));
    }
}
