//! Builds the npm package `beamline-rum`: Rust to WebAssembly, glue, JavaScript, tarball.

mod bind;
mod panics;
mod shorten;
mod silence;
pub(crate) mod size;
mod table;
mod trim;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use walrus::ModuleConfig;

use crate::{progress, setup, tree};

/// What a build made.
pub(crate) struct Package {
    /// The packed npm package, as `npm publish` would upload it.
    pub(crate) tarball: PathBuf,
    /// How large its parts are.
    pub(crate) sizes: size::Sizes,
    /// What must hold before it may be shipped.
    pub(crate) gates: Vec<Gate>,
}

/// A check of the built package.
pub(crate) struct Gate {
    /// What is checked.
    pub(crate) name: &'static str,
    /// What is wrong, if anything.
    pub(crate) violation: Option<String>,
}

/// Builds and packs the package. A violated gate does not stop the build; see [`Package::gates`].
///
/// # Errors
/// When a step of the build fails.
pub(crate) fn build() -> Result<Package> {
    setup::ensure(setup::BUILD)?;
    progress::run(
        "compile the SDK to WebAssembly",
        &mut tree::cargo(["build", "--profile", "wasm", "--target", "wasm32-unknown-unknown", "--package", "rum-sdk"]),
        "Fix the compiler's errors in rum-sdk.",
    )?;
    let path = tree::target().join("wasm32-unknown-unknown/wasm/rum_sdk.wasm");
    let linked = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let bind = || {
        let linked = ModuleConfig::new().generate_name_section(true).parse(&linked)?;
        let panics = Gate { name: "callers of panics", violation: panics::violation(&linked) };
        bind::bind(linked, &tree::root().join("npm/build"))?;
        Ok(panics)
    };
    let panics = progress::timed("bind and shorten", bind, |_| String::new())?;
    let report = progress::run(
        "optimise and bundle the package",
        &mut tree::command("node", ["npm/build.mjs", "npm/build"]),
        "Run `node npm/build.mjs npm/build` to see the same error.",
    )?;
    let sizes = size::Sizes::from_report(&report)?;
    let [default_entry, stub] = sizes.gates();
    Ok(Package { tarball: pack()?, sizes, gates: vec![panics, default_entry, stub] })
}

/// `cargo xtask build`: builds the package and fails on a violated gate.
pub(crate) fn run() -> Result<()> {
    let package = build()?;
    println!("\n{}\n{}", package.sizes.table(), package.tarball.display());
    let violations: Vec<_> = package.gates.into_iter().filter_map(|gate| gate.violation).collect();
    if violations.is_empty() { Ok(()) } else { bail!("{}", violations.join("\n")) }
}

fn pack() -> Result<PathBuf> {
    let npm = tree::root().join("npm");
    for entry in fs::read_dir(&npm)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            fs::remove_file(&path)?;
        }
    }
    progress::run(
        "pack the package",
        tree::command("npm", ["pack", "--ignore-scripts"]).current_dir(&npm),
        "Run `npm pack` in npm/ to see the same error.",
    )?;
    let mut packed = fs::read_dir(&npm)?.filter_map(|entry| Some(entry.ok()?.path()));
    packed.find(|path| path.extension().is_some_and(|extension| extension == "tgz")).context("npm pack made no tarball in npm/")
}
