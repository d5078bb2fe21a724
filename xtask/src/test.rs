//! `cargo xtask test`: everything that must hold before a change lands, ending with one line of counts.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::tally::Tally;
use crate::{demo, excerpt, progress, sdk, setup, tidy, tree};

/// One step: what is run and how its result counts.
struct Step {
    label: &'static str,
    command: fn() -> Command,
    count: Count,
    needs: Needs,
}

#[derive(Clone, Copy)]
enum Count {
    /// The step is one check.
    One,
    /// Cargo's test harness.
    Libtest,
    /// Node's test runner with TAP output.
    Tap,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// The source tree.
    Tree,
    /// The packed npm package too.
    Package,
}

/// In the order of their cost, so that what fails quickly fails first.
const STEPS: &[Step] = &[
    Step { label: "formatting", command: || tree::cargo(["fmt", "--all", "--check"]), count: Count::One, needs: Needs::Tree },
    Step {
        label: "types of the npm package",
        command: || tree::command("npm", ["run", "check", "--prefix", "npm"]),
        count: Count::One,
        needs: Needs::Tree,
    },
    Step {
        label: "clippy for WebAssembly",
        command: || tree::cargo(["clippy", "--package", "rum-sdk", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings"]),
        count: Count::One,
        needs: Needs::Tree,
    },
    Step {
        label: "clippy for WebAssembly, web-vitals",
        command: || {
            let mut command = tree::cargo(["clippy", "--package", "rum-sdk", "--target", "wasm32-unknown-unknown"]);
            command.args(["--no-default-features", "--features", "web-vitals", "--", "-D", "warnings"]);
            command
        },
        count: Count::One,
        needs: Needs::Tree,
    },
    Step {
        label: "clippy",
        command: || tree::cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        count: Count::One,
        needs: Needs::Tree,
    },
    Step {
        label: "build the service",
        // The same selection of packages as for the tests: another one means other features, and everything built twice.
        command: || tree::cargo(["build", "--workspace", "--bins"]),
        count: Count::One,
        needs: Needs::Tree,
    },
    Step {
        label: "Rust tests",
        command: || tree::cargo(["test", "--workspace", "--no-fail-fast"]),
        count: Count::Libtest,
        needs: Needs::Tree,
    },
    Step {
        label: "browser tests",
        command: || {
            let mut command =
                tree::command("node", ["--test", "--test-concurrency=1", "--test-timeout=600000", "--test-reporter=tap"]);
            command.current_dir(tree::root().join("tests/browser")).env("CARGO_TARGET_DIR", tree::target());
            command
        },
        count: Count::Tap,
        needs: Needs::Package,
    },
];

/// Runs all steps; the counts are the last line printed. Fails when anything failed or nothing was tested.
pub(crate) fn run() -> ExitCode {
    let tally = match prepare() {
        Ok((tally, package_is_there)) => tally + checks(package_is_there),
        Err(error) => failed(&error),
    };
    println!("\n{tally}");
    if tally.failed == 0 && tally.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Sets up and builds the package; says whether it is there.
fn prepare() -> Result<(Tally, bool)> {
    println!("set-up");
    for needs in [setup::BUILD, setup::DEMO, setup::BROWSER, setup::TEST] {
        setup::ensure(needs)?;
    }
    println!("\nnpm package");
    Ok(match sdk::build() {
        Ok(package) => {
            demo::install(&package.tarball)?;
            print!("{}", package.sizes.table());
            (package.gates.iter().map(gate).sum(), true)
        }
        Err(error) => (failed(&error), false),
    })
}

fn checks(package_is_there: bool) -> Tally {
    println!("\nchecks");
    let mut tally = tidy();
    for step in STEPS {
        tally = tally
            + if step.needs == Needs::Package && !package_is_there {
                println!("  {} … not run, there is no package: failed", step.label);
                Tally::one(false)
            } else {
                step.run().unwrap_or_else(|error| failed(&error))
            };
    }
    println!("\na real visit, from page to Prometheus");
    tally + demo::visit_as_test().map_or_else(|error| failed(&error), |()| Tally::one(true))
}

fn tidy() -> Tally {
    let problems =
        progress::timed("house rules", tidy::problems, |problems| if problems.is_empty() { "" } else { "failed" }.to_owned());
    match problems {
        Ok(problems) => {
            for problem in &problems {
                println!("    {problem}");
            }
            Tally::one(problems.is_empty())
        }
        Err(error) => failed(&error),
    }
}

fn gate(gate: &sdk::Gate) -> Tally {
    match &gate.violation {
        None => println!("  {}: holds", gate.name),
        Some(violation) => println!("  failed: {violation}"),
    }
    Tally::one(gate.violation.is_none())
}

fn failed(error: &anyhow::Error) -> Tally {
    println!("    {error:#}");
    Tally::one(false)
}

impl Step {
    fn run(&self) -> Result<Tally> {
        let finished = progress::observe(self.label, &mut (self.command)(), |finished| match self.count {
            Count::One => String::new(),
            Count::Libtest | Count::Tap => self.tally(finished).to_string(),
        })?;
        let tally = self.tally(&finished);
        if tally.failed > 0 {
            match self.count {
                Count::One => finished.show(),
                Count::Libtest => finished.show_part(&excerpt::of_libtest(&finished.output)),
                Count::Tap => finished.show_part(&excerpt::of_tap(&finished.output)),
            }
        }
        Ok(tally)
    }

    fn tally(&self, finished: &progress::Finished) -> Tally {
        match self.count {
            Count::One => Tally::one(finished.success),
            Count::Libtest => Tally::of_libtest(&finished.output).of_run(finished.success),
            Count::Tap => Tally::of_tap(&finished.output).of_run(finished.success),
        }
    }
}
