//! Starts the real `beamline` and asks it and its ClickHouse questions. For tests only: whatever goes wrong panics with what the
//! service said.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod alertmanager;
mod beacons;
mod collector;
mod command;
mod files;
pub mod grafana;
mod load;
pub mod mmdb;
pub mod panels;
mod prometheus;
mod proxy;
mod server;
mod service;
mod sql;

pub use alertmanager::{Alertmanager, Heard, listen};
pub use beacons::{beacon, now_ms, vital};
pub use collector::{Collector, Manner, Span};
pub use command::{Output, run};
pub use files::files_with;
pub use load::{Load, Sent};
pub use prometheus::{Prometheus, assert_exposition};
pub use proxy::{Proxied, Proxy, Trouble};
pub use server::Server;
pub use service::{Answer, Launch, Service, beamline};
pub use sql::Sql;

use std::time::{Duration, Instant};

/// How long anything may take to become true.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Asks again and again until the answer is `Some`.
///
/// # Panics
/// After [`DEADLINE`], with `what`.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begin.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
