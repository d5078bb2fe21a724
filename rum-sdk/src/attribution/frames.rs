use crate::entry::EventTiming;
use crate::order::settle_last;

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
        let entry = entry.map(|entry| Processed { start: event.processing_start, entry });
        for frame in self.known.iter_mut().rev() {
            if (render_time - frame.render_time).abs() <= SAME_FRAME_MS {
                frame.start = frame.start.min(event.start);
                frame.processing_start = frame.processing_start.min(event.processing_start);
                frame.processing_end = frame.processing_end.max(event.processing_end);
                frame.entries.extend(entry);
                settle_last(&mut frame.entries, |one, other| one.start < other.start);
                return frame.number;
            }
        }
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        self.known.push(Frame {
            number,
            render_time,
            start: event.start,
            processing_start: event.processing_start,
            processing_end: event.processing_end,
            entries: entry.into_iter().collect(),
        });
        number
    }

    /// The frame of that number. Absent when it was cleaned away.
    #[must_use]
    pub fn frame(&self, number: u32) -> Option<&Frame<E>> {
        self.known.iter().find(|frame| frame.number == number)
    }

    /// Drops all but the latest ten frames and those whose number `is_used`.
    pub fn clean(&mut self, is_used: impl Fn(u32) -> bool) {
        let mut left = self.known.len();
        self.known.retain(|frame| {
            left -= 1;
            left < KEPT || is_used(frame.number)
        });
    }

    /// The frames that are kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Frame<E>> {
        self.known.iter()
    }

    /// The latest `processingEnd` of all events there ever were; 0 before the first.
    pub(super) const fn latest_processing_end(&self) -> f64 {
        self.latest_processing_end
    }
}
