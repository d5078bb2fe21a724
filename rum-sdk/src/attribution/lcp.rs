use crate::entry::ResourceTiming;

/// The parts of Largest Contentful Paint, which sum up to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LcpParts {
    /// From the navigation, or the activation, to the first byte of the response.
    pub time_to_first_byte: f64,
    /// From there until the image was requested; 0 without an image.
    pub resource_load_delay: f64,
    /// From there until it was loaded, or painted if that was earlier; 0 without an image.
    pub resource_load_duration: f64,
    /// From there to the paint.
    pub element_render_delay: f64,
}

/// The parts of `value`. `origin` is `responseStart` and `activationStart` of the load's credible entry (R4), or 0 and the start of
/// a soft navigation; without one (no such entry, a restore from the back/forward cache) it is all render delay. `resource` is
/// what [`resource_of`] chose.
#[must_use]
pub const fn lcp_parts(value: f64, origin: Option<(f64, f64)>, resource: Option<&ResourceTiming>) -> LcpParts {
    let Some((response_start, activation_start)) = origin else {
        return LcpParts {
            time_to_first_byte: 0.0,
            resource_load_delay: 0.0,
            resource_load_duration: 0.0,
            element_render_delay: value,
        };
    };
    let time_to_first_byte = (response_start - activation_start).max(0.0);
    let (mut requested, mut loaded) = (0.0, 0.0);
    if let Some(resource) = resource {
        requested = resource.requested() - activation_start;
        loaded = resource.response_end - activation_start;
    }
    let requested = time_to_first_byte.max(requested);
    // Videos go on loading after the paint.
    let loaded = value.min(requested.max(loaded));
    LcpParts {
        time_to_first_byte,
        resource_load_delay: requested - time_to_first_byte,
        resource_load_duration: loaded - requested,
        element_render_delay: value - loaded,
    }
}

/// Which of the resources that have the URL of the painted element was painted, and its place: the last that was requested no later
/// than the paint at `lcp_start` (web-vitals#790). Its end does not matter, because videos go on loading.
#[must_use]
pub fn resource_of(candidates: impl Iterator<Item = ResourceTiming>, lcp_start: f64) -> Option<(usize, ResourceTiming)> {
    let mut painted = None;
    for (place, candidate) in candidates.enumerate() {
        if candidate.requested() <= lcp_start {
            painted = Some((place, candidate));
        }
    }
    painted
}

impl ResourceTiming {
    /// When it was requested, or its start where that is withheld.
    const fn requested(&self) -> f64 {
        if self.request_start == 0.0 { self.start } else { self.request_start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(value: f64, origin: (f64, f64), resource: Option<(f64, f64)>) -> Vec<f64> {
        let resource = resource.map(|(start, response_end)| ResourceTiming { start, response_end, ..ResourceTiming::default() });
        let parts = lcp_parts(value, Some(origin), resource.as_ref());
        all(&parts)
    }

    fn all(parts: &LcpParts) -> Vec<f64> {
        vec![parts.time_to_first_byte, parts.resource_load_delay, parts.resource_load_duration, parts.element_render_delay]
    }

    #[test]
    fn an_image_is_waited_for_requested_loaded_and_rendered() {
        assert_eq!(parts(900.0, (100.0, 0.0), Some((250.0, 600.0))), [100.0, 150.0, 350.0, 300.0]);
        let resource = ResourceTiming { start: 250.0, request_start: 300.0, response_end: 600.0 };
        let parts = lcp_parts(900.0, Some((100.0, 0.0)), Some(&resource));
        assert_eq!(
            (parts.resource_load_delay, parts.resource_load_duration),
            (200.0, 300.0),
            "the request's start, where it is known"
        );
    }

    #[test]
    fn text_waits_for_the_first_byte_only() {
        assert_eq!(parts(900.0, (100.0, 0.0), None), [100.0, 0.0, 0.0, 800.0]);
    }

    #[test]
    fn a_resource_that_was_requested_before_the_first_byte_or_goes_on_loading_is_clamped() {
        assert_eq!(parts(900.0, (100.0, 0.0), Some((50.0, 80.0))), [100.0, 0.0, 0.0, 800.0], "preloaded by an early hint");
        assert_eq!(parts(900.0, (100.0, 0.0), Some((250.0, 9000.0))), [100.0, 150.0, 650.0, 0.0], "a video");
    }

    #[test]
    fn times_of_a_prerendered_page_count_from_its_activation_and_of_a_soft_navigation_from_its_start() {
        assert_eq!(parts(400.0, (100.0, 500.0), Some((250.0, 600.0))), [0.0, 0.0, 100.0, 300.0]);
        assert_eq!(parts(400.0, (0.0, 500.0), Some((550.0, 600.0))), [0.0, 50.0, 50.0, 300.0]);
    }

    #[test]
    fn r4_without_a_credible_navigation_entry_it_is_all_render_delay() {
        let expected = LcpParts {
            time_to_first_byte: 0.0,
            resource_load_delay: 0.0,
            resource_load_duration: 0.0,
            element_render_delay: 900.0,
        };
        assert_eq!(lcp_parts(900.0, None, Some(&ResourceTiming { start: 250.0, ..ResourceTiming::default() })), expected);
    }

    #[test]
    fn web_vitals_790_a_request_after_the_paint_did_not_bring_the_picture() {
        let at = |start, request_start| ResourceTiming { start, request_start, response_end: 5000.0 };
        let place_of = |candidates: &[ResourceTiming]| resource_of(candidates.iter().copied(), 900.0).map(|(place, _)| place);
        assert_eq!(place_of(&[]), None);
        assert_eq!(place_of(&[at(100.0, 0.0), at(500.0, 0.0), at(900.1, 0.0)]), Some(1));
        assert_eq!(place_of(&[at(100.0, 0.0), at(500.0, 901.0)]), Some(0), "by the request's start, where it is known");
        assert_eq!(place_of(&[at(900.0, 0.0)]), Some(0));
        assert_eq!(place_of(&[at(901.0, 0.0)]), None);
    }

    proptest! {
        #[test]
        fn the_parts_sum_up_to_the_value_and_none_is_negative(
            start in 200.0..5000.0,
            response_start in 0.0..200.0,
            activation_start in 0.0..400.0,
            candidates in proptest::collection::vec((0.0..6000.0, 0.0..3000.0), 0..4),
        ) {
            let timing = |(start, duration)| ResourceTiming { start, request_start: 0.0, response_end: start + duration };
            let resource = resource_of(candidates.into_iter().map(timing), start).map(|(_, timing)| timing);
            // A page is activated after its first byte, or was not prerendered at all.
            let activation_start = if activation_start < response_start { 0.0 } else { activation_start };
            let value = crate::metrics::lcp::value(start, activation_start);
            let parts = lcp_parts(value, Some((response_start, activation_start)), resource.as_ref());
            prop_assert!(all(&parts).iter().all(|&part| part >= 0.0), "{:?}", parts);
            prop_assert!((all(&parts).iter().sum::<f64>() - value).abs() < 1e-9);
        }
    }
}
