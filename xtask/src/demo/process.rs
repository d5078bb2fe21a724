//! Processes the demo starts, and ends again by their own id.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tree;

/// Time between two looks at something that is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a process may take to end after SIGTERM.
const STOP_DEADLINE: Duration = Duration::from_secs(40);

/// A running process, ended when dropped.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it writes goes to a log file.
    pub(super) fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let directory = tree::state().join("log");
        fs::create_dir_all(&directory)?;
        let log = directory.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { name, child, log })
    }

    /// Waits until `ready` says so; fails with the log when the process ends first or `deadline` passes.
    pub(super) fn wait_until(&mut self, deadline: Duration, ready: impl Fn() -> bool) -> Result<()> {
        let started = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}:\n{}", self.name, self.last_lines());
            }
            if started.elapsed() > deadline {
                bail!("{} was not ready within {} s:\n{}", self.name, deadline.as_secs(), self.last_lines());
            }
            sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Ends it with SIGTERM and waits; kills it when it does not end in time.
    pub(super) fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        // The shell's own `kill`: the program is not on every machine.
        let terminate = format!("kill -TERM {}", self.child.id());
        tree::command("sh", ["-c", &terminate]).status().context("cannot run sh")?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > STOP_DEADLINE {
                self.child.kill()?;
                self.child.wait()?;
                bail!("{} did not stop within {} s and was killed:\n{}", self.name, STOP_DEADLINE.as_secs(), self.last_lines());
            }
            sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn last_lines(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        format!("{}\n(all of it: {})", lines[lines.len().saturating_sub(30)..].join("\n"), self.log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Looks again and again until `look` has something; `None` when the deadline passes.
pub(super) fn poll<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if started.elapsed() > deadline {
            return None;
        }
        sleep(LOOK_EVERY);
    }
}
