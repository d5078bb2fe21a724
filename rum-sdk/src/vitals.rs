//! All vitals of one page load: which entries count, and when a value is reported.

use rum_protocol::{Id, Metric};

use crate::entry::{EventTiming, LargestPaint, LayoutShift};
use crate::metrics::{Cls, Fcp, Fid, Inp, InteractionCount, Lcp, Report, Reporter, Ttfb};
use crate::navigation::NavigationTiming;
use crate::order::sort;
use crate::visibility::FirstHidden;

/// Shorter events are not looked at, except for the first input.
const SHORTEST_EVENT_MS: f64 = 40.0;

/// The vitals of one page load. `E` is a handle to the browser's entries, see [`crate::entry`].
#[derive(Clone, Debug)]
pub struct Vitals<E> {
    activation_start: f64,
    first_hidden: FirstHidden,
    fcp: Tracked<Fcp>,
    lcp: Tracked<Lcp<E>>,
    fid: Tracked<Fid>,
    cls: Tracked<Cls<E>>,
    inp: Tracked<Inp<E>>,
    ttfb: Tracked<Ttfb>,
    own_count: InteractionCount,
}

/// A metric and what was reported of it.
#[derive(Clone, Debug)]
struct Tracked<M> {
    metric: M,
    reporter: Reporter,
}

impl<E: Clone> Vitals<E> {
    /// The vitals of a load that was activated at `activation_start` (0 for an ordinary one). The metrics' ids follow each other
    /// from a random one on.
    pub fn new(activation_start: f64, first_hidden: FirstHidden, random: u64) -> Self {
        let reporter = |metric| Reporter::new(metric, Id(random.wrapping_add(metric as u64)));
        Self {
            activation_start,
            first_hidden,
            fcp: Tracked { metric: Fcp::default(), reporter: reporter(Metric::Fcp) },
            lcp: Tracked { metric: Lcp::default(), reporter: reporter(Metric::Lcp) },
            fid: Tracked { metric: Fid::default(), reporter: reporter(Metric::Fid) },
            cls: Tracked { metric: Cls::default(), reporter: reporter(Metric::Cls) },
            inp: Tracked { metric: Inp::default(), reporter: reporter(Metric::Inp) },
            ttfb: Tracked { metric: Ttfb, reporter: reporter(Metric::Ttfb) },
            own_count: InteractionCount::default(),
        }
    }

    /// The page has loaded; `navigation` is its credible entry.
    pub fn loaded(&mut self, navigation: &NavigationTiming) -> Option<Report> {
        self.ttfb.reporter.report(Ttfb::value(navigation))
    }

    /// The `first-contentful-paint` entry's start.
    pub fn first_contentful_paint(&mut self, start: f64) -> Option<Report> {
        let value = self.fcp.metric.observe(start, self.activation_start, self.first_hidden)?;
        self.fcp.reporter.report(value)
    }

    /// The last of a batch of `largest-contentful-paint` entries.
    pub fn largest_contentful_paint(&mut self, last: LargestPaint<E>) {
        self.lcp.metric.observe(last, self.activation_start, self.first_hidden);
    }

    /// A batch of `layout-shift` entries.
    pub fn layout_shift(&mut self, batch: &[LayoutShift<E>]) {
        self.cls.metric.observe(batch.to_vec());
    }

    /// The `first-input` entry, for FID.
    pub fn first_input(&mut self, input: &EventTiming<E>) -> Option<Report> {
        let measured = self.fid.metric.observe(input, self.first_hidden)?;
        self.fid.reporter.report(measured.value)
    }

    /// A batch of `event` and `first-input` entries, for INP. The types arrive out of order (R3).
    pub fn interactions(&mut self, batch: &mut [EventTiming<E>]) {
        sort(batch, |one, other| one.start + one.duration < other.start + other.duration);
        for event in &*batch {
            self.own_count.observe(event.interaction_id);
            if event.duration >= SHORTEST_EVENT_MS || event.is_first_input {
                self.inp.metric.observe(event.clone(), 0);
            }
        }
    }

    /// The user acted: what is painted later is no part of the load.
    pub fn acted(&mut self) -> Option<Report> {
        let value = self.lcp.metric.finalize()?.value;
        self.lcp.reporter.report(value)
    }

    /// The page was hidden at that moment. Call it before [`Self::hidden`], and before the entries that are still waiting.
    pub const fn hidden_at(&mut self, at: f64) {
        self.first_hidden.hidden_at(at);
    }

