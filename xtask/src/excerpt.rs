//! Finds what went wrong in the long output of a test runner.

/// The failed tests of TAP output: each `not ok` line with its details.
pub(crate) fn of_tap(output: &str) -> String {
    let mut kept = Vec::new();
    let mut inside = false;
    for line in output.lines() {
        let text = line.trim_start();
        inside = text.starts_with("not ok ") || (inside && !text.starts_with("ok ") && !text.starts_with("# "));
        if inside {
            kept.push(line);
        }
    }
    kept.join("\n")
}

/// The failed tests and compiler errors in the output of `cargo test`.
pub(crate) fn of_libtest(output: &str) -> String {
    let mut kept = Vec::new();
    let mut inside = false;
    for line in output.lines() {
        let ends = line.starts_with("test result: ");
        let begins = line == "failures:" || line.starts_with("error");
        let next_crate = ["   Compiling ", "     Running ", "   Doc-tests "].iter().any(|start| line.starts_with(start));
        inside = begins || (inside && !next_crate);
        if inside {
            kept.push(line);
        }
        inside = inside && !ends;
    }
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_of_tap_keep_their_details() {
        let output = "TAP version 13\n# Subtest: a\nok 1 - a\n  ---\n  ...\n# Subtest: b\nnot ok 2 - b\n  ---\n  error: 'e'\n  ...\nok 3 - c\n# fail 1\n";
        assert_eq!(of_tap(output), "not ok 2 - b\n  ---\n  error: 'e'\n  ...");
    }

    #[test]
    fn failed_tests_and_compiler_errors_of_cargo_are_kept() {
        let output = "     Running a\ntest x ... FAILED\n\nfailures:\n\n---- x stdout ----\nboom\n\nfailures:\n    x\n\n\
                      test result: FAILED. 0 passed; 1 failed\n\n     Running b\ntest y ... ok\n\
                      error[E0308]: mismatched\n --> a.rs\n   Compiling c\n";
        assert_eq!(
            of_libtest(output),
            "failures:\n\n---- x stdout ----\nboom\n\nfailures:\n    x\n\ntest result: FAILED. 0 passed; 1 failed\nerror[E0308]: mismatched\n --> a.rs"
        );
    }
}
