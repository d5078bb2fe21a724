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

/// Which of the resources that have the URL of the painted element was painted: the last that was requested no later than the
/// paint at `lcp_start` (web-vitals#790). Its end does not matter, because videos go on loading.
#[must_use]
pub fn resource_of(candidates: &[ResourceTiming], lcp_start: f64) -> Option<usize> {
    candidates.iter().rposition(|candidate| candidate.requested() <= lcp_start)
}

impl ResourceTiming {
    /// When it was requested, or its start where that is withheld.
    const fn requested(&self) -> f64 {
        if self.request_start == 0.0 { self.start } else { self.request_start }
    }
}
