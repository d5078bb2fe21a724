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
    /// What the user acted on. Kept here because elements vanish; it is for the caller to fill in.
    pub target: Option<String>,
}

impl<E> Default for Inp<E> {
    fn default() -> Self {
        Self { longest: Vec::new() }
    }
}

impl<E> Inp<E> {
    /// Takes one event, which was presented in `frame`. Gives its interaction if that is one of the longest now, be it through
    /// this event or not.
    pub fn observe(&mut self, event: EventTiming<E>, frame: u32) -> Option<&mut Interaction<E>> {
        let (id, duration) = (event.interaction_id, event.duration);
        if id == 0.0 {
            return None;
        }
        #[expect(clippy::float_cmp, reason = "ids are compared as the browser gave them")]
        let is_it = |interaction: &Interaction<E>| interaction.id == id;
        let mut place = self.longest.iter().position(is_it);
        if let Some(known) = place.and_then(|place| self.longest.get_mut(place)) {
            known.take(event, frame);
        } else if self.longest.len() < KEPT || self.longest.last().is_some_and(|last| duration > last.latency) {
            place = Some(self.longest.len());
            self.longest.push(Interaction { id, latency: duration, entries: vec![event], frame, target: None });
        }
        settle_last(self.longest.get_mut(..=place?)?, |one, other| one.latency > other.latency);
        self.longest.truncate(KEPT);
        self.longest.iter_mut().find(|interaction| is_it(interaction))
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
