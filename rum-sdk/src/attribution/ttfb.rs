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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn navigation() -> NavigationTiming {
        NavigationTiming {
            fetch_start: 10.0,
            domain_lookup_start: 30.0,
            domain_lookup_end: 35.0,
            connect_start: 40.0,
            connect_end: 70.0,
            response_start: 200.0,
            ..NavigationTiming::default()
        }
    }

    #[test]
    fn a_gap_after_the_lookup_is_part_of_it_and_one_after_connecting_of_the_request() {
        let expected = TtfbParts { waiting: 10.0, cache: 20.0, dns: 10.0, connection: 30.0, request: 130.0 };
        assert_eq!(ttfb_parts(200.0, &navigation()), expected);
    }

    #[test]
    fn a_service_worker_ends_the_waiting() {
        let parts = ttfb_parts(200.0, &NavigationTiming { worker_start: 4.0, ..navigation() });
        assert_eq!((parts.waiting, parts.cache), (4.0, 26.0));
    }

    #[test]
    fn what_came_before_the_activation_does_not_count() {
        let parts = ttfb_parts(150.0, &NavigationTiming { activation_start: 50.0, ..navigation() });
        assert_eq!(parts, TtfbParts { waiting: 0.0, cache: 0.0, dns: 0.0, connection: 20.0, request: 130.0 });
    }

    proptest! {
        #[test]
        fn the_parts_sum_up_to_the_value_and_none_is_negative(
            steps in [0.0..50.0, 0.0..50.0, 0.0..50.0, 0.0..50.0, 0.0..50.0],
            activation_start in 0.0..200.0,
        ) {
            let mut time = 0.0;
            let [fetch_start, domain_lookup_start, connect_start, connect_end, response_start] = steps.map(|step: f64| {
                time += step;
                time
            });
            let navigation = NavigationTiming {
                activation_start,
                fetch_start,
                domain_lookup_start,
                connect_start,
                connect_end,
                response_start,
                ..NavigationTiming::default()
            };
            let value = crate::metrics::ttfb::value(&navigation);
            let TtfbParts { waiting, cache, dns, connection, request } = ttfb_parts(value, &navigation);
            prop_assert!([waiting, cache, dns, connection, request].iter().all(|&part| part >= 0.0));
            prop_assert!((waiting + cache + dns + connection + request - value).abs() < 1e-9);
        }
    }
}
