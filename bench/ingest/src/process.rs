//! A target as a process of its own, on the core that the generator does not have, and what it used.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{CpuSet, sched_setaffinity},
};

/// The target's core.
const TARGET_CORE: &str = "0";
/// The generator's core.
const GENERATOR_CORE: usize = 1;
/// How long a start or an end may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Clock ticks in a second, as `/proc` counts them on Linux (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// Keeps this process, the generator, on its own core.
pub(crate) fn pin_generator() -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(GENERATOR_CORE);
    sched_setaffinity(None, &cores).context("the benchmark needs two processors: one for the target, one for the load")
}

/// `program` on the target's core, with every process that it starts.
pub(crate) fn pinned(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", TARGET_CORE]).arg(program).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A running target; ended when dropped.
pub(crate) struct Process {
    child: Child,
    /// Whether it was told to stop.
    is_stopped: bool,
}

impl Process {
    /// Starts it and waits for the line of its standard error in which `listening` finds what it looks for.
    pub(crate) fn start<T: Send + 'static>(
        command: &mut Command,
        listening: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> Result<(Self, T)> {
        let mut child = command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stderr = BufReader::new(child.stderr.take().context("a piped stream")?);
        let (found, finds) = mpsc::channel();
        let (told, tells) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                match listening(&line) {
                    Some(what) => drop(found.send(what)),
                    None => drop(told.send(line)),
                }
            }
        });
        let process = Self { child, is_stopped: false };
        match finds.recv_timeout(PATIENCE) {
            Ok(what) => Ok((process, what)),
            Err(_) => bail!("{command:?} did not start:\n{}", tells.try_iter().collect::<Vec<_>>().join("\n")),
        }
    }

    /// Starts it and waits until something listens at `address`.
    pub(crate) fn start_at(command: &mut Command, address: std::net::SocketAddr) -> Result<Self> {
        let child = command.stderr(Stdio::null()).spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut process = Self { child, is_stopped: false };
        let begin = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            if let Some(status) = process.child.try_wait()? {
                bail!("{command:?} ended: {status}");
            }
            if begin.elapsed() > PATIENCE {
                bail!("{command:?} does not listen on {address}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(process)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process that it has started last.
    pub(crate) fn child(&self) -> Option<u32> {
        descendants(self.id()).last().copied()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self, signal: Signal) -> Result<()> {
        self.is_stopped = true;
        signal_to(self.id(), signal);
        let begin = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begin.elapsed() > PATIENCE {
                bail!("process {} does not end", self.id());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_stopped {
            // Its own children are told by it, or end with it.
            signal_to(self.id(), Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

fn signal_to(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// What processes have used since they started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Used {
    /// Time of a processor, in and for the process.
    pub(crate) cpu: Duration,
    /// Memory now.
    pub(crate) rss_bytes: u64,
    /// Given to the disk.
    pub(crate) written_bytes: u64,
}

impl Used {
    /// Of one process.
    pub(crate) fn by(id: u32) -> Self {
        let file = |name: &str| fs::read_to_string(Path::new("/proc").join(id.to_string()).join(name)).unwrap_or_default();
        let stat = file("stat");
        // After the command in parentheses come the state, and as 12th and 13th the times.
        let fields: Vec<_> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks: f64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum();
        let number = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        Self {
            cpu: Duration::from_secs_f64(ticks / TICKS_PER_SECOND),
            rss_bytes: number(&file("status"), "VmRSS") * 1024,
            written_bytes: number(&file("io"), "write_bytes"),
        }
    }

    /// Of a process and of all that it started.
    pub(crate) fn by_tree(id: u32) -> Self {
        descendants(id).into_iter().map(Self::by).fold(Self::by(id), Self::plus)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            rss_bytes: self.rss_bytes + other.rss_bytes,
            written_bytes: self.written_bytes + other.written_bytes,
        }
    }

    /// Since an earlier look; memory is that of now.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            rss_bytes: self.rss_bytes,
            written_bytes: self.written_bytes.saturating_sub(earlier.written_bytes),
        }
    }
}

fn descendants(id: u32) -> Vec<u32> {
    let children = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten().flat_map(|task| {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<u32>>()
    });
    children.flat_map(|child| std::iter::once(child).chain(descendants(child)).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_what_it_works() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done >&2; read line"]).stdin(Stdio::piped());
        let (process, ()) = Process::start(&mut command, |line| (line == "done").then_some(())).unwrap();
        let used = Used::by_tree(process.id());
        assert!(used.cpu > Duration::from_millis(20) && used.rss_bytes > 100_000, "{used:?}");
        process.stop(Signal::TERM).unwrap();
    }
}
