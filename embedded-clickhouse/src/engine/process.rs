//! The life of the engine's process: settings in, fence up, logs repaired, engine open, requests served, until the parent goes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::dup;
use rustix::process::{Signal, getpid, kill_process};
use rustix::stdio;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::config::Layout;
use super::confinement::{self, Confinement};
use super::deduplication;
use super::gateway::Gateway;
use crate::http;
use crate::settings::{EngineSettings, Ready};

const MAX_SETTINGS_BYTES: u64 = 64 << 10;
/// How long requests at work may go on when the process is asked to end.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the engine in this process: what the hidden subcommand `beamline engine` does, and nothing else does first.
///
/// It reads its settings from standard input, prints one line of JSON to standard output when it serves, and ends after the requests
/// at work when standard input ends (the parent is gone) or on SIGTERM. What it has to say goes to standard error.
///
/// Must be called before the process has started any other thread (and so outside a tokio runtime), because the fence around it holds
/// only for threads started later; it fails otherwise.
pub fn run_engine() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err("the engine must be started before any other thread of its process".into());
    }
    let (mut parent, mut announcement) = keep_standard_streams_clean()?;
    let settings = read_settings(&mut parent)?;
    if !settings.listen.ip().is_loopback() {
        return Err(format!("{} is not a loopback address", settings.listen).into());
    }
    let layout = Layout::create(&settings.data_dir)?;
    // First of all, because an engine that has just lost its parent may hold the directory, its configuration and the port.
    let repaired = deduplication::repair(&layout.data, settings.limits.lock_wait)?;
    layout.write_configuration(&settings)?;
    let listener = TcpListener::bind(settings.listen)?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();

    match confinement::confine(&layout, &settings.library)? {
        Confinement::Full => {}
        Confinement::Partial => report("this kernel confines the engine's files, but not its network"),
        Confinement::None => report("this kernel cannot confine the engine to its data directory"),
    }
    if repaired != (deduplication::Repaired { tables: repaired.tables, ..deduplication::Repaired::default() }) {
        report(&format!(
            "repaired deduplication logs: {} records without a part taken back, {} torn lines cut, {} lines not understood",
            repaired.retracted, repaired.cut, repaired.malformed
        ));
    }
    let gateway = Arc::new(Gateway::open(&settings.library, layout, &settings.database)?);
    let ready = Ready { port, version: gateway.version().to_owned(), library: gateway.library_version() };

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(async {
        let (gone, parent_gone) = oneshot::channel();
        std::thread::spawn(move || {
            wait_for_end(parent);
            let _ = gone.send(());
        });
        let mut terminate = signal(SignalKind::terminate())?;
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(async move {
            tokio::select! {
                _ = parent_gone => {}
                _ = terminate.recv() => {}
            }
            let _ = stop.send(());
            // A thread, because it must also end a process whose runtime is gone but whose engine does not close.
            std::thread::spawn(|| {
                std::thread::sleep(GRACE);
                report("the engine did not end in time");
                let _ = kill_process(getpid(), Signal::KILL);
            });
        });
        let listener = tokio::net::TcpListener::from_std(listener)?;
        serde_json::to_writer(&mut announcement, &ready)?;
        announcement.write_all(b"\n")?;
        drop(announcement);
        http::serve(listener, Arc::clone(&gateway), &settings, async {
            let _ = stopped.await;
        })
        .await
    });
    runtime.shutdown_background();
    Ok(served?)
}

/// The library looks at standard input, and may write to standard output: they become `/dev/null` and standard error, and the
/// parent's two pipes are kept elsewhere.
fn keep_standard_streams_clean() -> io::Result<(BufReader<File>, File)> {
    let input: OwnedFd = dup(rustix::stdio::stdin())?;
    let output: OwnedFd = dup(rustix::stdio::stdout())?;
    for descriptor in [&input, &output] {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    stdio::dup2_stdin(OpenOptions::new().read(true).open("/dev/null")?)?;
    stdio::dup2_stdout(stdio::stderr())?;
    Ok((BufReader::new(File::from(input)), File::from(output)))
}

fn read_settings(parent: &mut BufReader<File>) -> Result<EngineSettings, Box<dyn std::error::Error>> {
    let mut line = String::new();
    parent.take(MAX_SETTINGS_BYTES).read_line(&mut line)?;
    serde_json::from_str(&line).map_err(|error| {
        format!("this is no command to run by hand: the settings on standard input are not understood: {error}").into()
    })
}

/// The parent writes nothing more, so the next thing to read is the end.
fn wait_for_end(mut parent: BufReader<File>) {
    let mut rest = [0; 64];
    while matches!(parent.read(&mut rest), Ok(1..)) {}
}

/// Tells the parent, which logs what comes on standard error.
fn report(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
