//! Counters made of readings: what was stored since the first one, although pages come and go, values are taken back, and old days are no
//! longer read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::clickhouse::readings::OTHER;

/// What a counter stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// The project.
    pub(super) project: String,
    /// The page, [`OTHER`], or empty for families without pages.
    pub(super) page: String,
    /// The release, [`OTHER`], or empty for families without releases.
    pub(super) release: String,
    /// All further labels, in the family's own order.
    pub(super) rest: Vec<String>,
}

/// What was read of a key for one day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// For what. Pages and releases with no place now or before may be [`OTHER`] already.
    pub(super) key: Key,
    /// Of which day; days that are no longer read are forgotten.
    pub(super) day: u32,
    /// All that is stored of that day.
    pub(super) totals: Vec<f64>,
}

/// Pages or releases with a place of their own, by project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places(pub(super) HashMap<String, BTreeSet<String>>);

impl Places {
    /// Whether `name` has a place.
    pub(super) fn has(&self, project: &str, name: &str) -> bool {
        self.0.get(project).is_some_and(|names| names.contains(name))
    }

    /// Every project and name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(project, names)| names.iter().map(move |name| (project.as_str(), name.as_str())))
    }

    fn fold(&self, project: &str, name: &str) -> String {
        if name.is_empty() || self.has(project, name) { name } else { OTHER }.to_owned()
    }
}

/// Which pages and releases have places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Pages.
    pub(super) pages: Places,
    /// Releases.
    pub(super) releases: Places,
}

/// How what is shown of a key follows what is exact. It never falls.
pub(super) type Follow = fn(key: &Key, exact: &[f64], most: &mut [f64]);

/// The counters of one family.
#[derive(Debug)]
pub(super) struct Tracker {
    follow: Follow,
    shown: Shown,
    last: Option<HashMap<(Key, u32), Vec<f64>>>,
    counted: BTreeMap<Key, Counted>,
}

#[derive(Debug, Default, Clone, PartialEq)]
struct Counted {
    exact: Vec<f64>,
    /// The most `exact` ever was: counters do not fall.
    most: Vec<f64>,
}

impl Default for Tracker {
    fn default() -> Self {
        Self::following(highest)
    }
}

/// Every count is the most it ever was.
pub(super) fn highest(_: &Key, exact: &[f64], most: &mut [f64]) {
    for (most, exact) in most.iter_mut().zip(exact) {
        *most = most.max(*exact);
    }
}

impl Tracker {
    /// Counters that follow in another way than [`highest`].
    pub(super) fn following(follow: Follow) -> Self {
        Self { follow, shown: Shown::default(), last: None, counted: BTreeMap::new() }
    }

    /// Takes a reading. Whatever came since the one before is added, to the key it has now; the first reading adds nothing.
    pub(super) fn update(&mut self, rows: &[Row], shown: &Shown) {
        let now = folded(rows, |key| fold(key, shown));
        if let Some(last) = &self.last {
            let newcomers = Newcomers::of(last, &self.shown);
            for ((key, day), totals) in folded(rows, |key| newcomers.fold(key)) {
                let before = last.get(&(key.clone(), day));
                let counted = self.counted.entry(fold(&key, shown)).or_default();
                counted.exact.resize(totals.len(), 0.0);
                for (index, total) in totals.into_iter().enumerate() {
                    counted.exact[index] += total - before.and_then(|before| before.get(index)).unwrap_or(&0.0);
                }
            }
        }
        for ((key, _), totals) in &now {
            self.counted.entry(key.clone()).or_default().exact.resize(totals.len(), 0.0);
        }
        self.drop_leavers(shown);
        for (key, Counted { exact, most }) in &mut self.counted {
            // A new one shows a zero first, so that whoever looks at differences sees all of it.
            if most.is_empty() {
                most.resize(exact.len(), 0.0);
                continue;
            }
            (self.follow)(key, exact, most);
        }
        self.last = Some(now);
        self.shown.clone_from(shown);
    }

