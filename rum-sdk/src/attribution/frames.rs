use crate::entry::EventTiming;
use crate::order::{keep, settle_last};

/// Events whose render times are this close were presented in the same frame, milliseconds: durations come in steps of 8.
const SAME_FRAME_MS: f64 = 8.0;
/// How many frames are kept besides those in use. Events and long frames arrive out of order, but only by a frame or two.
const KEPT: usize = 10;

/// The latest frames that presented events to the user, and those of the longest interactions.
#[derive(Clone, Debug)]
pub struct Frames<E> {
    /// In the order in which they became known.
    known: Vec<Frame<E>>,
    next_number: u32,
    latest_processing_end: f64,
}

/// All events of one frame, whether they belong to an interaction or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame<E> {
    number: u32,
    render_time: f64,
    /// The earliest `startTime`.
    pub start: f64,
    /// The earliest `processingStart`.
    pub processing_start: f64,
    /// The latest `processingEnd`.
    pub processing_end: f64,
    /// The events that were to be kept, by their `processingStart`.
    pub entries: Vec<Processed<E>>,
}

/// An event of a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Processed<E> {
    /// `processingStart`.
    pub start: f64,
    /// The browser's entry.
    pub entry: E,
}

impl<E> Default for Frames<E> {
    fn default() -> Self {
        Self { known: Vec::new(), next_number: 0, latest_processing_end: 0.0 }
    }
}

impl<E> Frames<E> {
    /// Finds the frame of an event, the latest known one of about its render time or else a new one, and gives its number.
    /// `entry` is the event's own, if it is to be kept.
    pub fn add(&mut self, event: &EventTiming<E>, entry: Option<E>) -> u32 {
        let render_time = event.start + event.duration;
        self.latest_processing_end = self.latest_processing_end.max(event.processing_end);
        let is_same = |frame: &&mut Frame<E>| (render_time - frame.render_time).abs() <= SAME_FRAME_MS;
        let frame = if let Some(frame) = self.known.iter_mut().rev().find(is_same) {
            frame
        } else {
            let number = self.next_number;
            self.next_number = number.wrapping_add(1);
            self.known.push_mut(Frame {
                number,
                render_time,
                start: event.start,
                processing_start: event.processing_start,
                processing_end: event.processing_end,
                entries: Vec::new(),
            })
        };
        frame.start = frame.start.min(event.start);
        frame.processing_start = frame.processing_start.min(event.processing_start);
        frame.processing_end = frame.processing_end.max(event.processing_end);
        if let Some(entry) = entry {
            frame.entries.push(Processed { start: event.processing_start, entry });
            settle_last(&mut frame.entries, |one, other| one.start < other.start);
        }
        frame.number
    }

    /// The frame of that number. Absent when it was cleaned away.
    #[must_use]
    pub fn frame(&self, number: u32) -> Option<&Frame<E>> {
        self.known.iter().find(|frame| frame.number == number)
    }

    /// Drops all but the latest ten frames and those whose number `is_used`.
    pub fn clean(&mut self, is_used: impl Fn(u32) -> bool) {
        let mut left = self.known.len();
        keep(&mut self.known, &mut |frame| {
            left -= 1;
            left < KEPT || is_used(frame.number)
        });
    }

