//! The arithmetic of the vitals as the loader calls it: an operation and numbers in, numbers out, one after the other. The loader holds the browser's live
//! entries and leads each vital's life (`npm/src/vitals/`); what an entry is called here is its place in the order of delivery.

use rum_protocol::Metric;

use crate::attribution::{
    Frames, LongFrames, fcp_parts, inp_parts, largest_shift, lcp_parts, load_state, long_frame_summary, resource_of, ttfb_parts,
};
use crate::entry::{EventTiming, LayoutShift, LongFrame, ResourceTiming, Script};
use crate::metrics::{Cls, Inp, InteractionCount, fcp, fid, lcp, report, ttfb};
use crate::navigation::{PageState, navigation_kind};

macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// What is asked for. An absent number is not a number. The numbers are those of `npm/src/vitals/operation.ts`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation { $($(#[doc = $doc])+ $name,)+ }

        impl Operation {
            /// The operation of that number.
            #[must_use]
            pub const fn of(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const NAMES: &[(&str, u32)] = &[$((stringify!($name), $number)),+];
    };
}

operations! {
    /// `[keeps processed events]` opens a watch and returns its number.
    Open = 0,
    /// A new visit begins in a watch: nothing was measured yet.
    Reset = 1,
    /// `[start, value, hadRecentInput]` of each shift. Returns CLS.
    Shifts = 2,
    /// The place of the largest shift of the window of CLS, and of all its shifts.
    Window = 3,
    /// `[start, duration, processingStart, processingEnd, interactionId]` of each event, in the order of their end. Returns the places
    /// of those that stand for their interactions.
    Events = 4,
    /// `[start, duration, styleAndLayoutStart, n]` of each long animation frame, and of its n scripts
    /// `[start, duration, forcedStyleAndLayoutDuration]`.
    LongFrames = 5,
    /// `[interactions]` of the page: INP, and the places of its entries. Nothing when there is none.
    Interaction = 6,
    /// `[place]` of an interaction's first entry: `interactionTime, nextPaintTime, inputDelay, processingDuration, presentationDelay`, the
    /// number of processed events and their places, the number of long frames and their places, and of those
    /// `script, style and layout, paint, unattributed` and `frame, script, subpart, duration` of the longest script, if known.
    Explain = 7,
    /// Forgets what cannot be asked for any more, and returns the places that can.
    Kept = 8,
    /// Ids of interactions. Returns how many there must have been on the page.
    Count = 9,
    /// `[metric, value, reported]`: R1 and R2. Returns `[delta, rating]`, nothing when the value needs no report.
    Report = 10,
    /// `[start, activationStart]` of the paint, or `[painted, start]` of a soft navigation. Returns FCP.
    Fcp = 11,
    /// The same of LCP.
    Lcp = 12,
    /// `[start, processingStart]`. Returns FID.
    Fid = 13,
    /// `[value, responseStart, activationStart, start of the paint]` and `[start, requestStart, responseEnd]` of each resource of its
    /// address. Returns `timeToFirstByte, resourceLoadDelay, resourceLoadDuration, elementRenderDelay` and the place of the resource.
    LcpParts = 14,
    /// `[0]` and the page's state, as [`PageState::from_numbers`] reads it: R4 and R9. Returns the
    /// [`crate::navigation::NavigationKind`], and `activationStart, responseStart` if the navigation's entry can be believed.
    Visit = 15,
    /// `[at]` and the page's state: R12. Returns the [`crate::attribution::LoadState`].
    LoadState = 16,
    /// `[0]` and the page's state. Returns TTFB, nothing when it cannot be known.
    Ttfb = 17,
    /// `[value]` and the page's state. Returns `timeToFirstByte, firstByteToFCP`.
    FcpParts = 18,
    /// `[value]` and the page's state. Returns `waiting, cache, dns, connection, request`.
    TtfbParts = 19,
}

/// The watches of a page, which are numbered from 0.
#[derive(Debug, Default)]
pub struct Arithmetic {
    watches: Vec<Watch>,
    interactions: InteractionCount,
}

/// What CLS or INP is worked out from. A watch is of one of them, and leaves the rest empty.
#[derive(Debug, Default)]
struct Watch {
    cls: Cls<u32>,
    inp: Inp<u32>,
    frames: Frames<u32>,
    long_frames: LongFrames<u32>,
    keeps_events: bool,
    next: u32,
}

