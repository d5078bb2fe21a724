//! Brings a fresh machine to the point where the tasks can run, and does nothing on the second run.

mod apt;
mod npm;
mod python;
mod rust;

use anyhow::Result;

/// Something a task needs on the machine or in the tree.
pub(crate) enum Need {
    /// A target or component of the Rust toolchain.
    Rust(rust::Part),
    /// Debian packages.
    Apt(&'static [apt::Package]),
    /// The packages of a directory with `package.json` and `package-lock.json`, and what they are for.
    Npm(&'static str, &'static str),
    /// The Python environment of the tests.
    Python,
}

/// For building the npm package.
pub(crate) const BUILD: &[Need] =
    &[Need::Rust(rust::Part::Target("wasm32-unknown-unknown")), Need::Npm("npm", "build tools of the package")];

/// For the demo without a browser of its own.
pub(crate) const DEMO: &[Need] =
    &[Need::Npm("embedded-clickhouse/library", "the ClickHouse engine"), Need::Npm("examples/shop", "bundler of the sample shop")];

/// For a browser visit.
pub(crate) const BROWSER: &[Need] = &[Need::Apt(&[apt::CHROMIUM]), Need::Npm("tests/browser", "browser driver")];

/// For the benchmark of browser agents, beyond a browser.
pub(crate) const BENCH_SDK: &[Need] = &[Need::Npm("bench/sdk", "the agents that are compared")];

/// For the ingest benchmark, beyond the engine.
pub(crate) const BENCH_INGEST: &[Need] = &[
    Need::Npm("embedded-clickhouse/library", "the ClickHouse engine"),
    Need::Apt(&[apt::NGINX, apt::NGINX_LUA, apt::REDIS, apt::NATS, apt::POSTGRESQL]),
    Need::Npm("bench/ingest/peers", "the server that is compared"),
];

/// For scraping and alerting.
pub(crate) const PROMETHEUS: &[Need] = &[Need::Apt(&[apt::PROMETHEUS])];

/// For the tests, beyond the lists above.
pub(crate) const TEST: &[Need] = &[
    Need::Rust(rust::Part::Component("clippy")),
    Need::Rust(rust::Part::Component("rustfmt")),
    Need::Apt(&[apt::CHROMIUM, apt::FIREFOX, apt::WEBKIT, apt::XVFB, apt::PROMETHEUS, apt::ALERTMANAGER, apt::PYTHON_VENV]),
    Need::Npm("embedded-clickhouse/tests/clients", "ClickHouse clients"),
    Need::Npm("tests/browser/bundlers", "bundlers and frameworks"),
    Need::Python,
];

/// Everything any task needs: `cargo xtask setup`.
pub(crate) fn run() -> Result<()> {
    for needs in [BUILD, DEMO, BROWSER, TEST] {
        ensure(needs)?;
    }
    println!("ready");
    Ok(())
}

/// Installs what is missing of `needs`.
///
/// # Errors
/// When something is missing and cannot be installed; the message says what to do.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    for need in needs {
        match need {
            Need::Rust(part) => rust::ensure(part)?,
            Need::Apt(packages) => apt::ensure(packages)?,
            Need::Npm(directory, purpose) => npm::ensure(directory, purpose)?,
            Need::Python => python::ensure()?,
        }
    }
    Ok(())
}
