//! Runs the commands a task consists of: one line each with the time it took, and the command's own output only when it fails.

use std::fs::{self, File};
use std::io::{IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tree;

/// How much of a failed command's output is shown; the log file has all of it.
const SHOWN_LINES: usize = 200;

/// Runs `command` as a step called `label` and returns what it wrote, standard output and error together.
///
/// # Errors
/// When the command cannot be started or fails; its output has then been shown, followed by `advice`.
pub(crate) fn run(label: &str, command: &mut Command, advice: &str) -> Result<String> {
    let finished = observe(label, command, |_| String::new()).with_context(|| advice.to_owned())?;
    if finished.success {
        return Ok(finished.output);
    }
    finished.show();
    bail!("`{label}` failed. {advice}")
}

/// What a command did.
pub(crate) struct Finished {
    /// Whether it exited with zero.
    pub(crate) success: bool,
    /// Standard output and error, in the order they were written.
    pub(crate) output: String,
    log: PathBuf,
}

impl Finished {
    /// Prints the end of the output and where all of it is.
    pub(crate) fn show(&self) {
        self.show_part(&self.output);
    }

    /// Prints the end of `part`, some of the output, and where all of it is; an empty part stands for everything.
    pub(crate) fn show_part(&self, part: &str) {
        let part = if part.is_empty() { &self.output } else { part };
        let lines: Vec<_> = part.lines().collect();
        for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
            println!("    {line}");
        }
        println!("    (all of it: {})", self.log.display());
    }
}

/// Runs `command` as a step called `label`, whose line ends with what `describe` says; failure is left to the caller.
///
/// # Errors
/// When the command cannot be started.
pub(crate) fn observe(label: &str, command: &mut Command, describe: impl FnOnce(&Finished) -> String) -> Result<Finished> {
    let log = log_path(label)?;
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let work = || {
        let status = command.status().with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        Ok(Finished { success: status.success(), output, log })
    };
    timed(label, work, |finished| if finished.success { describe(finished) } else { format!("failed  {}", describe(finished)) })
}

/// Runs `work` and prints `label`, the time it took, and what `describe` says of the result; on a terminal the time runs along.
pub(crate) fn timed<T>(label: &str, work: impl FnOnce() -> Result<T>, describe: impl FnOnce(&T) -> String) -> Result<T> {
    let started = Instant::now();
    print!("  {label} …");
    let _ = stdout().flush();
    let (done, waiting) = channel::<()>();
    let result = std::thread::scope(|scope| {
        if stdout().is_terminal() {
            scope.spawn(move || {
                while waiting.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                    print!("\r  {label} … {:.0} s", started.elapsed().as_secs_f64());
                    let _ = stdout().flush();
                }
                print!("\r  {label} …");
            });
        }
        let result = work();
        drop(done);
        result
    });
    let description = result.as_ref().map_or_else(|_| "failed".to_owned(), describe);
    println!(" {:.1} s  {description}", started.elapsed().as_secs_f64());
    result
}

fn log_path(label: &str) -> Result<PathBuf> {
    let directory = tree::state().join("log");
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let slug: String = label.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    Ok(directory.join(format!("{slug}.log")))
}
