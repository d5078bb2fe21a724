//! Targets and components of the Rust toolchain.

use anyhow::{Result, bail};

use crate::{progress, tree};

/// A part of the toolchain that `rustup` can add.
pub(crate) enum Part {
    /// A compilation target.
    Target(&'static str),
    /// A tool that cargo runs, such as clippy.
    Component(&'static str),
}

pub(super) fn ensure(part: &Part) -> Result<()> {
    if is_there(part) {
        return Ok(());
    }
    let (kind, name) = match part {
        Part::Target(name) => ("target", *name),
        Part::Component(name) => ("component", *name),
    };
    if tree::output("rustup", ["--version"]).is_none() {
        bail!(
            "the Rust {kind} `{name}` is missing and there is no rustup to add it; install it with your Rust toolchain's own tools"
        );
    }
    progress::run(
        &format!("add the Rust {kind} {name}"),
        &mut tree::command("rustup", [kind, "add", name]),
        &format!("Run `rustup {kind} add {name}` in the repository."),
    )?;
    Ok(())
}

fn is_there(part: &Part) -> bool {
    match part {
        Part::Target(name) => tree::output("rustc", ["--print", "target-libdir", "--target", name])
            .is_some_and(|directory| std::path::Path::new(directory.trim()).is_dir()),
        Part::Component("rustfmt") => tree::output("cargo", ["fmt", "--version"]).is_some(),
        Part::Component(name) => tree::output("cargo", [name, "--version"]).is_some(),
    }
}
