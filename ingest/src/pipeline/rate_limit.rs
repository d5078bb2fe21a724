//! How much a site key, and one client network with it, may send: beacons and bytes before a body is looked into, events after.
//!
//! Each limit is a leaky bucket as a meter (GCRA): it remembers only when what was taken will have been paid off at the limit's rate. A
//! refusal takes nothing, so that a sender within its rate passes, however often it was refused before.
//!
//! Memory is fixed. Keys come from the configuration. Client networks share a table of [`SETS`] × [`WAYS`] places; when a set is full,
//! the network that owes least gives way. So whoever changes addresses pushes out his own newcomers, not the meter of someone who is held
//! back, and a sender who was pushed out owed almost nothing.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rum_protocol::{RejectReason, limits};

use super::{Admitted, Decision, StepTimer};
use crate::{accepted::Rejection, config::Project};

/// A limit allows this many seconds' worth at once.
const BURST_SECONDS: f64 = 10.0;
const SETS: usize = 4096;
const WAYS: usize = 8;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Beacons,
    Bytes,
    Events,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Beacons => "beacons",
            Self::Bytes => "bytes",
            Self::Events => "events",
        }
    }

    /// The most one request can take. Every limit allows it at once, or no pause would be long enough for it.
    #[expect(clippy::cast_precision_loss, reason = "small constants")]
    const fn most(self) -> f64 {
        match self {
            Self::Beacons => 1.0,
            Self::Bytes => limits::MAX_BODY_BYTES as f64,
            Self::Events => limits::MAX_EVENTS as f64,
        }
    }
}

/// The limits of one project: for each of its keys, and for one client network with one of its keys.
#[derive(Debug)]
pub(super) struct Rates {
    key: [f64; 3],
    client: [f64; 3],
}

impl Rates {
    pub(super) fn of(project: &Project) -> Self {
        let key = [project.rate_limit_per_second, project.byte_limit_per_second, project.event_limit_per_second].map(f64::from);
        let share = f64::from(project.client_rate_limit_per_second) / key[Unit::Beacons as usize];
        Self { key, client: key.map(|rate| rate * share.min(1.0)) }
    }
}

/// Debts of one sender, one for each [`Unit`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meters([Option<Instant>; 3]);

impl Meters {
    /// Takes `cost`, or says how long to wait until it can be taken.
    fn take(&mut self, unit: Unit, per_second: f64, cost: f64, now: Instant) -> Result<(), Duration> {
        let paid_off = &mut self.0[unit as usize];
        let allowed = Duration::from_secs_f64((per_second * BURST_SECONDS).max(unit.most()) / per_second);
        let debt = paid_off.map_or(Duration::ZERO, |paid_off| paid_off.saturating_duration_since(now));
        let next = debt + Duration::from_secs_f64(cost / per_second);
        if let Some(wait) = next.checked_sub(allowed).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        *paid_off = Some(now + next);
        Ok(())
    }

    fn owes(&self, now: Instant) -> Duration {
        self.0.iter().flatten().map(|paid_off| paid_off.saturating_duration_since(now)).max().unwrap_or_default()
    }
}

/// The network a client's address is in: a /24 of IPv4, a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Network([u8; 8]);

impl Network {
    /// `None` for a loopback address: that is a proxy on this machine, and stands for all its clients.
    pub(super) fn of(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            address if address.is_loopback() => None,
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Some(Self([0, 0, 0, 0, 0, a, b, c]))
            }
            IpAddr::V6(address) => address.octets().first_chunk().copied().map(Self),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Hash of key and network, with a seed of this process.
    tag: Option<u64>,
    meters: Meters,
}

/// The meters of client networks.
#[derive(Debug)]
pub(super) struct Clients {
    seed: RandomState,
    sets: Vec<Mutex<[Place; WAYS]>>,
}

impl Default for Clients {
    fn default() -> Self {
        Self { seed: RandomState::new(), sets: (0..SETS).map(|_| Mutex::default()).collect() }
    }
}

