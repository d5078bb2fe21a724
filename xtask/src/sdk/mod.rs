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
    pub(crate) name: String,
    /// What is wrong, if anything.
    pub(crate) violation: Option<String>,
}

/// Builds and packs the package. A violated gate does not stop the build; see [`Package::gates`].
///
/// # Errors
/// When a step of the build fails.
pub(crate) fn build() -> Result<Package> {
    setup::ensure(setup::BUILD)?;
    let mut gates = MODULES.iter().map(make).collect::<Result<Vec<_>>>()?;
    let report = progress::run(
        "optimise and bundle the package",
        &mut tree::command("node", ["npm/build.mjs", "npm/build"]),
        "Run `node npm/build.mjs npm/build` to see the same error.",
    )?;
    let sizes = size::Sizes::from_report(&report)?;
    gates.extend(sizes.gates());
    Ok(Package { tarball: pack()?, sizes, gates })
}

/// A WebAssembly module made of the crate `rum-sdk`.
struct WasmModule {
    /// What it is called in `npm/build/` and by `npm/build.mjs`.
    name: &'static str,
    profile: &'static str,
    features: &'static str,
}

const MODULES: [WasmModule; 2] = [
    WasmModule { name: "agent", profile: "wasm", features: "agent" },
    WasmModule { name: "web-vitals", profile: "wasm-web-vitals", features: "web-vitals" },
];

/// Compiles and binds `module` into its directory under `npm/build/`.
fn make(module: &WasmModule) -> Result<Gate> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let WasmModule { name, profile, features } = *module;
    let compile = ["build", "--package", "rum-sdk", "--target", TARGET, "--profile", profile];
    progress::run(
        &format!("compile {name} to WebAssembly"),
        tree::cargo(compile).args(["--no-default-features", "--features", features]),
        "Fix the compiler's errors in rum-sdk.",
    )?;
    let path = tree::target().join(TARGET).join(profile).join("rum_sdk.wasm");
    let linked = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let bind = || {
        let linked = ModuleConfig::new().generate_name_section(true).parse(&linked)?;
        let panics = Gate { name: format!("callers of panics in {name}"), violation: panics::violation(&linked) };
        bind::bind(linked, &tree::root().join("npm/build").join(name))?;
        Ok(panics)
    };
    progress::timed(&format!("bind and shorten {name}"), bind, |_| String::new())
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
