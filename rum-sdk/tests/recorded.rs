//! Entries recorded in a real browser, with what `web-vitals` made of them there (`tests/browser/record-vitals.mjs`): ours must be the
//! same to the last bit.

use rum_sdk::attribution::{
    Frames, InpParts, LongFrames, ReadyState, TtfbParts, fcp_parts, inp_parts, largest_shift, lcp_parts, load_state,
    long_frame_summary, resource_of, ttfb_parts,
};
use rum_sdk::entry::{EventTiming, LayoutShift, LongFrame, ResourceTiming, Script};
use rum_sdk::metrics::{Cls, Inp, InteractionCount, fcp, fid, lcp, ttfb};
use rum_sdk::navigation::NavigationTiming;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Recording {
    visits: Vec<Visit>,
}

/// Entries come in the batches in which the browser gave them. The handle of an entry is its place in the record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Visit {
    name: String,
    paints: Vec<Vec<Recorded>>,
    largest_paints: Vec<Vec<Recorded>>,
    shifts: Vec<Vec<Recorded>>,
    events: Vec<Vec<Recorded>>,
    long_frames: Vec<Vec<Recorded>>,
    soft_navigations: Vec<Vec<Recorded>>,
    interaction_paints: Vec<Vec<Recorded>>,
    resources: Vec<Value>,
    interaction_count: f64,
    reports: Vec<Report>,
}

#[derive(Deserialize)]
struct Recorded {
    place: usize,
    #[serde(flatten)]
    entry: Value,
}

/// The last report of one metric instance of the reference.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    metric: String,
    navigation_type: String,
    navigation_start_time: f64,
    value: f64,
    /// Absent places are those of the navigation entry.
    entries: Vec<Option<usize>>,
    is_loading: bool,
    navigation: Value,
    attribution: Value,
}

impl Recording {
    fn read() -> Self {
        serde_json::from_str(include_str!("../../tests/fixtures/vitals/chromium.json")).expect("a recording")
    }

    /// Calls `check` with every report of `metric`, of which there must be `count`.
    fn each(&self, metric: &str, count: usize, check: impl Fn(&Visit, &Report)) {
        let mut checked = 0;
        for visit in &self.visits {
            for report in visit.reports.iter().filter(|report| report.metric == metric) {
                check(visit, report);
                checked += 1;
            }
        }
        assert_eq!(checked, count);
    }
}

impl Visit {
    fn events(&self) -> Vec<EventTiming<usize>> {
        self.events.iter().flatten().map(Recorded::event).collect()
    }

    fn long_frames(&self) -> LongFrames<usize> {
        let mut long_frames = LongFrames::default();
        for recorded in self.long_frames.iter().flatten() {
            long_frames.add(recorded.long_frame());
        }
        long_frames
    }

    fn find<'a>(&self, batches: &'a [Vec<Recorded>], place: Option<usize>) -> &'a Recorded {
        let found = batches.iter().flatten().find(|recorded| Some(recorded.place) == place);
        found.unwrap_or_else(|| panic!("{}: no entry {place:?}", self.name))
    }
}

impl Recorded {
    fn number(&self, name: &str) -> f64 {
        number(&self.entry, name)
    }

    fn shift(&self) -> LayoutShift<usize> {
        LayoutShift {
            start: self.number("startTime"),
            value: self.number("value"),
            had_recent_input: self.entry["hadRecentInput"] == true,
            entry: self.place,
        }
    }

    fn event(&self) -> EventTiming<usize> {
        EventTiming {
            start: self.number("startTime"),
            duration: self.number("duration"),
            processing_start: self.number("processingStart"),
            processing_end: self.number("processingEnd"),
            interaction_id: self.number("interactionId"),
            entry: self.place,
        }
    }

    fn long_frame(&self) -> LongFrame<usize> {
        let script = |script: &Value| Script {
            start: number(script, "startTime"),
            duration: number(script, "duration"),
            forced_style_and_layout: number(script, "forcedStyleAndLayoutDuration"),
        };
        LongFrame {
            start: self.number("startTime"),
            duration: self.number("duration"),
            style_and_layout_start: self.number("styleAndLayoutStart"),
            scripts: self.entry["scripts"].as_array().expect("scripts").iter().map(script).collect(),
            entry: self.place,
        }
    }
}

impl Report {
    fn is_soft(&self) -> bool {
        self.navigation_type == "soft-navigation"
    }

    fn navigation(&self) -> NavigationTiming {
        let at = |name| number(&self.navigation, name);
        NavigationTiming {
            activation_start: at("activationStart"),
            worker_start: at("workerStart"),
            fetch_start: at("fetchStart"),
            domain_lookup_start: at("domainLookupStart"),
            connect_start: at("connectStart"),
            connect_end: at("connectEnd"),
            response_start: at("responseStart"),
            dom_interactive: at("domInteractive"),
            dom_content_loaded_start: at("domContentLoadedEventStart"),
            dom_complete: at("domComplete"),
            ..NavigationTiming::default()
        }
    }