impl Clients {
    fn take(&self, sender: (&str, Network), unit: Unit, per_second: f64, cost: f64, now: Instant) -> Result<(), Duration> {
        let tag = self.seed.hash_one(sender);
        let mut set = lock(&self.sets[usize::try_from(tag).unwrap_or_default() % SETS]);
        let known = set.iter().position(|place| place.tag == Some(tag));
        let index = known.or_else(|| (0..WAYS).min_by_key(|index| set[*index].meters.owes(now))).unwrap_or_default();
        if known.is_none() {
            set[index] = Place { tag: Some(tag), meters: Meters::default() };
        }
        set[index].meters.take(unit, per_second, cost, now)
    }
}

/// Takes from the client network's limit and then from the key's, so that one network cannot use up the key for the others.
pub(super) fn take(
    clients: &Clients,
    admitted: &Admitted,
    unit: Unit,
    count: usize,
    now: Instant,
    timer: &dyn StepTimer,
) -> Result<(), Rejection> {
    let decided = |limit, taken: Result<(), Duration>| {
        timer.decided(&admitted.project_id, limit, if taken.is_ok() { Decision::Pass } else { Decision::Refuse });
        taken
    };
    #[expect(clippy::cast_precision_loss, reason = "at most a body's size")]
    let cost = (count as f64).min(unit.most());
    if let Some(network) = admitted.network {
        let per_second = admitted.site.rates.client[unit as usize];
        decided("client", clients.take((&admitted.site.key, network), unit, per_second, cost, now))
            .map_err(|wait| limited("one client network", unit, per_second, wait))?;
    }
    let per_second = admitted.site.rates.key[unit as usize];
    let taken = lock(&admitted.site.meters).take(unit, per_second, cost, now);
    decided(unit.name(), taken).map_err(|wait| limited("this site key", unit, per_second, wait))
}

fn limited(whose: &str, unit: Unit, per_second: f64, wait: Duration) -> Rejection {
    let detail = format!("the limit of {whose} is {per_second} {} a second", unit.name());
    Rejection { retry_after: Some(wait), ..Rejection::new(RejectReason::RateLimited, detail) }
}

/// The events a project has had on one day.
#[derive(Debug, Default)]
pub(super) struct DailyUse(Mutex<Use>);

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    /// Days since the Unix epoch.
    day: u64,
    events: u64,
}

const DAY_MS: u64 = 86_400_000;

impl DailyUse {
    /// Counts events against the quota.
    pub(super) fn take(&self, quota: u64, events: usize, now_ms: u64) -> Result<(), Rejection> {
        let mut used = self.on(now_ms / DAY_MS);
        let total = used.events.saturating_add(events as u64);
        if total > quota {
            let rejection = Rejection::new(RejectReason::QuotaExceeded, format!("the quota is {quota} events a day, by UTC"));
            return Err(Rejection { retry_after: Some(Duration::from_millis(DAY_MS - now_ms % DAY_MS)), ..rejection });
        }
        used.events = total;
        Ok(())
    }

    /// Takes over what the ledger says if it is more than was counted here.
    pub(super) fn at_least(&self, events: u64, now_ms: u64) {
        let mut used = self.on(now_ms / DAY_MS);
        used.events = used.events.max(events);
    }

    fn on(&self, day: u64) -> MutexGuard<'_, Use> {
        let mut used = lock(&self.0);
        if used.day != day {
            *used = Use { day, events: 0 };
        }
        used
    }
}

