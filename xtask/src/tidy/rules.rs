//! The rules, as data.

/// Most lines of code in one file, not counting its tests.
pub(super) const CEILING: usize = 400;

/// Files every checkout has.
pub(super) const REQUIRED_FILES: &[&str] =
    &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// A text that no source file may have.
pub(super) struct Forbidden {
    pub(super) text: &'static str,
    /// Ends of the names of the files it is about.
    pub(super) endings: &'static [&'static str],
    pub(super) why: &'static str,
}

const RUST: &[&str] = &[".rs"];
const JAVASCRIPT: &[&str] = &[".js", ".mjs", ".ts", ".tsx"];

pub(super) const FORBIDDEN: &[Forbidden] = &[
    Forbidden { text: ".only(", endings: JAVASCRIPT, why: "it switches all other tests off" },
    Forbidden { text: ".skip(", endings: JAVASCRIPT, why: "a test that does not run proves nothing" },
    Forbidden { text: "#[ignore", endings: RUST, why: "a test that does not run proves nothing" },
    Forbidden { text: "todo!", endings: RUST, why: "unfinished code does not land" },
    Forbidden { text: "unimplemented!", endings: RUST, why: "unfinished code does not land" },
];

/// A name that only some files may use.
pub(super) struct ImportRule {
    /// The files the rule is about: starts of paths.
    scope: &'static [&'static str],
    /// The names, as whole words.
    pub(super) words: &'static [&'static str],
    /// The files that may: starts of paths.
    only_in: &'static [&'static str],
    pub(super) why: &'static str,
}

impl ImportRule {
    pub(super) fn applies_to(&self, path: &str) -> bool {
        let under = |starts: &[&str]| starts.iter().any(|start| path.starts_with(start));
        under(self.scope) && !under(self.only_in)
    }
}

pub(super) const IMPORTS: &[ImportRule] = &[
    ImportRule {
        scope: &["rum-sdk/src/"],
        words: &["web_sys", "js_sys", "wasm_bindgen", "gloo_timers", "serde_wasm_bindgen"],
        only_in: &["rum-sdk/src/browser/", "rum-sdk/src/browser.rs"],
        why: "the core is plain Rust; only rum-sdk/src/browser talks to the page",
    },
    ImportRule {
        scope: &["ingest/src/"],
        words: &["axum"],
        only_in: &["ingest/src/http/"],
        why: "only ingest/src/http speaks HTTP",
    },
    ImportRule {
        scope: &["ingest/src/"],
        // The crate; `crate::clickhouse` is the module.
        words: &["use clickhouse::", "::clickhouse::", "SELECT ", "INSERT INTO ", "CREATE TABLE ", "ALTER TABLE ", "DROP TABLE "],
        only_in: &["ingest/src/clickhouse/"],
        why: "only ingest/src/clickhouse names the database's client and holds SQL",
    },
    ImportRule {
        scope: &["ingest/src/"],
        words: &["std::fs", "tokio::fs", "fs::File"],
        // Start-up: the configuration is read, the data folder made.
        only_in: &["ingest/src/spool/", "ingest/src/config/", "ingest/src/app.rs", "ingest/src/salt.rs"],
        why: "only ingest/src/spool touches files after start-up",
    },
    ImportRule {
        scope: &["rum-protocol/", "rum-sdk/", "ingest/", "xtask/", "tests/"],
        words: &["unsafe"],
        // These files name it.
        only_in: &["xtask/src/tidy/"],
        why: "only embedded-clickhouse, which loads the engine, has unsafe code",
    },
];
