use core::mem::take;

use crate::entry::LayoutShift;

/// A session window ends when nothing shifted for this long, milliseconds (WICG Layout Instability, web.dev/articles/cls).
const LONGEST_GAP_MS: f64 = 1000.0;
/// A session window is never longer than this, milliseconds.
const LONGEST_WINDOW_MS: f64 = 5000.0;

/// Cumulative Layout Shift: the largest sum of shifts in one session window.
///
/// It is the largest of all windows, as the definition has it. `web-vitals` looks only at the window that runs at the end of a
/// batch of entries, and so misses a larger one that ended inside the batch.
#[derive(Clone, Debug)]
pub struct Cls<E> {
    running: Window<E>,
    /// The largest of the windows that ended.
    ended: Window<E>,
}

#[derive(Clone, Debug)]
struct Window<E> {
    sum: f64,
    shifts: Vec<LayoutShift<E>>,
}

impl<E> Default for Cls<E> {
    fn default() -> Self {
        Self { running: Window::default(), ended: Window::default() }
    }
}

impl<E> Default for Window<E> {
    fn default() -> Self {
        Self { sum: 0.0, shifts: Vec::new() }
    }
}

impl<E> Cls<E> {
    /// Takes one batch of shifts, in the order of their start. Shifts the user caused do not count.
    pub fn observe(&mut self, batch: Vec<LayoutShift<E>>) {
        for shift in batch {
            if shift.had_recent_input {
                continue;
            }
            if !self.running.takes(shift.start) {
                let ended = take(&mut self.running);
                if ended.sum > self.ended.sum {
                    self.ended = ended;
                }
            }
            self.running.sum += shift.value;
            self.running.shifts.push(shift);
        }
    }

    /// The sum of the largest window; 0 when nothing shifted.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.largest().sum
    }

    /// The shifts of the largest window, of windows of the same sum the earliest; none when nothing shifted.
    #[must_use]
    pub fn entries(&self) -> &[LayoutShift<E>] {
        &self.largest().shifts
    }

    fn largest(&self) -> &Window<E> {
        if self.running.sum > self.ended.sum { &self.running } else { &self.ended }
    }
}

impl<E> Window<E> {
    fn takes(&self, start: f64) -> bool {
        match (self.shifts.first(), self.shifts.last()) {
            // Shifts of no size do not begin a window.
            (Some(first), Some(last)) if self.sum != 0.0 => {
                start - last.start < LONGEST_GAP_MS && start - first.start < LONGEST_WINDOW_MS
            }
            _ => false,
        }
    }
}
