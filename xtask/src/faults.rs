//! `cargo xtask faults`: the fault matrix as a table.

use anyhow::{Result, bail};

use crate::{progress, setup, tree};

const HEAD: &str =
    "| fault, under load | times | beacons acknowledged | attempts refused or lost | acknowledged, not stored | stored twice |
| --- | ---: | ---: | ---: | ---: | ---: |";

/// Lets every fault happen to a real service and a real engine, one after the other, and prints what became of the beacons.
///
/// # Errors
/// When a beacon was lost or stored twice, or a fault could not be made.
pub(crate) fn run() -> Result<()> {
    setup::ensure(setup::DEMO)?;
    progress::run("build", &mut tree::cargo(["build", "--workspace", "--bins"]), "Correct what the compiler says.")?;
    let mut test =
        tree::cargo(["test", "--package", "beamline-tests", "--test", "faults", "--", "--nocapture", "--test-threads=1"]);
    let finished = progress::observe("faults", &mut test, |_| String::new())?;
    println!("\n{HEAD}");
    for row in finished.output.lines().filter_map(row) {
        println!("{row}");
    }
    if finished.success {
        return Ok(());
    }
    finished.show();
    bail!("not every fault ended well")
}

/// The harness writes the test's name in front, on the same line.
fn row(line: &str) -> Option<&str> {
    let row = &line[line.find("| ")?..];
    (row.ends_with(" |") && row.matches('|').count() == 7).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_are_taken_from_what_the_tests_print() {
        assert_eq!(row("test the_disk_is_full ... | full disk | 3 | 9 | 1 | 0 | 0 |"), Some("| full disk | 3 | 9 | 1 | 0 | 0 |"));
        assert_eq!(row("running 11 tests"), None);
        assert_eq!(row("a | b |"), None);
    }
}
