//! From the buckets of the rollups to the bounds and quantiles that Prometheus is shown.

use std::sync::LazyLock;

use rum_protocol::Metric;

use crate::exposition::Grid;

/// The rollups' bucket of values that are zero.
const ZERO: i16 = i16::MIN;

/// Counts by bucket, ascending: bucket `b` holds what is above `2^((b-1)/64)` and at most `2^(b/64)`.
pub(super) type Buckets = [(i16, i64)];

/// Upper bounds in the vital's own unit (milliseconds; CLS without one): its two thresholds, and powers of two, which bound the rollups'
/// buckets too.
pub(super) const fn bounds(vital: Metric) -> [f64; 8] {
    match vital {
        Metric::Lcp => [256.0, 512.0, 1024.0, 2048.0, 2500.0, 4000.0, 8192.0, 16384.0],
        Metric::Fcp => [256.0, 512.0, 1024.0, 1800.0, 3000.0, 4096.0, 8192.0, 16384.0],
        Metric::Ttfb => [64.0, 128.0, 256.0, 512.0, 800.0, 1800.0, 4096.0, 8192.0],
        Metric::Inp => [16.0, 32.0, 64.0, 128.0, 200.0, 500.0, 1024.0, 2048.0],
        Metric::Fid => [8.0, 16.0, 32.0, 64.0, 100.0, 300.0, 512.0, 1024.0],
        Metric::Cls => [0.015_625, 0.031_25, 0.062_5, 0.1, 0.25, 0.5, 1.0, 2.0],
    }
}

/// Counts between the bounds, and above the last: exact, for the thresholds' counts are those of the ratings.
pub(super) fn between_bounds(vital: Metric, ratings: [i64; 3], buckets: &Buckets) -> [i64; 9] {
    let [good, needs_improvement, poor] = ratings;
    let thresholds = vital.thresholds();
    let up_to = |bound: f64| {
        if bound.total_cmp(&thresholds.good).is_eq() {
            good
        } else if bound.total_cmp(&thresholds.needs_improvement).is_eq() {
            good + needs_improvement
        } else {
            let last = bound.log2() * 64.0;
            buckets.iter().filter(|(bucket, _)| f64::from(*bucket) <= last).map(|(_, count)| count).sum()
        }
    };
    let mut counts = [0; 9];
    let mut before = 0;
    for (count, bound) in counts.iter_mut().zip(bounds(vital)) {
        let all = up_to(bound);
        *count = all - before;
        before = all;
    }
    counts[8] = good + needs_improvement + poor - before;
    counts
}

/// What lies in the rollups' bucket that a threshold divides: how much of it is at most the threshold follows from the ratings.
struct Divided {
    bucket: i16,
    threshold: f64,
    up_to: i64,
}

/// Counts by cell of the vital's [`grid`]. Within a bucket of the rollups, which is 1 % wide, a value is taken to be in the middle; at the
/// bounds of [`between_bounds`] counts are exact, so that the cells of a class have its count.
pub(super) fn by_cells(vital: Metric, ratings: [i64; 3], buckets: &Buckets) -> Vec<i64> {
    let grid = grid(vital);
    let mut cells = vec![0; grid.len()];
    let mut put = |value: f64, count: i64| cells[grid.cell_of(value)] += count;
    let thresholds = vital.thresholds();
    let divided = [(thresholds.good, ratings[0]), (thresholds.needs_improvement, ratings[0] + ratings[1])]
        .into_iter()
        .filter_map(|(threshold, up_to)| divided(threshold, up_to));
    let divided: Vec<Divided> = divided.collect();
    for (bucket, count) in buckets.iter().filter(|(bucket, _)| divided.iter().all(|divided| divided.bucket != *bucket)) {
        put(in_unit(vital, middle(*bucket)), *count);
    }
    for Divided { bucket, threshold, up_to } in divided {
        let below: i64 = buckets.iter().filter(|(other, _)| *other < bucket).map(|(_, count)| count).sum();
        let within: i64 = buckets.iter().filter(|(other, _)| *other == bucket).map(|(_, count)| count).sum();
        let bound = in_unit(vital, threshold);
        put(bound, up_to - below);
        put(bound.next_up(), within - (up_to - below));
    }
    cells
}

/// The bucket that a threshold divides; absent if it is a bound of buckets.
fn divided(threshold: f64, up_to: i64) -> Option<Divided> {
    let place = threshold.log2() * 64.0;
    #[expect(clippy::cast_possible_truncation, reason = "of values between 2^-500 and 2^500")]
    (place.fract() != 0.0).then(|| Divided { bucket: place.ceil() as i16, threshold, up_to })
}

/// Classic bounds with native ones of the same unit between them, from 2^-10 (about 1 ms) to 2^6 (64 s).
pub(super) fn grid(vital: Metric) -> &'static Grid {
    static GRIDS: LazyLock<Vec<Grid>> = LazyLock::new(|| {
        let of = |vital| Grid::new(&bounds(vital).map(|bound| in_unit(vital, bound)), -10, 6);
        Metric::ALL.into_iter().map(of).collect()
    });
    &GRIDS[Metric::ALL.iter().position(|known| *known == vital).unwrap_or_default()]
}

/// Of milliseconds seconds. Bounds are decimal numbers of milliseconds, and must be so of seconds.
pub(super) fn in_unit(vital: Metric, value: f64) -> f64 {
    if vital.is_duration() { value / 1000.0 } else { value }
}

