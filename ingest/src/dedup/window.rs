//! The ids in memory: those of durable beacons, and those of beacons being written.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{BeaconKey, Seen};

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// How long a beacon is remembered after it came.
    pub age: Duration,
    /// Most beacons remembered; the oldest is forgotten for a new one.
    pub beacons: usize,
}

/// The beacons that are recognised when they come again.
#[derive(Debug)]
pub struct Window {
    limits: WindowLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stored: HashSet<BeaconKey>,
    /// The same, oldest first.
    order: VecDeque<(Instant, BeaconKey)>,
    /// Closed when the first of its id is durable or has failed.
    being_written: HashMap<BeaconKey, watch::Receiver<()>>,
    forgotten_early: u64,
}

/// What a beacon with an id is.
#[derive(Debug)]
pub enum Claim {
    /// The first: it is to be written.
    First(Reservation),
    /// One that is durable already.
    Duplicate,
}

/// Holds an id while its beacon is written. Dropped without [`Reservation::stored`], it lets the next one with that id be the first.
#[derive(Debug)]
pub struct Reservation {
    window: Arc<Window>,
    key: BeaconKey,
    /// Closing it wakes who waits.
    _writing: watch::Sender<()>,
}

impl Window {
    /// A window that remembers nothing yet.
    pub fn new(limits: WindowLimits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    /// Remembers beacons found on disk. `now` and `now_ms` are the same moment; a beacon from the future counts as new.
    pub fn restore(&self, seen: impl IntoIterator<Item = Seen>, now: Instant, now_ms: u64) {
        let aged = |seen: Seen| {
            let age = Duration::from_millis(now_ms.saturating_sub(seen.received_at_ms));
            let came = now.checked_sub(age).unwrap_or(now);
            (age < self.limits.age).then_some((came, seen.key))
        };
        let mut found: Vec<_> = seen.into_iter().filter_map(aged).collect();
        let mut state = self.lock();
        found.extend(state.order.drain(..));
        found.sort_by_key(|(came, _)| *came);
        state.stored.clear();
        for (came, key) in found {
            state.remember(key, came, self.limits);
        }
    }

    /// Says whether a beacon is the first with its id. Waits while another with the same id is being written.
    pub async fn claim(self: &Arc<Self>, key: BeaconKey, now: Instant) -> Claim {
        loop {
            let mut other = {
                let mut state = self.lock();
                state.forget_before(now, self.limits.age);
                if state.stored.contains(&key) {
                    return Claim::Duplicate;
                }
                let Some(other) = state.being_written.get(&key) else {
                    let (writing, done) = watch::channel(());
                    state.being_written.insert(key, done);
                    return Claim::First(Reservation { window: self.clone(), key, _writing: writing });
                };
                other.clone()
            };
            // Nothing is ever sent: this ends when the reservation does.
            let _ = other.changed().await;
        }
    }

    /// Beacons remembered now.
    pub fn beacons(&self) -> u64 {
        self.lock().stored.len() as u64
    }

    /// Most beacons that are remembered.
    pub const fn capacity(&self) -> u64 {
        self.limits.beacons as u64
    }

    /// Beacons forgotten before their time, because more came than are remembered.
    pub fn forgotten_early(&self) -> u64 {
        self.lock().forgotten_early
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remember(&mut self, key: BeaconKey, came: Instant, limits: WindowLimits) {
        if self.stored.insert(key) {
            self.order.push_back((came, key));
        }
        if self.stored.len() > limits.beacons
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.stored.remove(&oldest);
            self.forgotten_early += 1;
        }
    }

    fn forget_before(&mut self, now: Instant, age: Duration) {
        while let Some((came, key)) = self.order.front().copied()
            && now.saturating_duration_since(came) >= age
        {
            self.order.pop_front();
            self.stored.remove(&key);
        }
    }
}

impl Reservation {
    /// The beacon is as durable as its answer promises: from now on it is recognised.
    pub fn stored(self, now: Instant) {
        self.window.lock().remember(self.key, now, self.window.limits);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.window.lock().being_written.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(number: u64) -> BeaconKey {
        BeaconKey::of("shop", &format!("00000000-0000-7000-8000-{:012x}", number + 1)).unwrap()
    }

    fn window(age_ms: u64, beacons: usize) -> Arc<Window> {
        Arc::new(Window::new(WindowLimits { age: Duration::from_millis(age_ms), beacons }))
    }

    async fn store(window: &Arc<Window>, number: u64, now: Instant) -> bool {
        match window.claim(key(number), now).await {
            Claim::First(reservation) => {
                reservation.stored(now);
                true
            }
            Claim::Duplicate => false,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_a_hundred_at_once_one_is_first_and_the_others_wait_for_it() {
        let window = window(1000, 10);
        let now = Instant::now();
        let Claim::First(first) = window.claim(key(1), now).await else { panic!("nothing was there") };
        let others = (0..100).map(|_| {
            let window = window.clone();
            tokio::spawn(async move { store(&window, 1, now).await })
        });
        let others = others.collect::<Vec<_>>();
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!(others.iter().all(|other| !other.is_finished()), "none may be answered before the first is durable");
        drop(first);
        let mut firsts = 0;
        for other in others {
            firsts += u32::from(other.await.unwrap());
        }
        assert_eq!(firsts, 1, "after a failure one of those that waited is written");
        assert_eq!((window.beacons(), window.lock().being_written.len()), (1, 0));
    }

    #[tokio::test]
    async fn what_is_too_old_or_too_much_is_forgotten() {
        let window = window(1000, 3);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(store(&window, 1, at(0)).await);
        assert!(!store(&window, 1, at(999)).await);
        assert!(store(&window, 1, at(1000)).await);
        for number in 2..=4 {
            assert!(store(&window, number, at(1000 + number)).await);
        }
        assert_eq!((window.beacons(), window.forgotten_early()), (3, 1));
        assert!(store(&window, 1, at(1100)).await, "the oldest went for the fourth");
    }

    #[tokio::test]
    async fn what_was_on_disk_ages_by_the_time_it_came() {
        let window = window(1000, 10);
        let now = Instant::now();
        let seen = |number, received_at_ms| Seen { key: key(number), received_at_ms };
        window.restore([seen(1, 9500), seen(2, 8999), seen(3, 99_000), seen(1, 9500)], now, 10_000);
        window.restore([seen(4, 9100)], now, 10_000);
        assert_eq!(window.beacons(), 3);
        assert!(!store(&window, 1, now).await);
        assert!(store(&window, 2, now).await, "too old");
        assert!(!store(&window, 3, now).await, "a clock that went back must not let it pass");
        assert!(store(&window, 4, now + Duration::from_millis(100)).await);
        assert!(store(&window, 1, now + Duration::from_millis(500)).await);
    }

    proptest! {
        #[test]
        fn a_window_is_what_a_list_of_all_would_say(
            steps in prop::collection::vec((0..6_u64, 0..400_u64), 1..60),
            beacons in 1..5_usize,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let window = window(1000, beacons);
            let start = Instant::now();
            let (mut now_ms, mut all) = (0, Vec::<(u64, u64)>::new());
            for (number, pause_ms) in steps {
                now_ms += pause_ms;
                all.retain(|(came, _)| now_ms - came < 1000);
                let kept = &all[all.len().saturating_sub(beacons)..];
                let is_new = !kept.iter().any(|(_, other)| *other == number);
                let found = runtime.block_on(store(&window, number, start + Duration::from_millis(now_ms)));
                prop_assert_eq!(found, is_new);
                if is_new {
                    all.push((now_ms, number));
                }
                prop_assert!(window.beacons() <= beacons as u64);
            }
        }
    }
}
