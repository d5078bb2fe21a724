//! What `/metrics` shows of real users. It is read from ClickHouse on a clock of its own and kept, so that a scrape never waits for the
//! database; how old it is, is a metric too.

mod cells;
mod distribution;
mod families;
mod tracker;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use rum_protocol::Metric;

use crate::{
    clickhouse::{
        ClickHouse, QueryError,
        readings::{ActivityDay, MeasureDay, Name, PoorVital, VitalDay, VitalWindow},
    },
    exposition::Family,
};
use tracker::{Key, Places, Row, Shown, Tracker};

/// The last reading, as it is shown.
#[derive(Debug, Default)]
pub struct Summaries {
    last: RwLock<Option<(Instant, Arc<Vec<Family>>)>>,
    failures: std::sync::atomic::AtomicU64,
}

/// What is read and how often.
#[derive(Clone, Copy, Debug)]
pub struct Refresh {
    /// Time between two readings.
    pub every: Duration,
    /// Quantiles cover this many minutes.
    pub window_minutes: u32,
    /// Pages with series of their own, per project.
    pub top_pages: u32,
    /// Releases with series of their own, per project.
    pub top_releases: u32,
    /// Most series of a project.
    pub max_series_per_project: usize,
}

/// Everything of one moment.
#[derive(Debug, Default)]
struct Reading {
    vitals: Vec<VitalDay>,
    window: Vec<VitalWindow>,
    activity: Vec<ActivityDay>,
    measures: Vec<MeasureDay>,
    poor: Vec<PoorVital>,
}

/// The counters, and what they were made of.
#[derive(Debug)]
struct Counters {
    shown: Shown,
    vitals: Tracker,
    /// The vitals of whole projects, in which pages neither come nor go.
    projects: Tracker,
    activity: Tracker,
    measures: Tracker,
    /// Series that were folded because of the cap, by project.
    series_folded: BTreeMap<String, u64>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            shown: Shown::default(),
            vitals: Tracker::following(cells::follow),
            projects: Tracker::default(),
            activity: Tracker::default(),
            measures: Tracker::default(),
            series_folded: BTreeMap::new(),
        }
    }
}

/// Reads again and again.
#[derive(Debug)]
pub struct Reader {
    clickhouse: ClickHouse,
    refresh: Refresh,
    counters: Counters,
}

impl Reader {
    /// A reader that has not read yet. What is stored when it first does is not counted.
    pub fn new(clickhouse: ClickHouse, refresh: Refresh) -> Self {
        Self { clickhouse, refresh, counters: Counters::default() }
    }

    /// Reads once and shows it. `measures` are the names of actions and measures that are business measures, by project.
    ///
    /// # Errors
    /// [`QueryError`]; what was shown before is still shown.
    pub async fn read(&mut self, summaries: &Summaries, measures: &[Name]) -> Result<(), QueryError> {
        let result = self.families(measures).await;
        match &result {
            Ok(families) => summaries.replace(families.clone(), Instant::now()),
            Err(_) => {
                summaries.failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        result.map(|_| ())
    }

    async fn families(&mut self, measures: &[Name]) -> Result<Vec<Family>, QueryError> {
        let Refresh { window_minutes, top_pages, top_releases, max_series_per_project, .. } = self.refresh;
        let pages = self.clickhouse.top_pages(top_pages).await?;
        let releases = self.clickhouse.top_releases(top_releases).await?;
        // Those that had places are read too, so that what leaves and what comes is told from one and the same moment.
        let all_pages = with(&pages, &self.counters.shown.pages);
        let all_releases = with(&releases, &self.counters.shown.releases);
        let reading = Reading {
            vitals: self.clickhouse.vitals_by_day(&all_pages).await?,
            window: self.clickhouse.vitals_of_window(window_minutes, &all_pages).await?,
            activity: self.clickhouse.activity_by_day(&all_pages, &all_releases).await?,
            measures: if measures.is_empty() { Vec::new() } else { self.clickhouse.measures_by_day(measures).await? },
            poor: self.clickhouse.poor_vitals(&all_pages).await?,
        };
        self.counters.update(&reading, &pages, &releases, max_series_per_project);
        Ok(families::of(&self.counters, &reading))
    }
}

impl Summaries {
    fn replace(&self, families: Vec<Family>, now: Instant) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::new(families)));
    }

    /// How long ago ClickHouse was last read; absent until the first time.
    pub fn age(&self) -> Option<Duration> {
        self.last.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(read_at, _)| read_at.elapsed())
    }

    /// Readings that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The families of the last reading, and its age; nothing but the failures until the first one.
    pub fn families(&self) -> Vec<Family> {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut shown = vec![families::failures(self.failures())];
        if let Some((read_at, families)) = last {
            shown.push(families::age(read_at.elapsed()));
            shown.extend(families.iter().cloned());
        }
        shown
    }
}

