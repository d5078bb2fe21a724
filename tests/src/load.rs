//! A steady load, as many pages send it at once.

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::{beacon, vital};

/// Beacons under way at the same time.
const SENDERS: u32 = 4;
/// Between two beacons of one sender.
const PAUSE: Duration = Duration::from_millis(4);
/// A page does not wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bounds a load that nobody ends. Numbers are values of vitals, which have a bound too.
const MOST_BEACONS: u64 = 400_000;

/// Sends beacons until [`Load::finish`]. Each has a number; whatever is not acknowledged is sent again, the same bytes, until it is: so all
/// that was ever sent is acknowledged in the end, and must be stored once.
pub struct Load {
    shared: Arc<Shared>,
    senders: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    address: RwLock<String>,
    enough: AtomicBool,
    numbers: AtomicU64,
    acknowledged: AtomicU64,
    again: AtomicU64,
}

/// What a load has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Beacons, all acknowledged, numbered from 1. Each has an LCP of its number and an INP of 2.
    pub beacons: u64,
    /// Attempts that were not acknowledged.
    pub again: u64,
}

impl Load {
    /// Begins to send to the service at `url`.
    pub fn on(url: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(shared.clone().send());
        }
        let load = Self { shared, senders };
        load.moved_to(url);
        load
    }

    /// The service has another address now.
    ///
    /// # Panics
    /// If a sender has panicked.
    pub fn moved_to(&self, url: &str) {
        url.clone_into(&mut self.shared.address.write().unwrap());
    }

    /// Beacons acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many more are acknowledged.
    ///
    /// # Panics
    /// If they are not before the deadline.
    pub async fn acknowledges(&self, more: u64) {
        let least = self.acknowledged() + more;
        crate::until("beacons are acknowledged", async || (self.acknowledged() >= least).then_some(())).await;
    }

    /// Sends no new beacons, and returns once all are acknowledged.
    ///
    /// # Panics
    /// If a sender has.
    pub async fn finish(mut self) -> Sent {
        self.shared.enough.store(true, Ordering::Relaxed);
        while let Some(sender) = self.senders.join_next().await {
            sender.unwrap();
        }
        let Shared { acknowledged, again, .. } = &*self.shared;
        Sent { beacons: acknowledged.load(Ordering::Relaxed), again: again.load(Ordering::Relaxed) }
    }
}

impl Shared {
    async fn send(self: Arc<Self>) {
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        while !self.enough.load(Ordering::Relaxed) {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
            assert!(number <= MOST_BEACONS, "the load was not ended");
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let body =
                beacon(&format!("01890a5d-ac96-774b-8000-{number:012x}"), "/", &[vital("LCP", number as f64), vital("INP", 2.0)]);
            while !self.is_acknowledged(&client, &body).await {
                self.again.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE * 5).await;
            }
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn is_acknowledged(&self, client: &reqwest::Client, body: &Value) -> bool {
        let url = format!("{}{}?key=default", self.address.read().unwrap(), rum_protocol::DEFAULT_PATH);
        let answer = client.post(url).header("content-type", "text/plain").body(body.to_string()).send().await;
        match answer.map(|answer| answer.status().as_u16()) {
            Ok(202) => true,
            // Full, stopping, or too much at once: it says to come again.
            Ok(429 | 503) | Err(_) => false,
            Ok(status) => panic!("{status} is no answer to a good beacon"),
        }
    }
}