    /// The page is hidden, and every entry was taken: reports what is not reported. `interaction_count` is
    /// `performance.interactionCount`, absent where the browser does not count.
    pub fn hidden(&mut self, interaction_count: Option<f64>) -> [Option<Report>; 3] {
        let lcp = self.acted();
        self.fid.metric.finalize();
        // CLS begins with FCP, as in the Chrome UX Report.
        let cls = if self.fcp.reporter.has_reported() { self.cls.reporter.report(self.cls.metric.value()) } else { None };
        let count = interaction_count.unwrap_or(self.own_count.value());
        let inp = self.inp.metric.estimate(count).and_then(|interaction| self.inp.reporter.report(interaction.latency));
        [lcp, cls, inp]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: f64 = f64::INFINITY;

    fn vitals(first_hidden: f64) -> Vitals<()> {
        Vitals::new(0.0, FirstHidden::at_start(Some(first_hidden), 0.0), 7)
    }

    fn reports(vitals: &mut Vitals<()>) -> Vec<(Metric, f64, Option<f64>)> {
        vitals.hidden(Some(0.0)).into_iter().flatten().map(|report| (report.metric, report.value, report.previous)).collect()
    }

    fn shift(start: f64, value: f64) -> LayoutShift<()> {
        LayoutShift { start, value, had_recent_input: false, entry: () }
    }

    fn event(id: f64, start: f64, duration: f64) -> EventTiming<()> {
        EventTiming {
            start,
            duration,
            processing_start: start,
            processing_end: start,
            interaction_id: id,
            is_first_input: false,
            entry: (),
        }
    }

    #[test]
    fn r6_every_metric_shares_the_first_hidden_time() {
        let mut vitals = vitals(NEVER);
        vitals.hidden_at(300.0);
        assert_eq!(vitals.first_contentful_paint(400.0), None);
        vitals.largest_contentful_paint(LargestPaint { start: 400.0, entry: () });
        assert_eq!(vitals.first_input(&EventTiming { is_first_input: true, ..event(7.0, 400.0, 8.0) }), None);
        assert_eq!(reports(&mut vitals), []);
    }

    #[test]
    fn cls_begins_with_fcp_but_counts_the_shifts_before_it() {
        let mut vitals = vitals(NEVER);
        vitals.layout_shift(&[shift(100.0, 0.25)]);
        assert_eq!(reports(&mut vitals), []);
        assert!(vitals.first_contentful_paint(90.0).is_some());
        assert_eq!(reports(&mut vitals), [(Metric::Cls, 0.25, None)]);
    }

    #[test]
    fn a_page_without_shifts_reports_a_zero_once() {
        let mut vitals = vitals(NEVER);
        vitals.first_contentful_paint(90.0);
        assert_eq!(reports(&mut vitals), [(Metric::Cls, 0.0, None)]);
        assert_eq!(reports(&mut vitals), []);
    }

    #[test]
    fn what_grew_until_the_page_is_hidden_again_is_a_correction() {
        let mut vitals = vitals(NEVER);
        vitals.first_contentful_paint(90.0);
        vitals.interactions(&mut [event(7.0, 500.0, 80.0)]);
        assert_eq!(reports(&mut vitals), [(Metric::Cls, 0.0, None), (Metric::Inp, 80.0, None)]);
        vitals.layout_shift(&[shift(9000.0, 0.5)]);
        vitals.interactions(&mut [event(14.0, 9000.0, 240.0)]);
        assert_eq!(reports(&mut vitals), [(Metric::Cls, 0.5, Some(0.0)), (Metric::Inp, 240.0, Some(80.0))]);
    }

    #[test]
    fn lcp_is_reported_once_when_the_user_acts_or_leaves() {
        let mut vitals = vitals(NEVER);
        vitals.largest_contentful_paint(LargestPaint { start: 700.0, entry: () });
        assert_eq!(vitals.acted().map(|report| report.value), Some(700.0));
        assert_eq!(vitals.acted(), None);
        vitals.largest_contentful_paint(LargestPaint { start: 900.0, entry: () });
        assert_eq!(reports(&mut vitals), []);
    }

    #[test]
    fn r3_events_that_arrive_out_of_order_are_sorted_by_their_end() {
        let mut vitals: Vitals<u32> = Vitals::new(0.0, FirstHidden::at_start(None, NEVER), 7);
        let event = |start, duration, entry| EventTiming {
            start,
            duration,
            processing_start: start,
            processing_end: start,
            interaction_id: 7.0,
            is_first_input: false,
            entry,
        };
        // The same interaction: by their ends, 104 ms comes first and its twin at the same start joins it.
        vitals.interactions(&mut [event(110.0, 104.0, 2), event(100.0, 104.0, 1), event(100.0, 104.0, 3)]);
        let entries = vitals.inp.metric.estimate(1.0).map(|it| it.entries.iter().map(|event| event.entry).collect());
        assert_eq!(entries, Some(vec![1, 3]));
    }

    #[test]
    fn where_the_browser_does_not_count_interactions_the_ids_do() {
        let mut vitals = vitals(NEVER);
        // Two slow ones, and the id of the last short one says that there were a hundred.
        vitals.interactions(&mut [event(7.0, 100.0, 400.0), event(14.0, 900.0, 300.0), event(7.0 * 100.0, 2000.0, 16.0)]);
        let inp: Vec<_> = vitals.hidden(None).into_iter().flatten().map(|report| report.value).collect();
        assert_eq!(inp, [300.0]);
    }

    #[test]
    fn ttfb_is_reported_once() {
        let mut vitals = vitals(NEVER);
        let navigation = NavigationTiming { response_start: 120.0, ..NavigationTiming::default() };
        assert_eq!(vitals.loaded(&navigation).map(|report| (report.metric, report.value)), Some((Metric::Ttfb, 120.0)));
        assert_eq!(vitals.loaded(&navigation), None);
    }
}
