use super::frames::Frames;
use crate::entry::LongFrame;

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
            self.frames.retain(|_| {
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

    /// Drops all but those in which a kept frame of events was processed, and of the latest ten those that began after the last
    /// event, because theirs may be still to come.
    pub fn clean(&mut self, frames: &Frames<E>) {
        let mut left = self.frames.len();
        self.frames.retain(|long| {
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
