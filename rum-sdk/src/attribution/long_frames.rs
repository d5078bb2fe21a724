use super::frames::Frames;
use crate::entry::LongFrame;
use crate::order::keep;

/// How many long frames are kept for events that are still to come.
const KEPT: usize = 10;
/// How many there may be between two cleanings. As many as browsers buffer before there is an observer.
const MOST: usize = 200;

/// The long animation frames in which the longest interactions may have happened, in the order of their start.
#[derive(Clone, Debug)]
pub struct LongFrames<E> {
    frames: Vec<LongFrame<E>>,
}

impl<E> Default for LongFrames<E> {
    fn default() -> Self {
        Self { frames: Vec::new() }
    }
}

impl<E> LongFrames<E> {
    /// Takes a long frame. Should nobody clean up, the older half of too many is dropped.
    pub fn add(&mut self, frame: LongFrame<E>) {
        let mut left = self.frames.len();
        if left >= MOST {
            keep(&mut self.frames, &mut |_| {
                left -= 1;
                left < MOST / 2
            });
        }
        self.frames.push(frame);
    }

    /// The long frames that have a moment in common with that time.
    pub fn intersecting(&self, start: f64, end: f64) -> impl Iterator<Item = &LongFrame<E>> {
        self.frames.iter().take_while(move |frame| frame.start <= end).filter(move |frame| frame.end() >= start)
    }

    /// Every frame that is kept.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LongFrame<E>> {
        self.frames.iter()
    }

    /// Drops all but those in which a kept frame of events was processed, and of the latest ten those that began after the last
    /// event, because theirs may be still to come.
    pub fn clean(&mut self, frames: &Frames<E>) {
        let mut left = self.frames.len();
        keep(&mut self.frames, &mut |long| {
            left -= 1;
            let may_come = left < KEPT && long.start > frames.latest_processing_end();
            may_come || frames.iter().any(|frame| long.end() >= frame.start && long.start <= frame.processing_end)
        });
    }
}

impl<E> LongFrame<E> {
    /// When its style and layout were done.
    pub(super) const fn end(&self) -> f64 {
        self.start + self.duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::EventTiming;

    fn long(start: f64, duration: f64) -> LongFrame<u32> {
        LongFrame { start, duration, style_and_layout_start: start, scripts: vec![], entry: 0 }
    }

    fn starts(frames: &LongFrames<u32>) -> Vec<f64> {
        frames.frames.iter().map(|frame| frame.start).collect()
    }

    fn observed(frames: impl IntoIterator<Item = LongFrame<u32>>) -> LongFrames<u32> {
        let mut observed = LongFrames::default();
        for frame in frames {
            observed.add(frame);
        }
        observed
    }

    /// Events of one frame, from `start` until they were processed at `end`.
    fn events(frames: &mut Frames<u32>, start: f64, end: f64) -> u32 {
        let event = EventTiming {
            start,
            duration: end - start,
            processing_start: start,
            processing_end: end,
            interaction_id: 7.0,
            entry: 0,
        };
        frames.add(&event, None)
    }

    #[test]
    fn frames_that_touch_the_time_intersect_with_it() {
        let frames = observed([long(0.0, 99.9), long(100.0, 100.0), long(250.0, 60.0), long(350.0, 50.0), long(350.1, 50.0)]);
        let found: Vec<_> = frames.intersecting(200.0, 350.0).map(|frame| frame.start).collect();
        assert_eq!(found, [100.0, 250.0, 350.0]);
        assert_eq!(frames.intersecting(99.95, 99.99).count(), 0);
    }

    #[test]
    fn web_vitals_795_those_of_known_events_and_the_latest_ten_after_them_are_kept() {
        let mut frames = Frames::default();
        events(&mut frames, 250.0, 410.0);
        let mut long_frames = observed((0..30).map(|index| long(f64::from(index) * 100.0, 60.0)));
        long_frames.clean(&frames);
        let expected: Vec<_> = [2, 3, 4].into_iter().chain(20..30).map(|index| f64::from(index) * 100.0).collect();
        assert_eq!(starts(&long_frames), expected, "the one from 200 to 260 too");
    }

    #[test]
    fn a_long_frame_that_touches_known_events_is_kept() {
        let mut frames = Frames::default();
        events(&mut frames, 200.0, 300.0);
        let mut long_frames = observed([long(100.0, 99.9), long(100.0, 100.0), long(300.0, 60.0)]);
        long_frames.clean(&frames);
        assert_eq!(starts(&long_frames), [100.0, 300.0]);
    }

    #[test]
    fn only_what_begins_after_the_last_handler_may_belong_to_events_to_come() {
        let mut frames = Frames::default();
        events(&mut frames, 200.0, 5000.0);
        for index in 0..10 {
            events(&mut frames, 300.0 + 20.0 * f64::from(index), 310.0 + 20.0 * f64::from(index));
        }
        frames.clean(|_| false);
        let mut long_frames = observed([long(4000.0, 60.0), long(5000.0, 60.0), long(5000.1, 60.0)]);
        long_frames.clean(&frames);
        assert_eq!(starts(&long_frames), [5000.1]);
    }

    #[test]
    fn a_late_event_makes_earlier_long_frames_useless() {
        let mut frames = Frames::default();
        events(&mut frames, 2850.0, 2905.0);
        let mut long_frames = observed((0..30).map(|index| long(f64::from(index) * 100.0, 60.0)));
        long_frames.clean(&frames);
        assert_eq!(starts(&long_frames), [2800.0, 2900.0]);
    }

    #[test]
    fn a_page_that_is_only_watched_keeps_few() {
        let mut cleaned = LongFrames::default();
        let mut left_alone = LongFrames::default();
        for index in 0..10_000 {
            cleaned.add(long(f64::from(index) * 100.0, 60.0));
            cleaned.clean(&Frames::default());
            left_alone.add(long(f64::from(index) * 100.0, 60.0));
            assert!(cleaned.frames.len() <= KEPT);
            assert!(left_alone.frames.len() <= MOST);
        }
        assert_eq!(starts(&cleaned).last(), Some(&999_900.0));
        assert!(left_alone.frames.len() >= MOST / 2);
        assert!(starts(&left_alone).is_sorted());
        assert_eq!(starts(&left_alone).last(), Some(&999_900.0));
    }
}