    /// Ends the counters of what has no place any more. What they had not shown yet is shown among the others.
    fn drop_leavers(&mut self, shown: &Shown) {
        let leavers: Vec<Key> = self.counted.keys().filter(|key| fold(key, shown) != **key).cloned().collect();
        for key in leavers {
            let Some(Counted { exact, most }) = self.counted.remove(&key) else { continue };
            let others = &mut self.counted.entry(fold(&key, shown)).or_default().exact;
            others.resize(exact.len(), 0.0);
            for (index, exact) in exact.into_iter().enumerate() {
                others[index] += exact - most.get(index).unwrap_or(&0.0);
            }
        }
    }

    /// Every counter, by key.
    pub(super) fn counters(&self) -> impl Iterator<Item = (&Key, &[f64])> {
        self.counted.iter().map(|(key, counted)| (key, counted.most.as_slice()))
    }
}

fn fold(key: &Key, shown: &Shown) -> Key {
    Key { page: shown.pages.fold(&key.project, &key.page), release: shown.releases.fold(&key.project, &key.release), ..key.clone() }
}

fn folded(rows: &[Row], fold: impl Fn(&Key) -> Key) -> HashMap<(Key, u32), Vec<f64>> {
    let mut folded: HashMap<(Key, u32), Vec<f64>> = HashMap::new();
    for Row { key, day, totals } in rows {
        let sums = folded.entry((fold(key), *day)).or_default();
        sums.resize(totals.len().max(sums.len()), 0.0);
        sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum += total);
    }
    folded
}

/// Names without a place before. Where nothing was counted under [`OTHER`], such a name cannot have been stored before, so all of it is
/// new; elsewhere it may be in there.
struct Newcomers<'a> {
    shown: &'a Shown,
    pages: BTreeSet<&'a str>,
    releases: BTreeSet<&'a str>,
}

