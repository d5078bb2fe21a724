use crate::entry::EventTiming;
use crate::order::settle_last;

/// How many of the longest interactions are kept. Enough for the 98th percentile of 500 interactions.
const KEPT: usize = 10;
/// One interaction in so many is ignored as an outlier.
const INTERACTIONS_PER_OUTLIER: f64 = 50.0;

/// Interaction to Next Paint: the 98th percentile of the durations of the page's interactions (W3C Event Timing,
/// web.dev/articles/inp).
#[derive(Clone, Debug)]
pub struct Inp<E> {
    /// Longest first.
    longest: Vec<Interaction<E>>,
}

/// One of the longest interactions: a key press, a tap, a click.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction<E> {
    /// `interactionId`, which its events have in common.
    pub id: f64,
    /// The duration of its longest event, milliseconds.
    pub latency: f64,
    /// Its longest event, and those of the same start and duration, in the order of their arrival.
    pub entries: Vec<EventTiming<E>>,
    /// The frame of the first of them, see [`crate::attribution::Frames`].
    pub frame: u32,
}

impl<E> Default for Inp<E> {
    fn default() -> Self {
        Self { longest: Vec::new() }
    }
}

impl<E> Inp<E> {
    /// Takes one event, which was presented in `frame`. Tells whether its interaction is one of the longest now, be it through this
    /// event or not.
    pub fn observe(&mut self, event: EventTiming<E>, frame: u32) -> bool {
        let (id, duration) = (event.interaction_id, event.duration);
        if id == 0.0 {
            return false;
        }
        #[expect(clippy::float_cmp, reason = "ids are compared as the browser gave them")]
        let is_it = |interaction: &Interaction<E>| interaction.id == id;
        let mut place = self.longest.iter().position(is_it);
        if let Some(known) = place.and_then(|place| self.longest.get_mut(place)) {
            known.take(event, frame);
        } else if self.longest.len() < KEPT || self.longest.last().is_some_and(|last| duration > last.latency) {
            place = Some(self.longest.len());
            self.longest.push(Interaction { id, latency: duration, entries: vec![event], frame });
        }
        if let Some(start) = place.and_then(|place| self.longest.get_mut(..=place)) {
            settle_last(start, |one, other| one.latency > other.latency);
        }
        self.longest.truncate(KEPT);
        place.is_some()
    }

    /// The interaction that stands for a page on which `count` are known to have happened. Absent without interactions.
    #[must_use]
    pub fn estimate(&self, count: f64) -> Option<&Interaction<E>> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, which is what is wanted")]
        let outliers = (count / INTERACTIONS_PER_OUTLIER) as usize;
        self.longest.get(outliers).or(self.longest.last())
    }

    /// The longest interactions, at most ten, the longest first; of equally long ones the one that was so first.
    #[must_use]
    pub fn interactions(&self) -> &[Interaction<E>] {
        &self.longest
    }
}

impl<E> Interaction<E> {
    #[expect(clippy::float_cmp, reason = "times are compared as the browser gave them")]
    fn take(&mut self, event: EventTiming<E>, frame: u32) {
        if event.duration > self.latency {
            self.latency = event.duration;
            self.frame = frame;
            self.entries.clear();
            self.entries.push(event);
        } else if event.duration == self.latency && self.entries.first().is_some_and(|first| first.start == event.start) {
            self.entries.push(event);
        }
    }
}

/// Counts interactions by their ids, for browsers without `performance.interactionCount`.
#[derive(Clone, Copy, Debug, Default)]
pub struct InteractionCount {
    ids: Option<(f64, f64)>,
}

