//! The service as a process of its own.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{DEADLINE, Sql, until};

/// The built program, beside the running test.
///
/// # Panics
/// If it was not built.
pub fn beamline() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here.ancestors().nth(2).unwrap().join("beamline");
    assert!(path.is_file(), "{} is missing: run `cargo xtask test`, or `cargo build -p rum-ingest` first", path.display());
    path
}

/// How to start a service.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// TOML besides the listening address, the data folder and the log format, as whole sections.
    pub config: String,
    /// Environment variables.
    pub env: Vec<(String, String)>,
}

impl Launch {
    /// A launch with this configuration.
    pub fn with(config: &str) -> Self {
        Self { config: config.into(), env: Vec::new() }
    }
}

/// A running service; killed when dropped.
pub struct Service {
    child: Child,
    /// Address of its HTTP interface.
    pub url: String,
    data_dir: PathBuf,
    log: Arc<Mutex<Vec<String>>>,
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: reqwest::header::HeaderMap,
    /// Body, as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON, `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Service {
    /// Starts the service on a free port and waits until it listens.
    ///
    /// # Panics
    /// If it does not, with its log.
    pub fn start(data_dir: &Path, launch: &Launch) -> Self {
        let config = data_dir.with_extension("toml");
        std::fs::write(&config, configuration(data_dir, &launch.config)).unwrap();
        let mut child = Command::new(beamline())
            .args(["serve", "--config"])
            .arg(&config)
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (listening, listen) = mpsc::channel();
        let (lines, stderr) = (log.clone(), BufReader::new(child.stderr.take().unwrap()));
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let entry: Value = serde_json::from_str(&line).unwrap_or_default();
                if entry["message"] == "taking beacons" {
                    let _ = listening.send(entry["listen"].as_str().unwrap_or_default().to_owned());
                }
                lines.lock().unwrap().push(line);
            }
        });
        let Ok(listen) = listen.recv_timeout(DEADLINE) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the service did not start:\n{}", log.lock().unwrap().join("\n"));
        };
        Self { child, url: format!("http://{listen}"), data_dir: data_dir.into(), log }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    ///
    /// # Panics
    /// Never in a single-threaded test.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Its embedded engine's SQL endpoint, for reading.
    ///
    /// # Panics
    /// If it has none.
    pub fn sql(&self) -> Sql {
        Sql::of_data_dir(&self.data_dir).unwrap()
    }

    /// `GET path`.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn fetch(&self, path: &str) -> Answer {
        answer(reqwest::get(format!("{}{path}", self.url)).await.unwrap()).await
    }

    /// The page `/metrics` in another format.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn metrics_as(&self, accept: &str) -> Answer {
        Answer::to(reqwest::Client::new().get(format!("{}/metrics", self.url)).header("accept", accept)).await
    }

    /// A request to the beacon path with the default project's key.
    pub fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.post_with_key("default", body)
    }

    /// A request to the beacon path.
    pub fn post_with_key(&self, key: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let url = format!("{}{}?key={key}", self.url, rum_protocol::DEFAULT_PATH);
        reqwest::Client::new().post(url).header("content-type", "text/plain;charset=UTF-8").body(body)
    }

    /// Sends a beacon that must be taken whole.
    ///
    /// # Panics
    /// If it was not.
    pub async fn accept(&self, beacon: &Value) {
        let taken = answer(self.post(beacon.to_string()).send().await.unwrap()).await;
        assert_eq!((taken.status, taken.text.as_str()), (202, ""), "{beacon}");
    }

    /// A sample on `/metrics`: the value of the line that begins with `series` and a space.
    ///
    /// # Panics
    /// If the value is no number.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        let text = self.fetch("/metrics").await.text;
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|value| value.parse().unwrap())
    }

    /// Waits until a query of the embedded engine answers this text. An engine that does not answer counts as another answer.
    ///
    /// # Panics
    /// If it does not before the deadline, with the last answer and the log.
    pub async fn until_sql(&self, query: &str, expected: &str) {
        let sql = self.sql();
        let last = Mutex::new(String::new());
        let ask = async || {
            let answer = sql.ask(query).await.unwrap_or_else(|error| error);
            let reached = answer == expected;
            *last.lock().unwrap() = answer;
            reached.then_some(())
        };
        let begin = std::time::Instant::now();
        while ask().await.is_none() {
            let last = last.lock().unwrap().clone();
            assert!(begin.elapsed() < DEADLINE, "{query}\nanswered {last}\nexpected {expected}\nlog:\n{}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// The engine's process, a child of the service.
    ///
    /// # Panics
    /// If it has none before the deadline.
    pub async fn engine_pid(&self) -> u32 {
        until("the engine process", async || child_of(self.pid())).await
    }

    /// Kills the service at once, as `kill -9` does.
    ///
    /// # Panics
    /// If it is gone already.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the service to stop and waits until it has.
    ///
    /// # Panics
    /// If it fails.
    pub async fn stop(mut self) -> String {
        send_signal(self.pid(), Signal::TERM);
        let status = until("the service stops", || std::future::ready(self.child.try_wait().unwrap())).await;
        assert!(status.success(), "{status}\n{}", self.log());
        self.log()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// The answer to a request, read to its end.
    ///
    /// # Panics
    /// If the connection breaks off.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        answer(request.send().await.unwrap()).await
    }
}

async fn answer(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

fn configuration(data_dir: &Path, more: &str) -> String {
    let dir = data_dir.display();
    format!("[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = \"{dir}\"\n[log]\nformat = \"json\"\n{more}\n")
}

fn child_of(parent: u32) -> Option<u32> {
    std::fs::read_dir("/proc").unwrap().find_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the command in parentheses come the state and the parent's id.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let (state, of) = (fields.next()?, fields.next()?.parse::<u32>().ok()?);
        (of == parent && state != "Z").then_some(pid)
    })
}

/// Sends a signal to a process; one that is gone is left alone.
pub(crate) fn send_signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

impl Service {
    /// Kills the engine at once.
    pub async fn kill_engine(&self) {
        send_signal(self.engine_pid().await, Signal::KILL);
    }

    /// Stops the engine as `Ctrl-Z` does: it answers nothing until it goes on.
    pub async fn freeze_engine(&self) {
        send_signal(self.engine_pid().await, Signal::STOP);
    }

    /// Lets the engine go on.
    pub async fn thaw_engine(&self) {
        send_signal(self.engine_pid().await, Signal::CONT);
    }

    /// Asks the service to read its configuration again, after writing this one.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn reload(&self, config: &str) {
        std::fs::write(self.data_dir.with_extension("toml"), configuration(&self.data_dir, config)).unwrap();
        self.hang_up();
    }

    /// Asks the service to read its files again.
    pub fn hang_up(&self) {
        send_signal(self.pid(), Signal::HUP);
    }
}
