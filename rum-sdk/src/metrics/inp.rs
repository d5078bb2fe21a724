use super::Measured;
use crate::entry::EventTiming;
use crate::order::settle_last;

/// How many of the longest interactions are kept. Enough for the 98th percentile of 500 interactions.
const KEPT: usize = 10;
/// One interaction in so many is ignored as an outlier.
const INTERACTIONS_PER_OUTLIER: f64 = 50.0;
/// Shorter events are not looked at, except for the first input.
const SHORTEST_MS: f64 = 40.0;

/// Interaction to Next Paint: the 98th percentile of the durations of the page's interactions (W3C Event Timing,
/// web.dev/articles/inp).
#[derive(Clone, Debug)]
pub struct Inp<E> {
    /// Longest first.
    longest: Vec<Interaction<E>>,
}

#[derive(Clone, Debug)]
struct Interaction<E> {
    id: f64,
    latency: f64,
    start: f64,
    entries: Vec<E>,
}

impl<E> Default for Inp<E> {
    fn default() -> Self {
        Self { longest: Vec::new() }
    }
}

impl<E: Clone> Inp<E> {
    /// Takes one event.
    pub fn observe(&mut self, event: &EventTiming<E>) {
        if event.interaction_id == 0.0 || (event.duration < SHORTEST_MS && !event.is_first_input) {
            return;
        }
        #[expect(clippy::float_cmp, reason = "ids and times are compared as the browser gave them")]
        let known = self.longest.iter().position(|interaction| interaction.id == event.interaction_id);
        let place = match known {
            Some(place) => {
                if let Some(interaction) = self.longest.get_mut(place) {
                    interaction.add(event);
                }
                place
            }
            None if self.longest.len() < KEPT || self.longest.last().is_some_and(|last| event.duration > last.latency) => {
                self.longest.push(Interaction {
                    id: event.interaction_id,
                    latency: event.duration,
                    start: event.start,
                    entries: vec![event.entry.clone()],
                });
                self.longest.len() - 1
            }
            None => return,
        };
        if let Some(up_to_it) = self.longest.get_mut(..=place) {
            settle_last(up_to_it, |one, other| one.latency > other.latency);
        }
        self.longest.truncate(KEPT);
    }

    /// The interaction that stands for the page, of which `count` are known to have happened. Absent without interactions.
    #[must_use]
    pub fn value(&self, count: f64) -> Option<Measured<E>> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, which is what is wanted")]
        let outliers = (count / INTERACTIONS_PER_OUTLIER) as usize;
        let interaction = self.longest.get(outliers).or(self.longest.last())?;
        Some(Measured { value: interaction.latency, entries: interaction.entries.clone() })
    }
}

impl<E: Clone> Interaction<E> {
    #[expect(clippy::float_cmp, reason = "times are compared as the browser gave them")]
    fn add(&mut self, event: &EventTiming<E>) {
        if event.duration > self.latency {
            self.latency = event.duration;
            self.start = event.start;
            self.entries = vec![event.entry.clone()];
        } else if event.duration == self.latency && event.start == self.start {
            self.entries.push(event.entry.clone());
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
    use std::collections::BTreeMap;

    fn event(id: u32, duration: f64, start: f64, entry: u32) -> EventTiming<u32> {
        EventTiming {
            start,
            duration,
            processing_start: start,
            processing_end: start,
            interaction_id: f64::from(id),
            is_first_input: false,
            entry,
        }
    }

    fn observed(events: &[EventTiming<u32>]) -> Inp<u32> {
        let mut inp = Inp::default();
        for event in events {
            inp.observe(event);
        }
        inp
    }

    #[test]
    fn without_interactions_there_is_no_value() {
        assert_eq!(Inp::<u32>::default().value(0.0), None);
        assert_eq!(observed(&[event(0, 500.0, 1.0, 1)]).value(0.0), None, "an event that belongs to no interaction");
    }

    #[test]
    fn one_interaction_in_fifty_is_an_outlier() {
        let inp = observed(&[event(7, 100.0, 1.0, 1), event(14, 300.0, 2.0, 2), event(21, 200.0, 3.0, 3)]);
        let value = |count| inp.value(count).map(|measured| measured.value);
        assert_eq!(value(49.0), Some(300.0));
        assert_eq!(value(50.0), Some(200.0));
        assert_eq!(value(100.0), Some(100.0));
        assert_eq!(value(1e6), Some(100.0), "the shortest that is known");
    }

    #[test]
    fn an_interaction_is_as_long_as_its_longest_event_and_keeps_that_ones_entries() {
        let events = [
            event(7, 100.0, 1.0, 1),
            event(7, 160.0, 2.0, 2),
            event(7, 160.0, 2.0, 3),
            event(7, 160.0, 2.5, 4),
            event(7, 80.0, 2.0, 5),
        ];
        assert_eq!(observed(&events).value(1.0), Some(Measured { value: 160.0, entries: vec![2, 3] }));
    }

    #[test]
    fn only_the_first_input_may_be_short() {
        assert_eq!(observed(&[event(7, 16.0, 1.0, 1)]).value(1.0), None);
        let first = EventTiming { is_first_input: true, ..event(7, 16.0, 1.0, 1) };
        assert_eq!(observed(&[first]).value(1.0), Some(Measured { value: 16.0, entries: vec![1] }));
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

    /// The definition, read literally: one latency for each interaction, longest first, leave out one in fifty, of the ten known.
    fn naive(events: &[EventTiming<u32>], count: usize) -> Option<f64> {
        let mut latencies: BTreeMap<u64, f64> = BTreeMap::new();
        for event in events.iter().filter(|event| event.interaction_id != 0.0 && event.duration >= 40.0) {
            let latency = latencies.entry(event.interaction_id.to_bits()).or_default();
            *latency = latency.max(event.duration);
        }
        let mut longest: Vec<_> = latencies.into_values().collect();
        longest.sort_by(|a, b| b.total_cmp(a));
        longest.truncate(10);
        longest.get(count / 50).or(longest.last()).copied()
    }

    proptest! {
        // Each interaction's events arrive together, as browsers deliver them.
        #[test]
        fn it_is_the_estimate_of_the_definition(
            interactions in proptest::collection::vec(proptest::collection::vec(20_u32..900, 1..4), 0..80),
        ) {
            let mut events = Vec::new();
            for (index, durations) in interactions.iter().enumerate() {
                for duration in durations {
                    let index = u32::try_from(index).unwrap();
                    events.push(event(7 * (index + 1), f64::from(*duration), f64::from(index), index));
                }
            }
            let value = observed(&events).value(f64::from(u32::try_from(interactions.len()).unwrap())).map(|measured| measured.value);
            prop_assert_eq!(value, naive(&events, interactions.len()));
        }
    }
}
