//! The arithmetic of the vitals as the loader calls it: an operation and numbers in, numbers out. The loader holds the browser's live
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
    /// `[]` opens a watch of CLS and returns its number.
    OpenCls = 0,
    /// `[keeps processed events]` opens a watch of INP and returns its number.
    OpenInp = 1,
    /// A new visit begins in a watch: nothing was measured yet.
    Reset = 2,
    /// `[start, value, hadRecentInput]` of each shift. Returns CLS.
    Shifts = 3,
    /// `[start, duration, processingStart, processingEnd, interactionId, is first input]` of each event, in the order of their end. Returns the
    /// places of those that stand for their interactions.
    Events = 4,
    /// `[start, duration, styleAndLayoutStart, n]` of each long animation frame, and of its n scripts
    /// `[start, duration, forcedStyleAndLayoutDuration]`.
    LongFrames = 5,
    /// `[]` of CLS: the place of the largest shift of the window, and of all its shifts.
    /// `[interactions]` of INP: its value, and the places of its entries. Nothing when there is none.
    Standing = 6,
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
    /// The page's state, as [`PageState::from_numbers`] reads it: R4 and R9. Returns the [`crate::navigation::NavigationKind`], and
    /// `activationStart, responseStart` if the navigation's entry can be believed.
    Visit = 11,
    /// `[at]` and the page's state: R12. Returns the [`crate::attribution::LoadState`].
    LoadState = 12,
    /// `[start, activationStart]` of the paint, or `[painted, start]` of a soft navigation. Returns FCP.
    Fcp = 13,
    /// The same of LCP.
    Lcp = 14,
    /// `[start, processingStart]`. Returns FID.
    Fid = 15,
    /// The page's state. Returns TTFB, nothing when it cannot be known.
    Ttfb = 16,
    /// `[value]` and the page's state. Returns `timeToFirstByte, firstByteToFCP`.
    FcpParts = 17,
    /// `[value, responseStart, activationStart, start of the paint]` and `[start, requestStart, responseEnd]` of each resource of its
    /// address. Returns `timeToFirstByte, resourceLoadDelay, resourceLoadDuration, elementRenderDelay` and the place of the resource.
    LcpParts = 18,
    /// `[value]` and the page's state. Returns `waiting, cache, dns, connection, request`.
    TtfbParts = 19,
}

/// The watches of a page, which are numbered from 0.
#[derive(Debug, Default)]
pub struct Arithmetic {
    watches: Vec<Watch>,
    interactions: InteractionCount,
}

#[derive(Debug)]
enum Watch {
    Cls { shifts: Cls<u32>, next: u32 },
    Inp(Box<InpWatch>),
}

#[derive(Debug, Default)]
struct InpWatch {
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

    /// Does it. Nothing comes of numbers that cannot be read, or of a watch that is not there.
    pub fn compute(&mut self, operation: Operation, watch: u32, numbers: &[f64]) -> Vec<f64> {
        match operation {
            Operation::OpenCls => self.open(Watch::Cls { shifts: Cls::default(), next: 0 }),
            Operation::OpenInp => {
                let keeps_events = numbers.first().is_some_and(|&keeps| keeps > 0.0);
                self.open(Watch::Inp(Box::new(InpWatch { keeps_events, ..InpWatch::default() })))
            }
            Operation::Count => {
                for &id in numbers {
                    self.interactions.observe(id);
                }
                vec![self.interactions.value()]
            }
            _ => match self.watches.get_mut(watch as usize) {
                Some(Watch::Cls { shifts, next }) if operation.is_of_watch() => cls(operation, numbers, shifts, next),
                Some(Watch::Inp(watch)) if operation.is_of_watch() => watch.compute(operation, numbers),
                _ => plain(operation, numbers).unwrap_or_default(),
            },
        }
    }

    fn open(&mut self, watch: Watch) -> Vec<f64> {
        self.watches.push(watch);
        vec![count(self.watches.len() - 1)]
    }
}

