//! Where classic and native buckets end.

use super::{Bucket, Exemplar, Native, Value};

/// Bounds of native buckets are powers of 2^(2^-3), each 9 % above the one before
/// ([native histograms](https://prometheus.io/docs/specs/native_histograms/#standard-schemas)).
pub const SCHEMA: i32 = 3;
const BUCKETS_PER_OCTAVE: i32 = 1 << SCHEMA;

/// The bounds of classic and native buckets together. Between two neighbours is a cell: it lies in one bucket of each kind, so that what is
/// counted by cells is counted alike by both.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Upper bounds of the classic buckets, ascending, without the infinite one.
    bounds: Vec<f64>,
    /// Upper bounds of the cells, ascending; the last cell has none.
    uppers: Vec<f64>,
    cells: Vec<Cell>,
    zero_threshold: f64,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    classic: usize,
    /// Absent for the zero bucket.
    native: Option<i32>,
}

impl Grid {
    /// Classic buckets with these upper bounds, and native ones from `2^lowest` to `2^highest`. What is not above `2^lowest` goes into the
    /// zero bucket, what is above `2^highest` into the next native bucket.
    pub fn new(bounds: &[f64], lowest: i32, highest: i32) -> Self {
        let first = lowest * BUCKETS_PER_OCTAVE;
        let native: Vec<(i32, f64)> = (first..=highest * BUCKETS_PER_OCTAVE)
            .map(|index| (index, (f64::from(index) / f64::from(BUCKETS_PER_OCTAVE)).exp2()))
            .collect();
        let mut uppers: Vec<f64> = native.iter().map(|(_, bound)| *bound).chain(bounds.iter().copied()).collect();
        uppers.sort_unstable_by(f64::total_cmp);
        uppers.dedup();
        let cell = |upper: f64| Cell {
            classic: bounds.partition_point(|bound| *bound < upper),
            native: Some(first + i32::try_from(native.partition_point(|(_, bound)| *bound < upper)).unwrap_or(i32::MAX))
                .filter(|index| *index > first),
        };
        let cells = uppers.iter().copied().chain([f64::INFINITY]).map(cell).collect();
        Self { bounds: bounds.into(), uppers, cells, zero_threshold: f64::from(lowest).exp2() }
    }

    /// Durations with these classic bounds in seconds: native buckets from 2^-20 s, about 1 µs, to 2^6 s.
    pub fn of_durations(bounds: &[f64]) -> Self {
        Self::new(bounds, -20, 6)
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is no cell; never.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The cell of a value.
    pub fn cell_of(&self, value: f64) -> usize {
        self.uppers.partition_point(|upper| *upper < value)
    }

    /// The classic bucket in which a cell lies.
    pub fn classic_of(&self, cell: usize) -> usize {
        self.cells.get(cell).map_or(self.bounds.len(), |cell| cell.classic)
    }

    /// A histogram of counts by cell. `exemplar` gives one for a classic bucket, if there is one.
    pub fn histogram(
        &self,
        counts: impl IntoIterator<Item = f64>,
        sum: f64,
        exemplar: impl Fn(usize) -> Option<Exemplar>,
    ) -> Value {
        let mut of_buckets = vec![0.0; self.bounds.len() + 1];
        let mut native = Native { schema: SCHEMA, zero_threshold: self.zero_threshold, zero_count: 0.0, buckets: Vec::new() };
        for (cell, count) in self.cells.iter().zip(counts) {
            of_buckets[cell.classic] += count;
            match cell.native {
                None => native.zero_count += count,
                Some(_) if count <= 0.0 => {}
                Some(index) => match native.buckets.last_mut() {
                    Some((last, sum)) if *last == index => *sum += count,
                    _ => native.buckets.push((index, count)),
                },
            }
        }
        let mut cumulative = 0.0;
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let buckets = bounds.zip(of_buckets).enumerate().map(|(bucket, (le, count))| {
            cumulative += count;
            Bucket { le, cumulative, exemplar: exemplar(bucket) }
        });
        Value::Histogram { buckets: buckets.collect(), sum, native: Some(native) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "counts are whole numbers")]

    use super::*;
    use proptest::prelude::*;

    const BOUNDS: [f64; 5] = [0.001, 0.1, 0.25, 2.5, 10.0];

    #[test]
    fn both_kinds_have_their_bounds() {
        let grid = Grid::new(&BOUNDS, -4, 2);
        // 0.25 is a bound of both, 0.001 and 10 are outside of the native ones.
        assert_eq!(grid.len(), 6 * 8 + 1 + 4 + 1);
        assert!(grid.uppers.is_sorted_by(|one, next| one < next));
        for bound in BOUNDS {
            let (at, above) = (grid.cell_of(bound), grid.cell_of(bound.next_up()));
            assert_eq!(grid.classic_of(above), grid.classic_of(at) + 1, "{bound}");
        }
    }

    proptest! {
        #[test]
        fn values_are_counted_alike_by_both_kinds(values in prop::collection::vec(prop_oneof![
            Just(0.0), 0.0..0.01_f64, 0.0..1.0_f64, 0.0..100.0_f64, prop::sample::select(BOUNDS.to_vec()), (-40..24_i32).prop_map(|index| (f64::from(index) / 8.0).exp2()),
        ], 0..100)) {
            let grid = Grid::new(&BOUNDS, -4, 2);
            let mut counts = vec![0.0; grid.len()];
            for value in &values {
                counts[grid.cell_of(*value)] += 1.0;
            }
            let Value::Histogram { buckets, native: Some(native), .. } = grid.histogram(counts, 0.0, |_| None) else { panic!() };
            #[expect(clippy::cast_precision_loss, reason = "few")]
            let among = |is_in: &dyn Fn(f64) -> bool| values.iter().filter(|value| is_in(**value)).count() as f64;
            for bucket in &buckets {
                prop_assert_eq!(bucket.cumulative, among(&|value| value <= bucket.le));
            }
            prop_assert_eq!(native.zero_count, among(&|value| value <= 0.0625));
            let bound = |index: i32| (f64::from(index) / 8.0).exp2();
            for (index, count) in &native.buckets {
                let upper = if *index == 17 { f64::INFINITY } else { bound(*index) };
                prop_assert_eq!(*count, among(&|value| value > bound(index - 1) && value <= upper), "{}", index);
            }
            let all = native.zero_count + native.buckets.iter().map(|(_, count)| count).sum::<f64>();
            prop_assert_eq!(all, buckets.last().unwrap().cumulative);
        }
    }
}
