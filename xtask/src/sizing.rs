//! `cargo xtask sizing`: how much disk and CPU so many rows a day take, from what was measured of one row.

use clap::Args;

/// Rows a day that the table shows.
const ROWS_A_DAY: [u64; 5] = [1_000_000, 10_000_000, 50_000_000, 200_000_000, 1_000_000_000];
const SECONDS_A_DAY: f64 = 86_400.0;
const GIB: f64 = 1_073_741_824.0;

/// What one row takes, and how it is kept.
#[derive(Args, Clone, Copy)]
pub(crate) struct Measured {
    /// Compressed bytes of a row in the raw tables, merged.
    #[arg(long, default_value_t = 24.4)]
    bytes_per_row: f64,
    /// Compressed bytes that a row adds to the rollups.
    #[arg(long, default_value_t = 3.2)]
    rollup_bytes_per_row: f64,
    /// CPU time of inserting a row, its rollups and merges included, in microseconds.
    #[arg(long, default_value_t = 26.0)]
    cpu_us_per_row: f64,
    /// Days that raw rows are kept.
    #[arg(long, default_value_t = 90)]
    raw_days: u32,
    /// Days that rollups are kept.
    #[arg(long, default_value_t = 395)]
    rollup_days: u32,
    /// How much busier the busiest hour is than the average.
    #[arg(long, default_value_t = 4.0)]
    peak: f64,
}

/// Prints the table.
pub(crate) fn run(measured: &Measured) {
    print!("{}", table(measured));
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn table(measured: &Measured) -> String {
    let Measured { bytes_per_row, rollup_bytes_per_row, cpu_us_per_row, raw_days, rollup_days, peak } = *measured;
    let mut out = format!(
        "{bytes_per_row} bytes a raw row kept {raw_days} days, {rollup_bytes_per_row} bytes of rollups a row kept {rollup_days} days, {cpu_us_per_row} µs CPU a row, peak hour {peak} times the average:\n\n\
         | rows a day | rows/s at peak | raw | rollups | disk with a third free | cores at peak, inserts alone |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    );
    for rows in ROWS_A_DAY {
        let per_second = rows as f64 / SECONDS_A_DAY * peak;
        let raw = rows as f64 * bytes_per_row * f64::from(raw_days) / GIB;
        let rollups = rows as f64 * rollup_bytes_per_row * f64::from(rollup_days) / GIB;
        let disk = (raw + rollups) * 1.5;
        let cores = per_second * cpu_us_per_row / 1e6;
        let row =
            format!("| {} | {per_second:.0} | {raw:.1} GiB | {rollups:.1} GiB | {disk:.0} GiB | {cores:.2} |\n", grouped(rows));
        out.push_str(&row);
    }
    out
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Defaults {
        #[command(flatten)]
        measured: Measured,
    }

    #[test]
    fn the_table_in_the_docs_is_the_computed_one() {
        let defaults = Defaults::parse_from(["sizing"]).measured;
        let docs = std::fs::read_to_string(crate::tree::root().join("docs/cluster.md")).unwrap();
        assert!(docs.contains(&table(&defaults)), "docs/cluster.md should have:\n{}", table(&defaults));
    }

    #[test]
    fn a_million_rows_a_day() {
        let measured = Measured {
            bytes_per_row: 20.0,
            rollup_bytes_per_row: 0.0,
            cpu_us_per_row: 10.0,
            raw_days: 100,
            rollup_days: 1,
            peak: 1.0,
        };
        let first = table(&measured).lines().nth(4).unwrap().to_owned();
        assert_eq!(first, "| 1,000,000 | 12 | 1.9 GiB | 0.0 GiB | 3 GiB | 0.00 |");
    }
}
