//! The parent's side: starts the engine process, keeps it running, and ends it.

mod backoff;
mod config;
mod launcher;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::backoff::Backoff;
use self::launcher::{Launcher, Running, describe};

pub use self::config::{Credentials, Endpoint, EngineError, Isolation, ReadLimits, SupervisorConfig, TenantReader};

/// A running, supervised engine. Dropped without [`Engine::shutdown`], the process still ends, but nobody waits for it.
pub struct Engine {
    endpoint: Endpoint,
    state: Arc<State>,
    stop: oneshot::Sender<()>,
    supervision: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// 0 while no process runs.
    pid: AtomicU32,
    restarts: AtomicU64,
}

impl Engine {
    /// Starts the engine process, waits until it serves, and from then on restarts it whenever it ends: on the same port, with the
    /// same keys, after 0.1 s at first and after at most 5 s when it keeps ending within a minute.
    ///
    /// Must be called on a tokio runtime, which runs the supervision.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the first start fails; later ones are logged and tried again.
    pub async fn start(config: SupervisorConfig) -> Result<Self, EngineError> {
        let mut launcher = Launcher::new(config)?;
        let (running, ready) = launcher.launch().await?;
        launcher.settings.listen.set_port(ready.port);
        tracing::info!(
            port = ready.port,
            version = ready.version,
            library = ready.library,
            pid = running.child.id(),
            "embedded ClickHouse serves"
        );
        let credentials = |user: &str, key: &str| Credentials { user: user.to_owned(), key: key.to_owned() };
        let settings = &launcher.settings;
        let endpoint = Endpoint {
            url: format!("http://{}", settings.listen),
            database: settings.database.clone(),
            writer: credentials(&settings.write_user, &settings.write_key),
            reader: credentials(&settings.read_user, &settings.read_key),
        };
        let state = Arc::new(State::default());
        state.pid.store(running.child.id().unwrap_or_default(), Ordering::Relaxed);
        let (stop, stopped) = oneshot::channel();
        let supervision = tokio::spawn(supervise(launcher, running, Arc::clone(&state), stopped));
        Ok(Self { endpoint, state, stop, supervision })
    }

    /// Where it serves, and the keys.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The engine process's id; absent between its end and its restart.
    pub fn pid(&self) -> Option<u32> {
        Some(self.state.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// How often the process was started again since [`Engine::start`].
    pub fn restarts(&self) -> u64 {
        self.state.restarts.load(Ordering::Relaxed)
    }

    /// Lets requests at work finish, for up to 10 s, then ends the process.
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        let _ = self.supervision.await;
    }
}

/// Keeps the process running until told to stop, or until the [`Engine`] is dropped.
async fn supervise(launcher: Launcher, mut running: Running, state: Arc<State>, mut stop: oneshot::Receiver<()>) {
    let mut backoff = Backoff::new(launcher.max_restart_wait);
    loop {
        let started = Instant::now();
        tokio::select! {
            status = running.child.wait() => {
                state.pid.store(0, Ordering::Relaxed);
                tracing::warn!(status = describe(status), "embedded ClickHouse ended");
            }
            _ = &mut stop => {
                state.pid.store(0, Ordering::Relaxed);
                running.end().await;
                return;
            }
        }
        let mut lasted = started.elapsed();
        running = loop {
            let restart = async {
                tokio::time::sleep(backoff.next(lasted)).await;
                launcher.launch().await
            };
            let outcome = tokio::select! {
                outcome = restart => outcome,
                _ = &mut stop => return,
            };
            match outcome {
                Ok((running, _)) => break running,
                Err(error) => tracing::warn!(error = chain(&error), "embedded ClickHouse did not start again"),
            }
            lasted = Duration::ZERO;
        };
        state.pid.store(running.child.id().unwrap_or_default(), Ordering::Relaxed);
        let restarts = state.restarts.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::info!(restarts, pid = running.child.id(), "embedded ClickHouse serves again");
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_ends_at_once_is_an_error() {
        match Engine::start(SupervisorConfig::new("/bin/true".into(), "/nonexistent/libchdb.so".into(), "/nonexistent/data".into()))
            .await
        {
            Err(EngineError::Start { status, .. }) => assert_eq!(status, "exit status: 0"),
            other => panic!("{:?}", other.err()),
        }
    }
}