impl Arithmetic {
    /// Nothing is watched yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { watches: Vec::new(), interactions: InteractionCount::new() }
    }

    /// Does it, and says the numbers that come of it. Nothing comes of numbers that cannot be read, or of a watch that is not there.
    pub fn compute(&mut self, operation: Operation, watch: u32, numbers: &[f64], mut say: impl FnMut(f64)) {
        let _ = self.answer(operation, watch, numbers, &mut say);
    }

    fn answer(&mut self, operation: Operation, watch: u32, numbers: &[f64], say: &mut impl FnMut(f64)) -> Option<()> {
        match operation {
            Operation::Open => {
                say(count(self.watches.len()));
                self.watches.push(Watch { keeps_events: is_true(*numbers.first()?), ..Watch::default() });
            }
            Operation::Count => {
                for &id in numbers {
                    self.interactions.observe(id);
                }
                say(self.interactions.value());
            }
            Operation::Report | Operation::Fcp | Operation::Lcp | Operation::Fid => of_values(operation, numbers, say)?,
            Operation::LcpParts => of_resources(numbers, say)?,
            Operation::Visit | Operation::LoadState | Operation::Ttfb | Operation::FcpParts | Operation::TtfbParts => {
                let (&value, state) = numbers.split_first()?;
                of_page(operation, value, &PageState::from_numbers(state), say)?;
            }
            _ => self.watches.get_mut(watch as usize)?.answer(operation, numbers, say)?,
        }
        Some(())
    }
}

impl Watch {
    fn answer(&mut self, operation: Operation, numbers: &[f64], say: &mut impl FnMut(f64)) -> Option<()> {
        match operation {
            Operation::Reset => {
                self.cls = Cls::default();
                self.inp = Inp::default();
            }
            Operation::Shifts => {
                for &[start, value, had_recent_input] in numbers.as_chunks().0 {
                    let entry = self.place();
                    self.cls.observe(LayoutShift { start, value, had_recent_input: is_true(had_recent_input), entry });
                }
                say(self.cls.value());
            }
            Operation::Window => {
                let window = self.cls.entries();
                say(largest_shift(window)?.entry.into());
                for shift in window {
                    say(shift.entry.into());
                }
            }
            Operation::Events => {
                for &[start, duration, processing_start, processing_end, interaction_id] in numbers.as_chunks().0 {
                    let entry = self.place();
                    // Browsers that know no interactions give not a number.
                    let interaction_id = if is_true(interaction_id) { interaction_id } else { 0.0 };
                    let event = EventTiming { start, duration, processing_start, processing_end, interaction_id, entry };
                    let frame = self.frames.add(&event, self.keeps_events.then_some(entry));
                    if self.inp.observe(event, frame) {
                        say(entry.into());
                    }
                }
            }
            Operation::LongFrames => self.add_long_frames(numbers),
            Operation::Interaction => {
                let interaction = self.inp.estimate(*numbers.first()?)?;
                say(interaction.latency);
                for event in &interaction.entries {
                    say(event.entry.into());
                }
            }
            Operation::Explain => self.explain(*numbers.first()?, say)?,
            Operation::Kept => self.keep(say),
            _ => {}
        }
        Some(())
    }

    fn place(&mut self) -> u32 {
        let place = self.next;
        self.next = place.wrapping_add(1);
        place
    }

    fn add_long_frames(&mut self, mut numbers: &[f64]) {
        while let &[start, duration, style_and_layout_start, scripts, ref rest @ ..] = numbers {
            numbers = rest;
            let mut frame = LongFrame { start, duration, style_and_layout_start, scripts: Vec::new(), entry: self.place() };
            let mut left = scripts;
            while let &[start, duration, forced_style_and_layout, ref rest @ ..] = numbers
                && left > 0.0
            {
                numbers = rest;
                left -= 1.0;
                frame.scripts.push(Script { start, duration, forced_style_and_layout });
            }
            self.long_frames.add(frame);
        }
    }