    /// Every frame that is known.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Frame<E>> {
        self.known.iter()
    }

    /// The latest `processingEnd` of all events there ever were; 0 before the first.
    pub(super) const fn latest_processing_end(&self) -> f64 {
        self.latest_processing_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An event that was handled from `processing` to 10 ms later.
    fn event(start: f64, duration: f64, processing: f64) -> EventTiming<usize> {
        EventTiming {
            start,
            duration,
            processing_start: processing,
            processing_end: processing + 10.0,
            interaction_id: 0.0,
            entry: 0,
        }
    }

    fn numbers(frames: &Frames<usize>) -> Vec<u32> {
        frames.iter().map(|frame| frame.number).collect()
    }

    #[test]
    fn events_of_about_one_render_time_are_of_one_frame() {
        let mut frames = Frames::default();
        assert_eq!(frames.add(&event(100.0, 50.0, 110.0), None), 0);
        assert_eq!(frames.add(&event(90.0, 68.0, 105.0), None), 0, "8 ms later");
        assert_eq!(frames.add(&event(120.0, 22.0, 130.0), None), 0, "8 ms earlier than the first, which is what counts");
        assert_eq!(frames.add(&event(100.0, 58.1, 110.0), None), 1);
        let frame = frames.frame(0).unwrap();
        assert_eq!((frame.start, frame.processing_start, frame.processing_end), (90.0, 105.0, 140.0));
        assert_eq!(frames.latest_processing_end().to_bits(), 140.0_f64.to_bits());
        assert_eq!(frames.frame(7), None);
    }

    #[test]
    fn the_newest_of_two_frames_that_fit_is_taken() {
        let mut frames = Frames::default();
        frames.add(&event(100.0, 50.0, 110.0), None);
        frames.add(&event(100.0, 64.0, 110.0), None);
        assert_eq!(frames.add(&event(100.0, 57.0, 110.0), None), 1);
    }

    #[test]
    fn kept_entries_are_in_the_order_in_which_they_were_handled() {
        let mut frames = Frames::default();
        for (entry, processing) in [(1, 120.0), (2, 110.0), (3, 120.0), (4, 105.0)] {
            frames.add(&event(100.0, 50.0, processing), Some(entry));
        }
        frames.add(&event(100.0, 50.0, 90.0), None);
        let entries: Vec<_> = frames.frame(0).unwrap().entries.iter().map(|processed| processed.entry).collect();
        assert_eq!(entries, [4, 2, 1, 3]);
    }

    #[test]
    fn web_vitals_795_the_latest_ten_and_those_in_use_are_kept() {
        let mut frames = Frames::default();
        for index in 0..30 {
            frames.add(&event(f64::from(index) * 100.0, 40.0, f64::from(index) * 100.0), None);
        }
        frames.clean(|number| number == 3 || number == 25);
        let expected: Vec<_> = [3].into_iter().chain(20..30).collect();
        assert_eq!(numbers(&frames), expected);
        assert_eq!(frames.add(&event(9000.0, 40.0, 9000.0), None), 30, "numbers are not used again");
    }

    /// The rule, read literally: a frame is known by the render time of its first event.
    fn naive(events: &[EventTiming<usize>]) -> Vec<(f64, Vec<usize>)> {
        let mut frames: Vec<(f64, Vec<usize>)> = Vec::new();
        for (place, event) in events.iter().enumerate() {
            let rendered = event.start + event.duration;
            match frames.iter_mut().rev().find(|(known, _)| (rendered - known).abs() <= 8.0) {
                Some((_, members)) => members.push(place),
                None => frames.push((rendered, vec![place])),
            }
        }
        frames
    }

    proptest! {
        #[test]
        fn they_are_the_groups_of_the_rule(
            events in proptest::collection::vec((0_u32..40, 1_u32..8, 0_u32..30), 0..60),
        ) {
            let events: Vec<_> = events
                .iter()
                .map(|&(start, eights, wait)| {
                    event(f64::from(start) * 3.1, f64::from(eights * 8), f64::from(start) * 3.1 + f64::from(wait))
                })
                .collect();
            let mut frames = Frames::default();
            let of_event: Vec<_> = events.iter().enumerate().map(|(place, event)| frames.add(event, Some(place))).collect();
            let expected = naive(&events);
            prop_assert_eq!(frames.iter().count(), expected.len());
            for ((_, members), number) in expected.iter().zip(0..) {
                let frame = frames.frame(number).unwrap();
                prop_assert!(members.iter().all(|&place| of_event[place] == number));
                let of = |time: fn(&EventTiming<usize>) -> f64| members.iter().map(|&place| time(&events[place])).collect::<Vec<_>>();
                prop_assert_eq!(Some(frame.start), of(|event| event.start).into_iter().reduce(f64::min));
                prop_assert_eq!(Some(frame.processing_start), of(|event| event.processing_start).into_iter().reduce(f64::min));
                prop_assert_eq!(Some(frame.processing_end), of(|event| event.processing_end).into_iter().reduce(f64::max));
                let mut handled = members.clone();
                handled.sort_by(|&one, &other| events[one].processing_start.total_cmp(&events[other].processing_start));
                prop_assert_eq!(frame.entries.iter().map(|processed| processed.entry).collect::<Vec<_>>(), handled);
            }
        }
    }
}
