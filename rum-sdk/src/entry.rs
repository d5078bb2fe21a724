//! Performance entries as plain numbers. `E` is a handle to the browser's own entry, which is kept with a result so that the two
//! come from the same place; it is a number in tests, and nothing where nobody asks for entries.

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
    /// `duration`: from there to the next paint.
    pub duration: f64,
    /// `processingStart`: when the first handler began.
    pub processing_start: f64,
    /// `interactionId`; 0 when the event belongs to no interaction.
    pub interaction_id: f64,
    /// Whether it is the `first-input` entry, which browsers give whatever its duration.
    pub is_first_input: bool,
    /// The browser's entry.
    pub entry: E,
}