    fn explain(&self, place: f64, say: &mut impl FnMut(f64)) -> Option<()> {
        let is_it = |event: &EventTiming<u32>| f64::from(event.entry).total_cmp(&place).is_eq();
        let interaction = self.inp.interactions().iter().find(|interaction| interaction.entries.first().is_some_and(is_it))?;
        let first = interaction.entries.first()?;
        let frame = self.frames.frame(interaction.frame)?;
        let parts = inp_parts(first, frame);
        say(parts.interaction_time);
        say(parts.next_paint_time);
        say(parts.input_delay);
        say(parts.processing_duration);
        say(parts.presentation_delay);
        say(count(frame.entries.len()));
        for processed in &frame.entries {
            say(processed.entry.into());
        }
        say(count(self.long_frames.intersecting(first.start, parts.processing_end).count()));
        for frame in self.long_frames.intersecting(first.start, parts.processing_end) {
            say(frame.entry.into());
        }
        let summary = long_frame_summary(&parts, &self.long_frames)?;
        say(summary.script);
        say(summary.style_and_layout);
        say(summary.paint);
        say(summary.unattributed);
        let longest = summary.longest?;
        say(count(longest.frame));
        say(count(longest.script));
        say(f64::from(longest.subpart as u8));
        say(longest.duration);
        Some(())
    }

    /// The shifts that may still be of the largest window, the frames of interactions that may still become INP, and what belongs to
    /// them.
    fn keep(&mut self, say: &mut impl FnMut(f64)) {
        let interactions = self.inp.interactions();
        self.frames.clean(|number| interactions.iter().any(|interaction| interaction.frame == number));
        self.long_frames.clean(&self.frames);
        for shift in self.cls.kept() {
            say(shift.entry.into());
        }
        for interaction in interactions {
            for event in &interaction.entries {
                say(event.entry.into());
            }
        }
        for frame in self.frames.iter() {
            for processed in &frame.entries {
                say(processed.entry.into());
            }
        }
        for frame in self.long_frames.iter() {
            say(frame.entry.into());
        }
    }
}

fn of_values(operation: Operation, numbers: &[f64], say: &mut impl FnMut(f64)) -> Option<()> {
    let &[first, second, ref rest @ ..] = numbers else { return None };
    let value = match operation {
        Operation::Fcp => fcp::value(first, second),
        Operation::Lcp => lcp::value(first, second),
        Operation::Fid => fid::value(first, second),
        _ => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the loader's own small numbers")]
            let metric = *Metric::ALL.get(first as usize)?;
            let (delta, rating) = report(metric, second, known(*rest.first()?))?;
            say(delta);
            f64::from(rating as u8)
        }
    };
    say(value);
    Some(())
}

fn of_page(operation: Operation, value: f64, state: &PageState, say: &mut impl FnMut(f64)) -> Option<()> {
    let navigation = state.navigation.as_deref();
    match operation {
        Operation::Visit => {
            say(f64::from(navigation_kind(state) as u8));
            let navigation = navigation?;
            say(navigation.activation_start);
            say(navigation.response_start);
        }
        Operation::LoadState => say(f64::from(load_state(value, state.ready, navigation) as u8)),
        Operation::Ttfb => say(ttfb::value(navigation?)),
        Operation::FcpParts => {
            let parts = fcp_parts(value, navigation);
            say(parts.time_to_first_byte);
            say(parts.first_byte_to_fcp);
        }
        _ => {
            let parts = ttfb_parts(value, navigation?);
            say(parts.waiting);
            say(parts.cache);
            say(parts.dns);
            say(parts.connection);
            say(parts.request);
        }
    }
    Some(())
}

fn of_resources(numbers: &[f64], say: &mut impl FnMut(f64)) -> Option<()> {
    let &[value, response_start, activation_start, start, ref resources @ ..] = numbers else { return None };
    let resources = resources.as_chunks().0.iter();
    let resources = resources.map(|&[start, request_start, response_end]| ResourceTiming { start, request_start, response_end });
    let resource = resource_of(resources, start);
    let origin = known(response_start).map(|response_start| (response_start, activation_start));
    let parts = lcp_parts(value, origin, resource.as_ref().map(|(_, timing)| timing));
    say(parts.time_to_first_byte);
    say(parts.resource_load_delay);
    say(parts.resource_load_duration);
    say(parts.element_render_delay);
    say(resource.map_or(f64::NAN, |(place, _)| count(place)));
    Some(())
}

fn is_true(number: f64) -> bool {
    number > 0.0
}

fn known(number: f64) -> Option<f64> {
    (!number.is_nan()).then_some(number)
}

#[expect(clippy::cast_precision_loss, reason = "no list is that long")]
const fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_has_the_same_numbers() {
        let typescript = include_str!("../../npm/src/vitals/operation.ts");
        let theirs: Vec<_> = typescript
            .lines()
            .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
            .map(|(name, number)| (name, number.parse().unwrap()))
            .collect();
        assert_eq!(theirs, NAMES);
    }
}