impl InteractionCount {
    /// Browsers give ids in steps of seven.
    const STEP: f64 = 7.0;

    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { ids: None }
    }

    /// Takes the id of one event; 0 is none.
    pub fn observe(&mut self, interaction_id: f64) {
        if interaction_id != 0.0 {
            let (least, most) = self.ids.unwrap_or((interaction_id, interaction_id));
            self.ids = Some((least.min(interaction_id), most.max(interaction_id)));
        }
    }

    /// How many interactions there must have been.
    #[must_use]
    pub fn value(self) -> f64 {
        self.ids.map_or(0.0, |(least, most)| (most - least) / Self::STEP + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(id: u32, duration: f64, start: f64, entry: usize) -> EventTiming<usize> {
        EventTiming { start, duration, processing_start: start, processing_end: start, interaction_id: f64::from(id), entry }
    }

    /// Each event has a frame of its own, of the number of its entry.
    fn observed(events: &[EventTiming<usize>]) -> Inp<usize> {
        let mut inp = Inp::default();
        for &event in events {
            inp.observe(event, frame_of(event.entry));
        }
        inp
    }

    fn frame_of(entry: usize) -> u32 {
        u32::try_from(entry).unwrap()
    }

    fn places(interaction: &Interaction<usize>) -> Vec<usize> {
        interaction.entries.iter().map(|event| event.entry).collect()
    }

    #[test]
    fn without_interactions_there_is_no_value() {
        assert_eq!(Inp::<usize>::default().estimate(0.0), None);
        let mut inp = Inp::default();
        assert!(!inp.observe(event(0, 500.0, 1.0, 1), 0), "an event that belongs to no interaction");
        assert_eq!(inp.estimate(1.0), None);
    }

    #[test]
    fn one_interaction_in_fifty_is_an_outlier() {
        let inp = observed(&[event(7, 100.0, 1.0, 1), event(14, 300.0, 2.0, 2), event(21, 200.0, 3.0, 3)]);
        let value = |count| inp.estimate(count).map(|interaction| interaction.latency);
        assert_eq!(value(0.0), Some(300.0));
        assert_eq!(value(49.9), Some(300.0));
        assert_eq!(value(50.0), Some(200.0));
        assert_eq!(value(100.0), Some(100.0));
        assert_eq!(value(1e6), Some(100.0), "the shortest that is known");
    }

    #[test]
    fn an_interaction_is_as_long_as_its_longest_event_and_keeps_that_ones_entries_and_frame() {
        let events = [
            event(7, 100.0, 1.0, 1),
            event(7, 160.0, 2.0, 2),
            event(7, 160.0, 2.0, 3),
            event(7, 160.0, 2.5, 4),
            event(7, 80.0, 2.0, 5),
        ];
        let inp = observed(&events);
        let [interaction] = inp.interactions() else { panic!("{inp:?}") };
        assert_eq!((interaction.latency, places(interaction), interaction.frame), (160.0, vec![2, 3], 2));
    }

    #[test]
    fn it_tells_whether_an_event_is_of_one_of_the_longest() {
        let mut inp = observed(&(0..10).map(|place| event(7 * (20 + place), 100.0, 1.0, 1)).collect::<Vec<_>>());
        assert!(!inp.observe(event(7, 100.0, 5.0, 11), 11), "no longer than the shortest of ten");
        assert!(inp.observe(event(14, 108.0, 5.0, 12), 12));
        assert!(inp.observe(event(14, 40.0, 6.0, 13), 13), "a known one always");
        assert_eq!(places(&inp.interactions()[0]), [12]);
        assert_eq!(inp.interactions().len(), 10);
    }

    #[test]
    fn of_equally_long_interactions_the_first_stays_first_and_the_last_goes() {
        let mut inp = observed(&(1..=10).map(|id| event(id, 100.0, 1.0, 1)).collect::<Vec<_>>());
        inp.observe(event(11, 104.0, 1.0, 1), 1);
        let ids: Vec<_> = inp.interactions().iter().map(|interaction| interaction.id).collect();
        assert_eq!(ids, [11.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        inp.observe(event(5, 104.0, 1.0, 1), 1);
        let ids: Vec<_> = inp.interactions().iter().map(|interaction| interaction.id).collect();
        assert_eq!(ids, [11.0, 5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0]);
    }

    #[test]
    fn ids_in_steps_of_seven_count_the_interactions() {
        let mut count = InteractionCount::default();
        assert_eq!(count.value().to_bits(), 0.0_f64.to_bits());
        for id in [0.0, 4021.0, 4007.0, 0.0, 4035.0] {
            count.observe(id);
        }
        assert_eq!(count.value().to_bits(), 5.0_f64.to_bits());
    }

    /// The rules, read literally: look at each event, sort everything stably, cut to ten.
    #[expect(clippy::float_cmp, reason = "ids and times are compared as the browser gave them")]
    fn naive(events: &[EventTiming<usize>]) -> Vec<(f64, f64, Vec<usize>)> {
        let mut longest: Vec<(f64, f64, Vec<usize>)> = Vec::new();
        for event in events.iter().filter(|event| event.interaction_id != 0.0) {
            let known = longest.iter_mut().find(|(id, ..)| *id == event.interaction_id);
            match known {
                Some((_, latency, entries)) if event.duration > *latency => {
                    *latency = event.duration;
                    *entries = vec![event.entry];
                }
                Some((_, latency, entries)) => {
                    if event.duration == *latency && event.start == events[entries[0]].start {
                        entries.push(event.entry);
                    }
                }
                None => longest.push((event.interaction_id, event.duration, vec![event.entry])),
            }
            longest.sort_by(|one, other| other.1.total_cmp(&one.1));
            longest.truncate(10);
        }
        longest
    }

    proptest! {
        /// Few durations, starts and ids, so that there are many ties.
        #[test]
        fn it_is_the_list_and_the_estimate_of_the_rules(
            events in proptest::collection::vec((0_u32..25, 1_u32..12, 0_u32..3), 0..120),
            count in 0_u32..900,
        ) {
            let events: Vec<_> = events
                .iter()
                .enumerate()
                .map(|(place, &(id, eights, start))| event(id, f64::from(eights * 8), f64::from(start), place))
                .collect();
            let inp = observed(&events);
            let ours: Vec<_> = inp.interactions().iter().map(|it| (it.id, it.latency, places(it))).collect();
            let expected = naive(&events);
            prop_assert_eq!(&ours, &expected);
            for interaction in inp.interactions() {
                prop_assert_eq!(interaction.frame, frame_of(interaction.entries[0].entry));
            }
            let at = expected.len().saturating_sub(1).min((count / 50) as usize);
            let value = inp.estimate(f64::from(count)).map(|interaction| interaction.latency);
            prop_assert_eq!(value, expected.get(at).map(|(_, latency, _)| *latency));
        }

        /// The definition: of as many interactions as there were, the longest after leaving out one in fifty.
        #[test]
        fn it_is_the_98th_percentile_of_the_page(durations in proptest::collection::vec(5_u32..112, 1..500)) {
            let events: Vec<_> =
                durations.iter().zip(1..).map(|(&eights, id)| event(7 * id, f64::from(eights * 8), f64::from(id), 0)).collect();
            let mut longest = durations.clone();
            longest.sort_unstable_by(|a, b| b.cmp(a));
            let expected = f64::from(longest[durations.len() / 50] * 8);
            let count = f64::from(u32::try_from(durations.len()).unwrap());
            prop_assert_eq!(observed(&events).estimate(count).map(|interaction| interaction.latency), Some(expected));
        }
    }
}