    fn load_state(&self, at: f64) -> &'static str {
        let ready_state = if self.is_loading { ReadyState::Loading } else { ReadyState::Parsed };
        load_state(at, ready_state, Some(&self.navigation())).name()
    }

    /// The value must be `ours`, and each part of the attribution what is given for it.
    fn assert(&self, visit: &Visit, ours: f64, parts: &[(&str, f64)]) {
        let Visit { name, .. } = visit;
        assert_eq!(ours.to_bits(), self.value.to_bits(), "{name}: {} is {ours}, not {}", self.metric, self.value);
        for &(part, ours) in parts {
            let theirs = number(&self.attribution, part);
            assert_eq!(ours.to_bits(), theirs.to_bits(), "{name}: {part} is {ours}, not {theirs}");
        }
    }

    fn assert_text(&self, visit: &Visit, part: &str, ours: &str) {
        assert_eq!(self.attribution[part], ours, "{}: {part}", visit.name);
    }

    fn assert_places(&self, visit: &Visit, part: &str, ours: impl Iterator<Item = usize>) {
        assert_eq!(self.attribution[part], ours.collect::<Value>(), "{}: {part}", visit.name);
    }
}

fn resource(entry: &Value) -> ResourceTiming {
    ResourceTiming {
        start: number(entry, "startTime"),
        request_start: number(entry, "requestStart"),
        response_end: number(entry, "responseEnd"),
    }
}

fn to_place(place: u64) -> usize {
    usize::try_from(place).expect("a place")
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("no number {name} in {value}"))
}

#[test]
fn first_contentful_paints() {
    Recording::read().each("FCP", 10, |visit, report| {
        let navigation = report.navigation();
        let (value, navigation, state) = if report.is_soft() {
            let soft = visit.find(&visit.soft_navigations, report.attribution["navigationEntry"].as_u64().map(to_place));
            let painted = soft.number("presentationTime");
            (fcp::soft_value(painted, soft.number("startTime")), None, "complete")
        } else {
            let start = visit.find(&visit.paints, report.entries[0]).number("startTime");
            (fcp::value(start, navigation.activation_start), Some(&navigation), report.load_state(start))
        };
        let parts = fcp_parts(value, navigation);
        let expected = [("timeToFirstByte", parts.time_to_first_byte), ("firstByteToFCP", parts.first_byte_to_fcp)];
        report.assert(visit, value, &expected);
        report.assert_text(visit, "loadState", state);
    });
}

#[test]
fn times_to_first_byte() {
    Recording::read().each("TTFB", 10, |visit, report| {
        let navigation = report.navigation();
        let value = if report.is_soft() { 0.0 } else { ttfb::value(&navigation) };
        let parts = if report.is_soft() { TtfbParts::default() } else { ttfb_parts(value, &navigation) };
        let expected = [
            ("waitingDuration", parts.waiting),
            ("cacheDuration", parts.cache),
            ("dnsDuration", parts.dns),
            ("connectionDuration", parts.connection),
            ("requestDuration", parts.request),
        ];
        report.assert(visit, value, &expected);
    });
}

#[test]
fn largest_contentful_paints() {
    Recording::read().each("LCP", 10, |visit, report| {
        let navigation = report.navigation();
        let place = report.entries[0];
        let (value, origin, paint) = if report.is_soft() {
            let is_it = |paint: &&Recorded| paint.entry["inner"]["place"].as_u64().map(to_place) == place;
            let outer = visit.interaction_paints.iter().flatten().find(is_it).unwrap();
            let paint = &outer.entry["inner"];
            let value = lcp::soft_value(number(paint, "renderTime"), outer.number("startTime"));
            (value, (0.0, report.navigation_start_time), paint)
        } else {
            let paint = visit.find(&visit.largest_paints, place);
            let value = lcp::value(paint.number("startTime"), navigation.activation_start);
            (value, (navigation.response_start, navigation.activation_start), &paint.entry)
        };
        let of_its_url: Vec<_> = (0..visit.resources.len()).filter(|&at| visit.resources[at]["name"] == paint["url"]).collect();
        let candidates = of_its_url.iter().map(|&at| resource(&visit.resources[at]));
        let chosen = resource_of(candidates, number(paint, "startTime"));
        assert_eq!(
            chosen.map(|(index, _)| of_its_url[index]),
            report.attribution["lcpResourceEntry"].as_u64().map(to_place),
            "{}",
            visit.name
        );
        let parts = lcp_parts(value, Some(origin), chosen.as_ref().map(|(_, timing)| timing));
        let expected = [
            ("timeToFirstByte", parts.time_to_first_byte),
            ("resourceLoadDelay", parts.resource_load_delay),
            ("resourceLoadDuration", parts.resource_load_duration),
            ("elementRenderDelay", parts.element_render_delay),
        ];
        report.assert(visit, value, &expected);
    });
}

#[test]
fn first_input_delays() {
    Recording::read().each("FID", 8, |visit, report| {
        let input = visit.find(&visit.events, report.entries[0]);
        assert_eq!(input.entry["entryType"], "first-input");
        let input = input.event();
        report.assert(visit, fid::value(input.start, input.processing_start), &[]);
    });
}