/// Meters that outlive a change of the configuration.
pub(super) type SharedMeters = Arc<Mutex<Meters>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn network(number: u32) -> Network {
        let [a, b, c, d] = number.to_be_bytes();
        Network([0, 0, 0, 1, a, b, c, d])
    }

    #[test]
    fn a_flood_is_cut_to_the_rate_and_told_how_long_to_wait() {
        let (mut meters, start) = (Meters::default(), Instant::now());
        let passed = |meters: &mut Meters, from_ms: u64, step_ms: u64, tries: u64| {
            let at = |n: u64| start + Duration::from_millis(from_ms + n * step_ms);
            (0..tries).filter(|n| meters.take(Unit::Beacons, 10.0, 1.0, at(*n)).is_ok()).count()
        };
        assert_eq!(passed(&mut meters, 0, 0, 500), 100, "the burst");
        assert_eq!(meters.take(Unit::Beacons, 10.0, 1.0, start), Err(Duration::from_millis(100)));
        assert_eq!(passed(&mut meters, 100, 100, 50), 50, "the steady rate after it");
        assert_eq!(passed(&mut meters, 65_000, 0, 500), 100, "the whole burst after a pause");
    }

    #[test]
    fn a_wait_that_was_kept_is_long_enough() {
        let (mut meters, mut now) = (Meters::default(), Instant::now());
        for events in [500.0, 300.0, 1.0, 499.0, 500.0, 500.0] {
            if let Err(wait) = meters.take(Unit::Events, 7.0, events, now) {
                now += wait;
                assert_eq!(meters.take(Unit::Events, 7.0, events, now), Ok(()), "{events}");
            }
        }
    }

    #[test]
    fn a_limit_below_one_request_still_lets_one_through() {
        let (mut meters, now) = (Meters::default(), Instant::now());
        assert_eq!(meters.take(Unit::Events, 1.0, 500.0, now), Ok(()));
        assert_eq!(meters.take(Unit::Events, 1.0, 1.0, now), Err(SECOND));
    }

    #[test]
    fn peer_fault_a_limiter_that_starves_a_steady_caller() {
        // One at the rate beside a thousand refused attempts in each of its pauses.
        let (mut meters, start) = (Meters::default(), Instant::now());
        for second in 0..100 {
            let now = start + SECOND * second;
            assert_eq!(meters.take(Unit::Beacons, 1.0, 1.0, now), Ok(()), "second {second}");
        }
        let after = start + SECOND * 100;
        while meters.take(Unit::Beacons, 1.0, 1.0, after).is_ok() {}
        for second in 1..100 {
            let due = after + SECOND * second;
            for micros in 0..1000 {
                let early = after + SECOND * (second - 1) + Duration::from_micros(999_000 + micros);
                assert!(meters.take(Unit::Beacons, 1.0, 1.0, early).is_err());
            }
            assert_eq!(meters.take(Unit::Beacons, 1.0, 1.0, due), Ok(()), "refusals cost nothing");
        }
    }

    #[test]
    fn peer_fault_a_limiter_reset_by_address_churn() {
        let (clients, now) = (Clients::default(), Instant::now());
        let take = |network, now| clients.take(("key", network), Unit::Beacons, 1.0, 1.0, now);
        let heavy = network(0);
        while take(heavy, now).is_ok() {}
        // Ten times as many networks as there are places.
        for other in 1..u32::try_from(SETS * WAYS * 10).unwrap() {
            let _ = take(network(other), now);
        }
        assert!(take(heavy, now).is_err(), "still held back");
        // A sender with a steady rate passes throughout.
        let steady = network(u32::MAX);
        for second in 1..20 {
            let now = now + SECOND * second;
            assert_eq!(take(steady, now), Ok(()));
            for other in 0..10_000 {
                let _ = take(network(1_000_000 + second * 10_000 + other), now);
            }
        }
    }

    #[test]
    fn addresses_are_told_apart_by_their_network() {
        let of = |address: &str| Network::of(address.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.9"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!((of("127.0.0.1"), of("::1")), (None, None));
    }

    #[test]
    fn a_quota_ends_with_its_day_and_takes_over_what_the_ledger_knows() {
        let used = DailyUse::default();
        let late = 10 * DAY_MS - 1500;
        assert!(used.take(10, 6, late).is_ok());
        let refused = used.take(10, 5, late).unwrap_err();
        assert_eq!((refused.reason, refused.retry_after), (RejectReason::QuotaExceeded, Some(Duration::from_millis(1500))));
        assert!(used.take(10, 4, late).is_ok(), "what still fits is taken");
        assert!(used.take(10, 10, 10 * DAY_MS).is_ok(), "the next day");
        used.at_least(3, 10 * DAY_MS);
        assert!(used.take(13, 3, 10 * DAY_MS).is_ok(), "less than was counted changes nothing");
        used.at_least(20, 10 * DAY_MS);
        assert!(used.take(20, 1, 10 * DAY_MS).is_err());
    }
}
