//! Performance entries as plain numbers. `E` is a handle to the browser's own entry, which is kept with a result so that the two
//! come from the same place, and of which the browser's shell can tell more when asked; it is a number in tests.

/// `largest-contentful-paint` (W3C Largest Contentful Paint).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LargestPaint<E> {
    /// `startTime`: the render time, or the load time where the render time is withheld.
    pub start: f64,
    /// The browser's entry.
    pub entry: E,
}

/// `layout-shift` (WICG Layout Instability).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayoutShift<E> {
    /// `startTime`.
    pub start: f64,
    /// `value`: the layout shift score.
    pub value: f64,
    /// `hadRecentInput`: the user caused it.
    pub had_recent_input: bool,
    /// The browser's entry.
    pub entry: E,
}

/// `event` or `first-input` (W3C Event Timing).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventTiming<E> {
    /// `startTime`: when the input happened.
    pub start: f64,
    /// `duration`: from there to the next paint, in steps of 8 ms.
    pub duration: f64,
    /// `processingStart`: when the first handler began.
    pub processing_start: f64,
    /// `processingEnd`: when the last handler ended.
    pub processing_end: f64,
    /// `interactionId`; 0 when the event belongs to no interaction.
    pub interaction_id: f64,
    /// The browser's entry.
    pub entry: E,
}

/// `long-animation-frame` (W3C Long Animation Frames).
#[derive(Clone, Debug, PartialEq)]
pub struct LongFrame<E> {
    /// `startTime`.
    pub start: f64,
    /// `duration`: to the end of the frame's style and layout.
    pub duration: f64,
    /// `styleAndLayoutStart`.
    pub style_and_layout_start: f64,
    /// Its scripts of more than 5 ms, in the entry's order.
    pub scripts: Vec<Script>,
    /// The browser's entry.
    pub entry: E,
}

/// `PerformanceScriptTiming` of a [`LongFrame`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Script {
    /// `startTime`.
    pub start: f64,
    /// `duration`.
    pub duration: f64,
    /// `forcedStyleAndLayoutDuration`.
    pub forced_style_and_layout: f64,
}

/// `soft-navigation` (WICG Soft Navigations).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftNavigation<E> {
    /// `startTime`: when the interaction behind it happened.
    pub start: f64,
    /// `interactionId` of that interaction.
    pub interaction_id: f64,
    /// `presentationTime`, or `paintTime`, of the first paint after it; 0 without either.
    pub painted: f64,
    /// `getLargestInteractionContentfulPaint()` at the time the entry came; absent when nothing was painted yet.
    pub largest: Option<InteractionPaint<E>>,
    /// The browser's entry.
    pub entry: E,
}

/// `interaction-contentful-paint` (WICG Soft Navigations).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InteractionPaint<E> {
    /// `startTime`: when the interaction happened.
    pub start: f64,
    /// `interactionId`; absent in browsers without it.
    pub interaction_id: Option<f64>,
    /// `renderTime` of `largestContentfulPaint`; 0 without one.
    pub rendered: f64,
    /// The browser's `largestContentfulPaint` inside the entry.
    pub entry: Option<E>,
}

/// A `resource` entry (W3C Resource Timing), as far as LCP needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ResourceTiming {
    /// `startTime`.
    pub start: f64,
    /// `requestStart`; 0 when it is withheld.
    pub request_start: f64,
    /// `responseEnd`.
    pub response_end: f64,
}