#[test]
fn layout_shifts() {
    let recording = Recording::read();
    // With soft navigations there are several, and none has shifts that count.
    recording.each("CLS", 10, |visit, report| {
        let mut cls = Cls::default();
        for shift in visit.shifts.iter().flatten() {
            cls.observe(shift.shift());
        }
        let places: Vec<_> = cls.entries().iter().map(|shift| Some(shift.entry)).collect();
        assert_eq!(places, report.entries, "{}", visit.name);
        let Some(largest) = largest_shift(cls.entries()) else { return report.assert(visit, cls.value(), &[]) };
        report.assert(visit, cls.value(), &[("largestShiftTime", largest.start), ("largestShiftValue", largest.value)]);
        assert_eq!(report.attribution["largestShiftEntry"], largest.entry);
        report.assert_text(visit, "loadState", report.load_state(largest.start));
    });
    let window =
        |visit: &Visit| visit.reports.iter().filter(|report| report.metric == "CLS").map(|report| report.entries.len()).max();
    assert_eq!(recording.visits.first().and_then(window), Some(3), "the visit that shifts");
}

#[test]
fn the_ids_count_the_interactions_that_the_browser_counted() {
    let recording = Recording::read();
    let many = recording.visits.iter().find(|visit| visit.name == "many-interactions").unwrap();
    let mut counted = InteractionCount::default();
    for event in many.events() {
        counted.observe(event.interaction_id);
    }
    assert!(counted.value() > 10.0 && counted.value() <= many.interaction_count, "{counted:?}");
}

#[test]
fn interactions_to_next_paint() {
    Recording::read().each("INP", 9, |visit, report| {
        let (mut inp, mut frames) = (Inp::default(), Frames::default());
        let mut long_frames = visit.long_frames();
        // An interaction that navigates belongs to the navigation before.
        let starts = visit.soft_navigations.iter().flatten().map(|soft| soft.number("startTime"));
        let next_navigation = starts.filter(|&start| start > report.navigation_start_time).fold(f64::INFINITY, f64::min);
        for event in visit.events() {
            if event.start > report.navigation_start_time && event.start <= next_navigation {
                let frame = frames.add(&event, Some(event.entry));
                inp.observe(event, frame);
            }
        }
        let count = if visit.soft_navigations.is_empty() { visit.interaction_count } else { 1.0 };
        frames.clean(|frame| inp.interactions().iter().any(|interaction| interaction.frame == frame));
        long_frames.clean(&frames);

        let interaction = inp.estimate(count).unwrap();
        let places: Vec<_> = interaction.entries.iter().map(|event| Some(event.entry)).collect();
        assert_eq!(places, report.entries, "{}", visit.name);
        let first = &interaction.entries[0];
        let frame = frames.frame(interaction.frame).unwrap();
        let parts = inp_parts(first, frame);
        let expected = [
            ("interactionTime", parts.interaction_time),
            ("nextPaintTime", parts.next_paint_time),
            ("inputDelay", parts.input_delay),
            ("processingDuration", parts.processing_duration),
            ("presentationDelay", parts.presentation_delay),
        ];
        report.assert(visit, interaction.latency, &expected);
        report.assert_text(visit, "loadState", report.load_state(first.start));
        report.assert_places(visit, "processedEventEntries", frame.entries.iter().map(|processed| processed.entry));
        assert_long_frames(visit, report, &parts, &long_frames);
    });
}

fn assert_long_frames(visit: &Visit, report: &Report, parts: &InpParts, long_frames: &LongFrames<usize>) {
    let intersecting: Vec<_> = long_frames.intersecting(parts.interaction_time, parts.processing_end).collect();
    report.assert_places(visit, "longAnimationFrameEntries", intersecting.iter().map(|frame| frame.entry));
    let summary = long_frame_summary(parts, long_frames);
    assert_eq!(summary.is_some(), !intersecting.is_empty());
    let Some(summary) = summary else { return };

    // Frames without rendering are no style and layout; the reference takes the time of their end for a duration.
    let not_rendered = intersecting.iter().filter(|frame| frame.style_and_layout_start == 0.0);
    let too_much = not_rendered.fold(0.0, |sum, frame| sum + frame.start + frame.duration);
    assert_eq!(too_much > 0.0, visit.name == "busy-before", "{}", visit.name);
    let expected = [
        ("totalScriptDuration", summary.script),
        ("totalStyleAndLayoutDuration", summary.style_and_layout + too_much),
        ("totalPaintDuration", summary.paint),
        ("totalUnattributedDuration", summary.unattributed - too_much),
    ];
    report.assert(visit, report.value, &expected);

    let theirs = &report.attribution["longestScript"];
    let Some(longest) = summary.longest else { return assert!(theirs.is_null(), "{}", visit.name) };
    assert_eq!(theirs["frame"], longest.frame);
    assert_eq!(theirs["script"], longest.script);
    assert_eq!(theirs["subpart"], longest.subpart.name());
    assert_eq!(number(theirs, "intersectingDuration").to_bits(), longest.duration.to_bits());
}