impl Operation {
    const fn is_of_watch(self) -> bool {
        matches!(self, Self::Reset | Self::Shifts | Self::Events | Self::LongFrames | Self::Standing | Self::Explain | Self::Kept)
    }
}

fn cls(operation: Operation, mut numbers: &[f64], cls: &mut Cls<u32>, next: &mut u32) -> Vec<f64> {
    match operation {
        Operation::Reset => *cls = Cls::default(),
        Operation::Shifts => {
            let mut batch = Vec::new();
            while let &[start, value, had_recent_input, ref rest @ ..] = numbers {
                numbers = rest;
                batch.push(LayoutShift { start, value, had_recent_input: had_recent_input > 0.0, entry: *next });
                *next = next.wrapping_add(1);
            }
            cls.observe(batch);
            return vec![cls.value()];
        }
        Operation::Standing => {
            let mut standing = Vec::new();
            if let Some(largest) = largest_shift(cls.entries()) {
                standing.push(f64::from(largest.entry));
            }
            for shift in cls.entries() {
                standing.push(f64::from(shift.entry));
            }
            return standing;
        }
        Operation::Kept => {
            let mut kept = Vec::new();
            for shift in cls.kept() {
                kept.push(f64::from(shift.entry));
            }
            return kept;
        }
        _ => {}
    }
    Vec::new()
}

impl InpWatch {
    fn compute(&mut self, operation: Operation, numbers: &[f64]) -> Vec<f64> {
        match operation {
            Operation::Reset => {
                self.inp = Inp::default();
                Vec::new()
            }
            Operation::Events => self.events(numbers),
            Operation::LongFrames => {
                self.add_long_frames(numbers);
                Vec::new()
            }
            Operation::Standing => self.standing(numbers).unwrap_or_default(),
            Operation::Explain => self.explain(numbers).unwrap_or_default(),
            Operation::Kept => self.keep(),
            _ => Vec::new(),
        }
    }

    fn place(&mut self) -> u32 {
        let place = self.next;
        self.next = place.wrapping_add(1);
        place
    }

