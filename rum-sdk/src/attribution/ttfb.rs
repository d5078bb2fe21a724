use crate::navigation::NavigationTiming;

/// The parts of Time to First Byte, which sum up to it. All are 0 by default, as after a restore from the back/forward cache and
/// on a soft navigation, where the value is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TtfbParts {
    /// Until the browser began to fetch: redirects, the start of a service worker.
    pub waiting: f64,
    /// Looking into caches, the service worker's own work included.
    pub cache: f64,
    /// Looking up the domain.
    pub dns: f64,
    /// Connecting, TLS included.
    pub connection: f64,
    /// From the connection to the first byte.
    pub request: f64,
}

/// The parts of `value`, which is that of `navigation`.
#[must_use]
pub const fn ttfb_parts(value: f64, navigation: &NavigationTiming) -> TtfbParts {
    let fetched = if navigation.worker_start == 0.0 { navigation.fetch_start } else { navigation.worker_start };
    let waited = navigation.since_activation(fetched);
    // Not the end of the lookup: should there ever be a gap, it is no part of the connection.
    let looked_up = navigation.since_activation(navigation.domain_lookup_start);
    let connecting = navigation.since_activation(navigation.connect_start);
    let connected = navigation.since_activation(navigation.connect_end);
    TtfbParts {
        waiting: waited,
        cache: looked_up - waited,
        dns: connecting - looked_up,
        connection: connected - connecting,
        request: value - connected,
    }
}