impl<'a> Newcomers<'a> {
    fn of(last: &'a HashMap<(Key, u32), Vec<f64>>, shown: &'a Shown) -> Self {
        let projects = |is_other: fn(&Key) -> bool| -> BTreeSet<&'a str> {
            last.keys().map(|(key, _)| key).filter(|key| is_other(key)).map(|key| key.project.as_str()).collect()
        };
        Self { shown, pages: projects(|key| key.page == OTHER), releases: projects(|key| key.release == OTHER) }
    }

    /// The key under which this was counted before, or would have been.
    fn fold(&self, key: &Key) -> Key {
        let known = fold(key, self.shown);
        Key {
            page: if self.pages.contains(key.project.as_str()) { known.page } else { key.page.clone() },
            release: if self.releases.contains(key.project.as_str()) { known.release } else { key.release.clone() },
            ..known
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(page: &str, day: u32, total: f64) -> Row {
        Row {
            key: Key { project: "shop".into(), page: page.into(), release: String::new(), rest: Vec::new() },
            day,
            totals: vec![total],
        }
    }

    fn pages(names: &[&str]) -> Shown {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Shown { pages: Places([("shop".to_owned(), names)].into()), ..Shown::default() }
    }

    fn shown(tracker: &Tracker) -> Vec<(&str, f64)> {
        tracker.counters().map(|(key, counts)| (key.page.as_str(), counts[0])).collect()
    }

    #[test]
    fn what_was_stored_before_is_not_counted_and_is_shown_as_zero() {
        let mut tracker = Tracker::default();
        tracker.update(&[row("/", 1, 5.0)], &pages(&["/"]));
        assert_eq!(shown(&tracker), [("/", 0.0)]);
        tracker.update(&[row("/", 1, 6.0), row("/", 2, 2.0)], &pages(&["/"]));
        assert_eq!(shown(&tracker), [("/", 3.0)]);
        // The first day is no longer read.
        tracker.update(&[row("/", 2, 3.0)], &pages(&["/"]));
        assert_eq!(shown(&tracker), [("/", 4.0)]);
    }

    #[test]
    fn a_page_that_is_new_altogether_counts_from_its_first_value() {
        let mut tracker = Tracker::default();
        tracker.update(&[], &pages(&[]));
        tracker.update(&[row("/", 1, 7.0)], &pages(&["/"]));
        assert_eq!(shown(&tracker), [("/", 0.0)]);
        tracker.update(&[row("/", 1, 7.0)], &pages(&["/"]));
        assert_eq!(shown(&tracker), [("/", 7.0)]);
    }

    #[test]
    fn a_page_that_comes_begins_at_zero_and_one_that_leaves_goes_on_among_the_others() {
        let mut tracker = Tracker::default();
        tracker.update(&[], &pages(&[]));
        tracker.update(&[row("/a", 1, 10.0), row("/b", 1, 4.0)], &pages(&["/a"]));
        tracker.update(&[row("/a", 1, 10.0), row("/b", 1, 4.0)], &pages(&["/a"]));
        assert_eq!(shown(&tracker), [("/a", 10.0), (OTHER, 4.0)]);
        tracker.update(&[row("/a", 1, 11.0), row("/b", 1, 24.0)], &pages(&["/b"]));
        assert_eq!(shown(&tracker), [("/b", 0.0), (OTHER, 4.0 + 20.0 + 1.0)]);
        tracker.update(&[row("/a", 1, 12.0), row("/b", 1, 25.0)], &pages(&["/b"]));
        assert_eq!(shown(&tracker), [("/b", 1.0), (OTHER, 26.0)]);
    }

    #[test]
    fn what_is_taken_back_lets_the_counter_stand_still() {
        let mut tracker = Tracker::default();
        tracker.update(&[], &pages(&[]));
        tracker.update(&[row("/", 1, 0.0)], &pages(&["/"]));
        let mut last = 0.0;
        for (total, expected) in [(3.0, 3.0), (2.0, 3.0), (3.0, 3.0), (5.0, 5.0)] {
            tracker.update(&[row("/", 1, total)], &pages(&["/"]));
            assert_eq!(shown(&tracker), [("/", expected)]);
            assert!(expected >= last);
            last = expected;
        }
    }

    proptest! {
        /// Whatever pages have places when, all that was stored since the first reading is counted, once.
        #[test]
        fn increases_of_all_pages_add_up(steps in prop::collection::vec((prop::collection::vec(0_u32..9, 4), prop::collection::btree_set(0_usize..4, 0..3)), 1..20)) {
            const NAMES: [&str; 4] = ["/a", "/b", "/c", "/d"];
            let mut tracker = Tracker::default();
            tracker.update(&[], &pages(&[]));
            let (mut stored, mut counted, mut before) = ([0.0; 4], 0.0, BTreeMap::new());
            let (mut last, mut places_of_last) = (Vec::new(), Vec::new());
            for (more, places) in steps {
                for (total, more) in stored.iter_mut().zip(&more) {
                    *total += f64::from(*more);
                }
                let rows: Vec<Row> = NAMES.iter().zip(stored).filter(|(_, total)| *total > 0.0).map(|(name, total)| row(name, 1, total)).collect();
                let places: Vec<&str> = places.into_iter().map(|index| NAMES[index]).collect();
                tracker.update(&rows, &pages(&places));
                let now: BTreeMap<String, f64> = tracker.counters().map(|(key, counts)| (key.page.clone(), counts[0])).collect();
                counted += now.iter().map(|(page, count)| count - before.get(page).unwrap_or(&0.0)).sum::<f64>();
                prop_assert!(now.iter().all(|(page, count)| count >= before.get(page).unwrap_or(&0.0)));
                before = now;
                places_of_last = places;
                last = rows;
            }
            // What came last is shown by the next reading at the latest.
            tracker.update(&last, &pages(&places_of_last));
            counted += tracker.counters().map(|(key, counts)| counts[0] - before.get(&key.page).unwrap_or(&0.0)).sum::<f64>();
            // A page that left took its count with it; what it had is not asked again.
            prop_assert!((counted - stored.iter().sum::<f64>()).abs() < 1e-9);
        }
    }
}