/// The middle of a bucket on the logarithmic scale.
fn middle(bucket: i16) -> f64 {
    if bucket == ZERO { 0.0 } else { ((f64::from(bucket) - 0.5) / 64.0).exp2() }
}

/// The value of a rank by nearest rank, within 0.55 %: the middle of its bucket on the logarithmic scale. NaN if there is no value. Counts
/// that were taken back and not yet put elsewhere count as none.
pub(super) fn quantile(buckets: &Buckets, rank: f64) -> f64 {
    let filled = || buckets.iter().filter(|(_, count)| *count > 0);
    let all: i64 = filled().map(|(_, count)| count).sum();
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let place = (rank * all as f64).ceil().max(1.0);
    let mut before = 0;
    for (bucket, count) in filled() {
        before += count;
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
        if before as f64 >= place {
            return middle(*bucket);
        }
    }
    f64::NAN
}

/// Adds counts by bucket.
pub(super) fn merge(into: &mut Vec<(i16, i64)>, more: &Buckets) {
    into.extend_from_slice(more);
    into.sort_unstable_by_key(|(bucket, _)| *bucket);
    into.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rum_protocol::Rating;

    fn bucket_of(value: f64) -> i16 {
        #[expect(clippy::cast_possible_truncation, reason = "of values between 2^-500 and 2^500")]
        if value > 0.0 { (value.log2() * 64.0).ceil() as i16 } else { ZERO }
    }

    fn rolled_up(vital: Metric, values: &[f64]) -> ([i64; 3], Vec<(i16, i64)>) {
        let (mut ratings, mut buckets) = ([0; 3], Vec::new());
        for value in values {
            let rating = match vital.rate(*value) {
                Rating::Good => 0,
                Rating::NeedsImprovement => 1,
                Rating::Poor => 2,
            };
            ratings[rating] += 1;
            merge(&mut buckets, &[(bucket_of(*value), 1)]);
        }
        (ratings, buckets)
    }

    #[test]
    fn bounds_ascend_and_hold_the_thresholds() {
        for vital in Metric::ALL {
            let bounds = bounds(vital);
            assert!(bounds.is_sorted_by(|a, b| a < b));
            let thresholds = vital.thresholds();
            assert!(bounds.contains(&thresholds.good) && bounds.contains(&thresholds.needs_improvement));
        }
    }

    #[test]
    fn without_values_there_is_no_quantile() {
        assert!(quantile(&[], 0.75).is_nan());
        assert!(quantile(&[(3, 0), (4, -1)], 0.75).is_nan());
        assert!(quantile(&[(ZERO, 4)], 0.75).abs() < f64::MIN_POSITIVE);
    }

    proptest! {
        #[test]
        fn counts_between_bounds_are_those_of_the_values(values in prop::collection::vec(prop_oneof![
            Just(0.0), 0.0..3.0_f64, 1.0..20_000.0_f64, prop::sample::select(vec![0.1, 0.25, 200.0, 256.0, 500.0, 2500.0, 4000.0, 4096.0]),
        ], 0..200)) {
            for vital in Metric::ALL {
                let (ratings, buckets) = rolled_up(vital, &values);
                let counts = between_bounds(vital, ratings, &buckets);
                let mut below = f64::NEG_INFINITY;
                for (bound, count) in bounds(vital).into_iter().chain([f64::INFINITY]).zip(counts) {
                    let expected = values.iter().filter(|value| **value > below && **value <= bound).count();
                    prop_assert_eq!(count, i64::try_from(expected).unwrap(), "{} up to {}", vital.name(), bound);
                    below = bound;
                }
            }
        }

        #[test]
        fn cells_of_a_class_have_its_count_and_values_are_in_their_cell_or_the_next(values in prop::collection::vec(prop_oneof![
            Just(0.0), 0.0..3.0_f64, 1.0..60_000.0_f64, 2_480.0..2_520.0_f64, prop::sample::select(vec![0.1, 0.25, 200.0, 256.0, 500.0, 2500.0, 4000.0, 4096.0]),
        ], 0..200)) {
            for vital in Metric::ALL {
                let (ratings, buckets) = rolled_up(vital, &values);
                let cells = by_cells(vital, ratings, &buckets);
                let grid = grid(vital);
                let mut classes = [0; 9];
                cells.iter().enumerate().for_each(|(cell, count)| classes[grid.classic_of(cell)] += count);
                prop_assert_eq!(classes, between_bounds(vital, ratings, &buckets));
                prop_assert!(cells.iter().all(|count| *count >= 0), "{:?}", cells);
                for (cell, count) in cells.iter().enumerate() {
                    let near = values.iter().filter(|value| grid.cell_of(in_unit(vital, **value)).abs_diff(cell) <= 1).count();
                    prop_assert!(*count <= i64::try_from(near).unwrap(), "{}: {} in {}", vital.name(), count, cell);
                }
            }
        }

        #[test]
        fn quantiles_are_within_their_bucket(values in prop::collection::vec(0.001..50_000.0_f64, 1..200), rank in 0.01..1.0_f64) {
            let (_, buckets) = rolled_up(Metric::Lcp, &values);
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let exact = sorted[((rank * sorted.len() as f64).ceil() as usize).max(1) - 1];
            prop_assert!((quantile(&buckets, rank) / exact - 1.0).abs() <= 0.0055);
        }
    }
}
