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
///
/// A long frame that rendered nothing has no style and layout. `web-vitals` takes the time of its end for their duration.
#[must_use]
pub fn long_frame_summary<E>(parts: &InpParts, long_frames: &LongFrames<E>) -> Option<LongFrameSummary> {
    let mut sums = LongFrameSummary { script: 0.0, style_and_layout: 0.0, paint: 0.0, unattributed: 0.0, longest: None };
    let mut last_end = None;
    for (frame, long) in long_frames.intersecting(parts.interaction_time, parts.processing_end).enumerate() {
        if long.style_and_layout_start > 0.0 {
            sums.style_and_layout = sums.style_and_layout + long.start + long.duration - long.style_and_layout_start;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::Frames;
    use crate::entry::LongFrame;
    use proptest::prelude::*;

    /// `start`, `duration`, `processing_start` and `processing_end` of an event.
    type Times = (f64, f64, f64, f64);

    /// The parts of the last event, which shares its frame with the others.
    fn parts(events: &[Times]) -> InpParts {
        let mut frames = Frames::default();
        let mut last = None;
        for &(start, duration, processing_start, processing_end) in events {
            let (interaction_id, entry) = (7.0, 0);
            let event = EventTiming { start, duration, processing_start, processing_end, interaction_id, entry };
            last = Some((event, frames.add(&event, None)));
        }
        let (event, frame) = last.unwrap();
        inp_parts(&event, frames.frame(frame).unwrap())
    }

    fn durations(parts: &InpParts) -> Vec<f64> {
        vec![parts.input_delay, parts.processing_duration, parts.presentation_delay]
    }

    fn script(start: f64, duration: f64, forced_style_and_layout: f64) -> Script {
        Script { start, duration, forced_style_and_layout }
    }

    fn long(start: f64, end: f64, style_and_layout_start: f64, scripts: &[Script]) -> LongFrame<u32> {
        LongFrame { start, duration: end - start, style_and_layout_start, scripts: scripts.to_vec(), entry: 0 }
    }

    fn summary(parts: &InpParts, frames: impl IntoIterator<Item = LongFrame<u32>>) -> Option<LongFrameSummary> {
        let mut long_frames = LongFrames::default();
        for frame in frames {
            long_frames.add(frame);
        }
        long_frame_summary(parts, &long_frames)
    }

    #[test]
    fn all_events_of_the_frame_are_processed_before_its_paint() {
        let parts = parts(&[(95.0, 205.0, 120.0, 140.0), (102.0, 200.0, 150.0, 260.0), (100.0, 200.0, 140.0, 150.0)]);
        assert_eq!(durations(&parts), [20.0, 140.0, 40.0]);
        assert_eq!((parts.interaction_time, parts.processing_end, parts.next_paint_time), (100.0, 260.0, 300.0));
    }

    #[test]
    fn web_vitals_788_the_input_delay_is_never_negative() {
        // A pointerover handler was running when the user clicked.
        let parts = parts(&[(50.0, 250.0, 60.0, 160.0), (100.0, 200.0, 165.0, 200.0)]);
        assert_eq!(durations(&parts), [0.0, 100.0, 100.0]);
    }

    #[test]
    fn web_vitals_492_processing_does_not_go_on_after_the_paint() {
        // A dialog was open until 5000.
        let parts = parts(&[(100.0, 64.0, 102.0, 5000.0)]);
        assert_eq!(durations(&parts), [2.0, 62.0, 0.0]);
        assert_eq!(parts.processing_end.to_bits(), 164.0_f64.to_bits());
    }

    #[test]
    fn a_duration_that_was_rounded_down_does_not_end_before_the_first_handler_began() {
        let parts = parts(&[(100.0, 8.0, 111.0, 112.0)]);
        assert_eq!(durations(&parts), [11.0, 0.0, 0.0]);
        assert_eq!(parts.next_paint_time.to_bits(), 111.0_f64.to_bits());
    }

    proptest! {
        #[test]
        fn the_parts_sum_up_to_the_time_until_the_paint_and_none_is_negative(
            events in proptest::collection::vec((0.0..50.0, 0.0..80.0, 0.0..200.0), 1..6),
            eights in 7_u32..30,
        ) {
            let rendered = f64::from(eights) * 8.0 + 100.0;
            let events: Vec<Times> = events
                .iter()
                .map(|&(start, wait, processing): &(f64, f64, f64)| (start, rendered - start, start + wait, start + wait + processing))
                .collect();
            let parts = parts(&events);
            let (start, duration, ..) = events[events.len() - 1];
            prop_assert!(durations(&parts).iter().all(|&part| part >= 0.0), "{:?}", parts);
            prop_assert!((durations(&parts).iter().sum::<f64>() - duration).abs() < 1e-9, "{:?}", parts);
            prop_assert_eq!(parts.interaction_time.to_bits(), start.to_bits());

            // From the definitions: from the input to the first handler, all handlers, from there to the paint.
            let first = events.iter().map(|event| event.2).fold(f64::MAX, f64::min).max(start);
            let last = events.iter().map(|event| event.3).fold(0.0, f64::max).min(rendered);
            prop_assert!((parts.input_delay - (first - start)).abs() < 1e-9);
            prop_assert!((parts.processing_duration - (last - first)).abs() < 1e-9);
            prop_assert!((parts.presentation_delay - (rendered - last)).abs() < 1e-9);
        }
    }

    /// From 100 on: 20 of input delay, 130 of processing until 250, paint at 300.
    fn interaction() -> InpParts {
        parts(&[(100.0, 200.0, 120.0, 250.0)])
    }

    #[test]
    fn without_long_frames_there_is_no_summary() {
        assert_eq!(summary(&interaction(), []), None);
        assert_eq!(summary(&interaction(), [long(0.0, 99.0, 90.0, &[]), long(251.0, 310.0, 300.0, &[])]), None);
    }

    #[test]
    fn a_long_frame_goes_into_scripts_style_and_paint() {
        let scripts = [script(105.0, 10.0, 0.0), script(120.0, 100.0, 20.0), script(255.0, 15.0, 0.0)];
        let summary = summary(&interaction(), [long(90.0, 290.0, 275.0, &scripts)]).unwrap();
        let longest = LongestScript { frame: 0, script: 1, subpart: Subpart::ProcessingDuration, duration: 100.0 };
        let expected =
            LongFrameSummary { script: 105.0, style_and_layout: 35.0, paint: 10.0, unattributed: 50.0, longest: Some(longest) };
        assert_eq!(summary, expected);
    }

    #[test]
    fn only_what_comes_after_the_interaction_counts_and_its_share_of_forced_style() {
        let summary =
            summary(&interaction(), [long(0.0, 240.0, 240.0, &[script(10.0, 80.0, 9.0), script(60.0, 160.0, 40.0)])]).unwrap();
        assert_eq!((summary.script, summary.style_and_layout), (90.0, 30.0));
        assert_eq!(summary.longest.map(|longest| (longest.script, longest.duration)), Some((1, 120.0)));
        assert_eq!((summary.paint, summary.unattributed), (0.0, 80.0), "the frame ended before the handlers did");
    }

    #[test]
    fn the_longest_script_is_named_by_the_part_in_which_it_began() {
        let of = |start| {
            let frames =
                [long(90.0, 110.0, 110.0, &[script(101.0, 6.0, 0.0)]), long(112.0, 290.0, 290.0, &[script(start, 8.0, 0.0)])];
            let longest = summary(&interaction(), frames).unwrap().longest.unwrap();
            assert_eq!((longest.frame, longest.script), (1, 0));
            longest.subpart.name()
        };
        assert_eq!(of(119.9), "input-delay");
        assert_eq!(of(120.0), "processing-duration");
        assert_eq!(of(249.9), "processing-duration");
        assert_eq!(of(250.0), "presentation-delay");
    }

    #[test]
    fn of_equally_long_scripts_the_first_is_named() {
        let scripts = [script(130.0, 50.0, 0.0), script(190.0, 50.0, 0.0)];
        let longest = summary(&interaction(), [long(90.0, 290.0, 280.0, &scripts)]).unwrap().longest.unwrap();
        assert_eq!(longest.script, 0);
    }

    #[test]
    fn a_script_of_no_duration_forced_nothing() {
        let summary = summary(&interaction(), [long(90.0, 290.0, 290.0, &[script(130.0, 0.0, 5.0)])]).unwrap();
        assert_eq!((summary.script, summary.style_and_layout, summary.longest), (0.0, 0.0, None));
    }

    #[test]
    fn a_long_frame_that_rendered_nothing_has_no_style_and_layout() {
        let summary = summary(&interaction(), [long(90.0, 110.0, 0.0, &[]), long(112.0, 290.0, 280.0, &[])]).unwrap();
        assert_eq!((summary.style_and_layout, summary.paint, summary.unattributed), (10.0, 10.0, 180.0));
    }

    proptest! {
        #[test]
        fn the_sums_are_all_of_the_time_until_the_paint(
            frames in proptest::collection::vec((0.0..60.0, 0.0..90.0, 0.0..20.0, any::<bool>()), 0..5),
            scripts in proptest::collection::vec((0.0..1.0, 0.0..1.0, 0.0..1.0), 0..4),
        ) {
            // Frames follow each other; each has the same scripts, by their place and size in the frame.
            let mut time = 20.0;
            let frames: Vec<_> = frames
                .iter()
                .map(|&(gap, work, style, renders): &(f64, f64, f64, bool)| {
                    let start = time + gap;
                    time = start + work + style;
                    let of_frame = |&(begin, size, forced): &(f64, f64, f64)| {
                        let duration = work * (1.0 - begin) * size;
                        script(start + work * begin, duration, duration * forced)
                    };
                    let scripts: Vec<_> = scripts.iter().map(of_frame).collect();
                    long(start, time, if renders { start + work } else { 0.0 }, &scripts)
                })
                .collect();
            let parts = interaction();
            let met: Vec<_> =
                frames.iter().filter(|frame| frame.start <= 250.0 && frame.start + frame.duration >= 100.0).cloned().collect();
            let summary = summary(&parts, frames);
            prop_assert_eq!(summary.is_none(), met.is_empty());
            let Some(summary) = summary else { return Ok(()) };
            let sum = summary.script + summary.style_and_layout + summary.paint + summary.unattributed;
            prop_assert!((sum - 200.0).abs() < 1e-9);

            // From the definitions, with each script cut at the interaction.
            let (mut script, mut style, mut longest) = (0.0, 0.0, 0.0_f64);
            for frame in &met {
                if frame.style_and_layout_start > 0.0 {
                    style += frame.start + frame.duration - frame.style_and_layout_start;
                }
                for one in &frame.scripts {
                    let after = (one.start + one.duration - one.start.max(100.0)).max(0.0);
                    let forced = if one.duration > 0.0 { one.forced_style_and_layout * after / one.duration } else { 0.0 };
                    script += after - forced;
                    style += forced;
                    longest = longest.max(after);
                }
            }
            prop_assert!((summary.script - script).abs() < 1e-9);
            prop_assert!((summary.style_and_layout - style).abs() < 1e-9);
            prop_assert!((summary.longest.map_or(0.0, |longest| longest.duration) - longest).abs() < 1e-9);
            let last_end = met.last().map_or(0.0, |frame| frame.start + frame.duration);
            let paint = if last_end >= 250.0 { 300.0 - last_end } else { 0.0 };
            prop_assert!((summary.paint - paint).abs() < 1e-9);
        }
    }
}
