//! The house rules a compiler does not know: who may name what, how long a file may be, what must not be there.

mod manifests;
mod rules;
mod source;

use std::fs;

use anyhow::Result;

use crate::tree;
use rules::{CEILING, FORBIDDEN, Forbidden, IMPORTS, REQUIRED_FILES};
use source::Source;

/// `cargo xtask tidy`: prints what breaks a rule and fails if anything does.
pub(crate) fn run() -> Result<()> {
    let problems = problems()?;
    for problem in &problems {
        println!("{problem}");
    }
    anyhow::ensure!(problems.is_empty(), "{} house rules are broken", problems.len());
    println!("tidy");
    Ok(())
}

/// One sentence for everything in the tree that breaks a rule.
pub(crate) fn problems() -> Result<Vec<String>> {
    let root = tree::root();
    let mut problems: Vec<_> =
        REQUIRED_FILES.iter().filter(|name| !root.join(name).is_file()).map(|name| format!("{name}: missing")).collect();
    for path in source::files(&root)? {
        let text = fs::read_to_string(root.join(&path))?;
        problems.extend(lock_file_problem(&path, &text));
        if source::is_code(&path) {
            problems.extend(code_problems(&Source::new(&path, &text)));
        }
    }
    problems.extend(manifests::problems()?);
    Ok(problems)
}

fn code_problems(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    for rule in IMPORTS.iter().filter(|rule| rule.applies_to(source.path)) {
        for (line, text) in source.code() {
            for word in rule.words.iter().filter(|word| source::names(text, word)) {
                problems.push(format!("{}:{line}: names `{word}`: {}", source.path, rule.why));
            }
        }
    }
    if source.path.starts_with("xtask/src/tidy/") {
        return problems; // The list of forbidden texts is there.
    }
    for (line, text) in source.lines() {
        let found = |rule: &&Forbidden| text.contains(rule.text) && rule.endings.iter().any(|ending| source.path.ends_with(ending));
        for Forbidden { text, why, .. } in FORBIDDEN.iter().filter(found) {
            problems.push(format!("{}:{line}: has `{text}`: {why}", source.path));
        }
    }
    let length = source.length();
    if length > CEILING {
        problems.push(format!("{}: {length} lines without tests, limit is {CEILING}; split it by meaning", source.path));
    }
    problems
}

/// A lock file must lead every machine to its own registry.
fn lock_file_problem(path: &str, text: &str) -> Option<String> {
    const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let problem = if path.ends_with("package-lock.json") {
        text.contains("\"resolved\": \"http")
            .then_some("names a registry host; install with `omit-lockfile-registry-resolved=true`")
    } else if path.ends_with("Cargo.lock") {
        let foreign = text.lines().any(|line| line.starts_with("source = ") && line != CRATES_IO);
        foreign.then_some("has a crate from elsewhere than crates.io")
    } else {
        None
    };
    problem.map(|problem| format!("{path}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let problems = code_problems(&Source::new(path, text));
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, part) in problems.iter().zip(expected) {
            assert!(problem.contains(part), "{problem:?} should contain {part:?}");
        }
    }

    #[test]
    fn browser_bindings_stay_in_the_browser_module() {
        check("rum-sdk/src/monitor.rs", "use web_sys::Window;", &["rum-sdk/src/monitor.rs:1: names `web_sys`"]);
        check("rum-sdk/src/browser/mod.rs", "use web_sys::Window;", &[]);
        check("rum-sdk/src/browser.rs", "use web_sys::Window;", &[]);
    }

    #[test]
    fn only_http_names_axum() {
        check("ingest/src/pipeline/decode.rs", "fn f(b: axum::body::Bytes) {}", &["names `axum`"]);
        check("ingest/src/http/mod.rs", "use axum::Router;", &[]);
    }

    #[test]
    fn only_the_clickhouse_module_names_the_crate_and_sql() {
        check("ingest/src/summaries/mod.rs", "use clickhouse::Client;", &["names `use clickhouse::`"]);
        check("ingest/src/summaries/mod.rs", "#[derive(::clickhouse::Row)]", &["names `::clickhouse::`"]);
        check("ingest/src/summaries/mod.rs", "use crate::clickhouse::Store;", &[]);
        check("ingest/src/summaries/mod.rs", "    clickhouse::{Store, Row},", &[]);
        check("ingest/src/summaries/mod.rs", "let q = \"SELECT 1\";", &["names `SELECT `"]);
        check("ingest/src/clickhouse/mod.rs", "use clickhouse::Client; let q = \"SELECT 1\";", &[]);
    }

    #[test]
    fn only_the_spool_touches_files() {
        check("ingest/src/pipeline/mod.rs", "std::fs::write(path, text)?;", &["names `std::fs`"]);
        check("ingest/src/spool/segment.rs", "std::fs::write(path, text)?;", &[]);
    }

    #[test]
    fn comments_and_test_modules_may_name_anything() {
        check("ingest/src/app.rs", "// axum\n/// axum\nfn a() {}\n#[cfg(test)]\nmod tests {\n    use axum::Router;\n}\n", &[]);
    }

    #[test]
    fn unsafe_code_stays_in_one_crate() {
        check("ingest/src/app.rs", "let x = unsafe { y() };", &["names `unsafe`"]);
        check("embedded-clickhouse/src/engine.rs", "let x = unsafe { y() };", &[]);
    }

    #[test]
    fn tests_may_not_be_switched_off_or_left_out() {
        check("tests/browser/a.test.mjs", "test.only('x', () => {});", &["has `.only(`"]);
        check(
            "ingest/src/app.rs",
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    #[ignore]\n    fn b() {}\n}",
            &[":5: has `#[ignore`"],
        );
        check("ingest/src/app.rs", "fn a() { todo!() }", &["has `todo!`"]);
        check("ingest/src/config/load.rs", "Env::raw().only(&[])", &[]);
    }

    #[test]
    fn a_file_may_be_as_long_as_the_ceiling_not_counting_its_tests() {
        let code = "fn a() {}\n".repeat(CEILING);
        check("ingest/src/app.rs", &code, &[]);
        check("ingest/src/app.rs", &format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n"), &[]);
        check("ingest/src/app.rs", &format!("{code}fn b() {{}}\n"), &["401 lines"]);
        check("tests/system/spine.rs", &format!("{code}fn b() {{}}\n"), &[]);
    }

    #[test]
    fn lock_files_name_no_host() {
        let check = |path, text, refused| assert_eq!(lock_file_problem(path, text).is_some(), refused, "{text}");
        check("npm/package-lock.json", "\"resolved\": \"https://registry.example/a.tgz\"", true);
        check("npm/package-lock.json", "\"url\": \"https://github.com/sponsors/x\"", false);
        check("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"", false);
        check("Cargo.lock", "source = \"git+https://github.com/a/b\"", true);
    }
}
