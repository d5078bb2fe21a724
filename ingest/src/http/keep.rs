//! From an acceptance to its outcome on disk, once for each beacon.

use std::{sync::Arc, time::Instant};

use rum_protocol::RejectReason;
use tracing::Instrument as _;

use super::{Service, traced::Origin};
use crate::{
    accepted::{Record, RejectedEvent, Rejection},
    clock,
    dedup::{BeaconKey, Claim},
    pipeline::Acceptance,
    spool::SpoolError,
    traces::{RequestTrace, TraceContext},
};

/// What the sender is told.
pub(super) struct Kept {
    pub(super) accepted: usize,
    pub(super) rejected: Vec<RejectedEvent>,
}

/// Makes a beacon durable and counts it, unless it is there already. `begin` is when the last byte of the body came.
///
/// The work goes on if the sender goes away: the beacon would be stored anyway, so it must be remembered and counted too.
pub(super) async fn keep(service: Arc<Service>, acceptance: Acceptance, begin: Instant, origin: Origin) -> Result<Kept, Rejection> {
    let work = tokio::spawn(store(service, acceptance, begin, origin).in_current_span());
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "storing a beacon failed");
        Err(Rejection::new(RejectReason::StorageUnavailable, ""))
    })
}

/// When this returns `Ok`, every accepted event is durable, by this beacon or by the first of its id.
async fn store(service: Arc<Service>, acceptance: Acceptance, begin: Instant, origin: Origin) -> Result<Kept, Rejection> {
    let Acceptance { mut beacon, rejected, lost } = acceptance;
    let accepted = beacon.events.len();
    let project_id = beacon.project_id.clone();
    let reservation = match BeaconKey::of(&project_id, &beacon.beacon_id) {
        None => None,
        Some(key) => match service.seen.claim(key, Instant::now()).await {
            Claim::First(reservation) => Some(reservation),
            Claim::Duplicate => {
                count_duplicate(&service, &project_id, (accepted + rejected.len()) as u64);
                if let Some(trace) = &origin.trace {
                    trace.note("beamline.outcome", "duplicate");
                }
                return Ok(Kept { accepted, rejected });
            }
        },
    };
    let spooling = origin.trace.as_ref().map(|trace| trace.spooling());
    beacon.trace = spooling.or_else(|| origin.sender.map(|sender| TraceContext { is_sampled: false, ..sender }));
    let record = Record::Beacon(Box::new(beacon)).encode().map_err(|error| {
        tracing::error!(%error, "cannot encode a spool record");
        Rejection::new(RejectReason::StorageUnavailable, "")
    })?;
    let spooled = append(&service, record, spooling.zip(origin.trace.as_deref())).await;
    spooled.map_err(|error| unavailable(&error))?;
    if let Some(reservation) = reservation {
        reservation.stored(Instant::now());
    }
    let metrics = &service.metrics;
    metrics.acknowledge.observe(begin.elapsed(), origin.trace.as_ref().map(|trace| trace.id()));
    metrics.beacons.with_label_values(&[&project_id, "accepted", ""]).inc();
    metrics.events.with_label_values(&[&project_id, "accepted", ""]).inc_by(accepted as u64);
    for event in &rejected {
        metrics.events.with_label_values(&[&project_id, "rejected", event.rejection.reason.name()]).inc();
    }
    if lost.retried > 0 {
        metrics.retried.with_label_values(&[project_id.as_str()]).inc_by(lost.retried.into());
    }
    for (how, events) in [("dropped", lost.dropped), ("refused", lost.refused)] {
        if events > 0 {
            metrics.lost.with_label_values(&[project_id.as_str(), how]).inc_by(events.into());
        }
    }
    Ok(Kept { accepted, rejected })
}

async fn append(service: &Service, record: Vec<u8>, traced: Option<(TraceContext, &RequestTrace)>) -> Result<(), SpoolError> {
    let begin = Instant::now();
    let result = service.spool.append(record).await;
    if let Some((context, trace)) = traced {
        trace.spooled(context, begin.elapsed(), &result);
    }
    result
}

fn count_duplicate(service: &Service, project_id: &str, events: u64) {
    service.metrics.beacons.with_label_values(&[project_id, "duplicate", ""]).inc();
    service.metrics.events.with_label_values(&[project_id, "duplicate", ""]).inc_by(events);
    service.tally.duplicate(project_id, events, clock::now_ms());
    tracing::debug!(project = project_id, "beacon was sent again");
}

fn unavailable(error: &SpoolError) -> Rejection {
    match error {
        SpoolError::Closed => Rejection::new(RejectReason::ShuttingDown, ""),
        SpoolError::RecordTooLarge(_) => Rejection::new(RejectReason::DecodedTooLarge, "the beacon does not fit a spool segment"),
        SpoolError::Full { .. } => Rejection::new(RejectReason::StorageUnavailable, "the spool is full"),
        SpoolError::InUse(_) | SpoolError::Io { .. } | SpoolError::Group(_) => {
            Rejection::new(RejectReason::StorageUnavailable, "the disk refused")
        }
    }
}