    fn events(&mut self, mut numbers: &[f64]) -> Vec<f64> {
        let mut standing = Vec::new();
        while let &[start, duration, processing_start, processing_end, interaction_id, first, ref rest @ ..] = numbers {
            numbers = rest;
            let entry = self.place();
            // Browsers that know no interactions give not a number.
            let interaction_id = if interaction_id > 0.0 { interaction_id } else { 0.0 };
            let is_first_input = first > 0.0;
            let event = EventTiming { start, duration, processing_start, processing_end, interaction_id, is_first_input, entry };
            let frame = self.frames.add(&event, self.keeps_events.then_some(entry));
            if self.inp.observe(event, frame).is_some() {
                standing.push(f64::from(entry));
            }
        }
        standing
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

    fn standing(&self, numbers: &[f64]) -> Option<Vec<f64>> {
        let interaction = self.inp.estimate(*numbers.first()?)?;
        let mut standing = vec![interaction.latency];
        for event in &interaction.entries {
            standing.push(f64::from(event.entry));
        }
        Some(standing)
    }

    fn explain(&self, numbers: &[f64]) -> Option<Vec<f64>> {
        let &place = numbers.first()?;
        let is_it = |event: &EventTiming<u32>| f64::from(event.entry).total_cmp(&place).is_eq();
        let interaction = self.inp.interactions().iter().find(|interaction| interaction.entries.first().is_some_and(is_it))?;
        let first = interaction.entries.first()?;
        let frame = self.frames.frame(interaction.frame)?;
        let parts = inp_parts(first, frame);
        let mut said = vec![
            parts.interaction_time,
            parts.next_paint_time,
            parts.input_delay,
            parts.processing_duration,
            parts.presentation_delay,
            count(frame.entries.len()),
        ];
        for processed in &frame.entries {
            said.push(f64::from(processed.entry));
        }
        said.push(count(self.long_frames.intersecting(first.start, parts.processing_end).count()));
        for frame in self.long_frames.intersecting(first.start, parts.processing_end) {
            said.push(f64::from(frame.entry));
        }
        if let Some(summary) = long_frame_summary(&parts, &self.long_frames) {
            said.extend_from_slice(&[summary.script, summary.style_and_layout, summary.paint, summary.unattributed]);
            if let Some(longest) = summary.longest {
                let subpart = f64::from(longest.subpart as u8);
                said.extend_from_slice(&[count(longest.frame), count(longest.script), subpart, longest.duration]);
            }
        }
        Some(said)
    }

    /// The frames of interactions that may still become INP, and what belongs to them.
    fn keep(&mut self) -> Vec<f64> {
        let interactions = self.inp.interactions();
        self.frames.clean(|number| interactions.iter().any(|interaction| interaction.frame == number));
        self.long_frames.clean(&self.frames);
        let mut kept = Vec::new();
        for interaction in interactions {
            for event in &interaction.entries {
                kept.push(f64::from(event.entry));
            }
        }
        for frame in self.frames.iter() {
            for processed in &frame.entries {
                kept.push(f64::from(processed.entry));
            }
        }
        for frame in self.long_frames.iter() {
            kept.push(f64::from(frame.entry));
        }
        kept
    }
}

fn plain(operation: Operation, numbers: &[f64]) -> Option<Vec<f64>> {
    let (&first, rest) = numbers.split_first()?;
    let second = rest.first().copied();
    Some(match operation {
        Operation::Report => {
            let &[value, reported] = rest else { return None };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the loader's own small numbers")]
            let metric = *Metric::ALL.get(first as usize)?;
            let (delta, rating) = report(metric, value, known(reported))?;
            vec![delta, f64::from(rating as u8)]
        }
        Operation::Visit => {
            let state = PageState::from_numbers(numbers);
            let mut said = vec![f64::from(navigation_kind(&state) as u8)];
            if let Some(navigation) = state.navigation {
                said.extend_from_slice(&[navigation.activation_start, navigation.response_start]);
            }
            said
        }
        Operation::LoadState => {
            let state = PageState::from_numbers(rest);
            vec![f64::from(load_state(first, state.ready, state.navigation.as_deref()) as u8)]
        }
        Operation::Fcp => vec![fcp::value(first, second?)],
        Operation::Lcp => vec![lcp::value(first, second?)],
        Operation::Fid => vec![fid::value(first, second?)],
        Operation::Ttfb => vec![ttfb::value(PageState::from_numbers(numbers).navigation.as_deref()?)],
        Operation::FcpParts => {
            let parts = fcp_parts(first, PageState::from_numbers(rest).navigation.as_deref());
            vec![parts.time_to_first_byte, parts.first_byte_to_fcp]
        }
        Operation::LcpParts => lcp_parts_of(numbers)?,
        Operation::TtfbParts => {
            let parts = ttfb_parts(first, PageState::from_numbers(rest).navigation.as_deref()?);
            vec![parts.waiting, parts.cache, parts.dns, parts.connection, parts.request]
        }
        _ => return None,
    })
}

fn lcp_parts_of(numbers: &[f64]) -> Option<Vec<f64>> {
    let &[value, response_start, activation_start, start, ref rest @ ..] = numbers else { return None };
    let mut resources = Vec::new();
    let mut rest = rest;
    while let &[start, request_start, response_end, ref later @ ..] = rest {
        rest = later;
        resources.push(ResourceTiming { start, request_start, response_end });
    }
    let resource = resource_of(&resources, start);
    let timing = resource.and_then(|place| resources.get(place));
    let parts = lcp_parts(value, known(response_start).map(|response_start| (response_start, activation_start)), timing);
    let place = resource.map_or(f64::NAN, count);
    Some(vec![parts.time_to_first_byte, parts.resource_load_delay, parts.resource_load_duration, parts.element_render_delay, place])
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