/// The names listed, and those with places.
fn with(names: &[Name], places: &Places) -> Vec<Name> {
    let known = places.all().map(|(project, name)| (project.to_owned(), name.to_owned()));
    let mut all: Vec<Name> = names.iter().cloned().chain(known).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn places(names: &[Name]) -> Places {
    let mut places = Places::default();
    for (project, name) in names {
        places.0.entry(project.clone()).or_default().insert(name.clone());
    }
    places
}

impl Counters {
    fn update(&mut self, reading: &Reading, pages: &[Name], releases: &[Name], most_series: usize) {
        let (pages, folded) = under_cap(pages, reading, most_series);
        for (project, series) in folded {
            *self.series_folded.entry(project).or_default() += series;
        }
        let shown = Shown { pages: places(&pages), releases: places(releases) };
        let vitals: Vec<Row> = reading.vitals.iter().filter_map(vital_row).collect();
        self.vitals.update(&vitals, &shown);
        let whole = |mut row: Row| {
            row.totals.truncate(cells::CLASSES + 1);
            Row { key: Key { page: String::new(), rest: row.key.rest[..1].into(), ..row.key }, ..row }
        };
        self.projects.update(&vitals.into_iter().map(whole).collect::<Vec<_>>(), &shown);
        self.activity.update(&reading.activity.iter().map(activity_row).collect::<Vec<_>>(), &shown);
        self.measures.update(&reading.measures.iter().map(measure_row).collect::<Vec<_>>(), &shown);
        self.shown = shown;
    }
}

/// Series of one vital of one page and device: five quantiles, sum and count; nine buckets, sum and count; three ratings.
const SERIES_OF_A_VITAL: usize = 7 + 11 + 3;
/// Series of one vital of a project.
const SERIES_OF_A_PROJECT: usize = 7;

/// As many of the pages, which come with the most important first, as the cap allows; and the series of the others, by project.
fn under_cap(pages: &[Name], reading: &Reading, most: usize) -> (Vec<Name>, BTreeMap<String, u64>) {
    let vitals: BTreeSet<_> = reading.vitals.iter().map(|row| (&row.project_id, &row.page, &row.metric, &row.device)).collect();
    let activity: BTreeSet<_> =
        reading.activity.iter().map(|row| (&row.project_id, &row.page, &row.kind, &row.device, &row.release)).collect();
    let mut cost: HashMap<(&String, &String), usize> = HashMap::new();
    for (project, page, ..) in &vitals {
        *cost.entry((project, page)).or_default() += SERIES_OF_A_VITAL;
    }
    for (project, page, ..) in &activity {
        *cost.entry((project, page)).or_default() += 1;
    }
    // What has its place in any case: the project itself, and all other pages together.
    let mut used: HashMap<&String, usize> = HashMap::new();
    for (project, ..) in vitals.iter().map(|(project, _, metric, _)| (*project, *metric)).collect::<BTreeSet<_>>() {
        *used.entry(project).or_default() += SERIES_OF_A_PROJECT;
    }
    for (project, ..) in vitals.iter().map(|(project, _, metric, device)| (*project, *metric, *device)).collect::<BTreeSet<_>>() {
        *used.entry(project).or_default() += SERIES_OF_A_VITAL;
    }
    let others = activity.iter().map(|(project, _, kind, device, release)| (*project, *kind, *device, *release));
    for (project, ..) in others.collect::<BTreeSet<_>>() {
        *used.entry(project).or_default() += 1;
    }
    let (mut kept, mut folded) = (Vec::new(), BTreeMap::new());
    for (project, page) in pages {
        let series = cost.get(&(project, page)).copied().unwrap_or_default();
        let used = used.entry(project).or_default();
        // Once one does not fit, the less important ones do not come in its place.
        if folded.contains_key(project) || *used + series > most {
            *folded.entry(project.clone()).or_default() += series as u64;
        } else {
            *used += series;
            kept.push((project.clone(), page.clone()));
        }
    }
    (kept, folded)
}

fn vital_row(row: &VitalDay) -> Option<Row> {
    let vital = Metric::from_name(&row.metric)?;
    let (good, needs_improvement, poor) = row.ratings;
    let ratings = [good, needs_improvement, poor];
    let classes = distribution::between_bounds(vital, ratings, &row.buckets);
    let cells = distribution::by_cells(vital, ratings, &row.buckets);
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let number = |count: &i64| *count as f64;
    let totals = classes.iter().map(number).chain([row.sum]).chain(cells.iter().map(number)).collect();
    let key = Key {
        project: row.project_id.clone(),
        page: row.page.clone(),
        release: String::new(),
        rest: vec![row.metric.clone(), row.device.clone()],
    };
    Some(Row { key, day: row.day, totals })
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn activity_row(row: &ActivityDay) -> Row {
    let key = Key {
        project: row.project_id.clone(),
        page: row.page.clone(),
        release: row.release.clone(),
        rest: vec![row.kind.clone(), row.device.clone()],
    };
    Row { key, day: row.day, totals: vec![row.count as f64] }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn measure_row(row: &MeasureDay) -> Row {
    let key = Key {
        project: row.project_id.clone(),
        page: String::new(),
        release: String::new(),
        rest: vec![row.name.clone(), row.device.clone()],
    };
    Row { key, day: row.day, totals: vec![row.count as f64, row.value] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vital(page: &str, device: &str) -> VitalDay {
        VitalDay {
            project_id: "shop".into(),
            metric: "LCP".into(),
            page: page.into(),
            device: device.into(),
            day: 1,
            ratings: (1, 0, 0),
            sum: 1.0,
            buckets: vec![(0, 1)],
        }
    }

    #[test]
    fn the_cap_folds_the_least_important_pages() {
        let reading = Reading {
            vitals: vec![vital("/a", "mobile"), vital("/a", "desktop"), vital("/b", "mobile"), vital("/c", "mobile")],
            ..Reading::default()
        };
        let pages = ["/a", "/b", "/c"].map(|page| ("shop".to_owned(), page.to_owned()));
        let fixed = SERIES_OF_A_PROJECT + 2 * SERIES_OF_A_VITAL;
        let (kept, folded) = under_cap(&pages, &reading, fixed + 3 * SERIES_OF_A_VITAL);
        assert_eq!(kept, pages[..2]);
        assert_eq!(folded, [("shop".to_owned(), SERIES_OF_A_VITAL as u64)].into());
        let (kept, folded) = under_cap(&pages, &reading, 10 * SERIES_OF_A_VITAL);
        assert_eq!((kept.len(), folded.len()), (3, 0));
    }
}
