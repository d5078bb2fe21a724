use super::frames::Frame;
use super::long_frames::LongFrames;
use crate::entry::{EventTiming, Script};

/// The parts of Interaction to Next Paint. The three durations sum up to it, but for the clamping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InpParts {
    /// When the user interacted.
    pub interaction_time: f64,
    /// When handlers ended, or the next paint if that was earlier, as under a modal dialog.
    pub processing_end: f64,
    /// The next paint. Durations are rounded to 8 ms, so it is never before the first handler began.
    pub next_paint_time: f64,
    /// From the interaction until the first handler began.
    pub input_delay: f64,
    /// From there until the last handler ended.
    pub processing_duration: f64,
    /// From there to the next paint.
    pub presentation_delay: f64,
}

/// The parts of the interaction whose first entry is `event`, presented in `frame`.
#[must_use]
pub const fn inp_parts<E>(event: &EventTiming<E>, frame: &Frame<E>) -> InpParts {
    // A handler of an earlier event in the same frame may have been running when the user interacted (web-vitals#788).
    let processing_start = frame.processing_start.max(event.start);
    let next_paint_time = (event.start + event.duration).max(processing_start);
    // A dialog of the handler paints before the handler ends (web-vitals#492).
    let processing_end = frame.processing_end.min(next_paint_time);
    InpParts {
        interaction_time: event.start,
        processing_end,
        next_paint_time,
        input_delay: processing_start - event.start,
        processing_duration: processing_end - processing_start,
        presentation_delay: next_paint_time - processing_end,
    }
}

impl InpParts {
    /// The part in which something happened that began at `start`.
    fn subpart(&self, start: f64) -> Subpart {
        let processing = self.interaction_time + self.input_delay;
        if start < processing {
            Subpart::InputDelay
        } else if start >= processing + self.processing_duration {
            Subpart::PresentationDelay
        } else {
            Subpart::ProcessingDuration
        }
    }
}

/// One of the three parts of an interaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subpart {
    /// See [`InpParts::input_delay`].
    InputDelay,
    /// See [`InpParts::processing_duration`].
    ProcessingDuration,
    /// See [`InpParts::presentation_delay`].
    PresentationDelay,
}

impl Subpart {
    /// Its name in reports, which is that of `web-vitals`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InputDelay => "input-delay",
            Self::ProcessingDuration => "processing-duration",
            Self::PresentationDelay => "presentation-delay",
        }
    }
}

/// What the time of an interaction went into, as its long animation frames tell. The four sum up to the time from the interaction
/// to the next paint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongFrameSummary {
    /// Scripts of more than 5 ms, without the style and layout that they forced.
    pub script: f64,
    /// Style and layout, at the end of frames or forced by scripts.
    pub style_and_layout: f64,
    /// From the end of the last long frame to the next paint; 0 if it ended before the handlers did.
    pub paint: f64,
    /// The rest.
    pub unattributed: f64,
    /// The longest script; absent if none is long enough to be known.
    pub longest: Option<LongestScript>,
}

/// The script that took the largest part of an interaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongestScript {
    /// Which of the long frames that intersect with the interaction it was in.
    pub frame: usize,
    /// Which of that one's scripts it was.
    pub script: usize,
    /// In which part it began.
    pub subpart: Subpart,
    /// How much of it came after the interaction.
    pub duration: f64,
}

/// The summary of an interaction. Absent without long frames from [`InpParts::interaction_time`] to [`InpParts::processing_end`].
#[must_use]
pub fn long_frame_summary<E>(parts: &InpParts, long_frames: &LongFrames<E>) -> Option<LongFrameSummary> {
    let mut sums = LongFrameSummary { script: 0.0, style_and_layout: 0.0, paint: 0.0, unattributed: 0.0, longest: None };
    let mut last_end = None;
    for (frame, long) in long_frames.intersecting(parts.interaction_time, parts.processing_end).enumerate() {
        sums.style_and_layout = sums.style_and_layout + long.start + long.duration - long.style_and_layout_start;
        for (index, script) in long.scripts.iter().enumerate() {
            sums.add(parts, script, frame, index);
        }
        last_end = Some(long.end());
    }
    let last_end = last_end?;
    if parts.subpart(last_end) == Subpart::PresentationDelay {
        sums.paint = parts.next_paint_time - last_end;
    }
    sums.unattributed = parts.next_paint_time - parts.interaction_time - sums.script - sums.style_and_layout - sums.paint;
    Some(sums)
}

impl LongFrameSummary {
    fn add(&mut self, parts: &InpParts, script: &Script, frame: usize, index: usize) {
        let end = script.start + script.duration;
        if end < parts.interaction_time {
            return;
        }
        let duration = end - parts.interaction_time.max(script.start);
        // It is not known when the script forced style and layout; so much of it is taken as of the script.
        let forced = if script.duration == 0.0 { 0.0 } else { duration / script.duration * script.forced_style_and_layout };
        self.script += duration - forced;
        self.style_and_layout += forced;
        if duration > self.longest.map_or(0.0, |longest| longest.duration) {
            self.longest = Some(LongestScript { frame, script: index, subpart: parts.subpart(script.start), duration });
        }
    }
}
