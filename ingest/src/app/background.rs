//! What goes on beside the requests for as long as the service runs.

use std::{sync::Arc, time::Duration};

use tokio::{
    signal::unix::SignalKind,
    sync::{Notify, oneshot},
    time::MissedTickBehavior,
};

use crate::{
    accepted::Record,
    clock,
    http::Service,
    summaries::{Reader, Refresh},
};

/// How often refused requests and repeated beacons are written to the spool for the ledger.
const LEDGER_EVERY: Duration = Duration::from_secs(1);
/// How often the daily quotas are compared with the ledger.
const QUOTAS_EVERY: Duration = Duration::from_secs(30);

/// Takes over from the ledger what projects have used of their daily quotas: at start, and again and again, for other instances count too.
pub(super) async fn follow_quotas(service: Arc<Service>) {
    let mut ticks = tokio::time::interval(QUOTAS_EVERY);
    loop {
        ticks.tick().await;
        if !service.pipeline().has_quota() {
            continue;
        }
        let now_ms = clock::now_ms();
        match service.clickhouse.events_accepted_on(now_ms).await {
            Ok(used) => used.iter().for_each(|(project, events)| service.pipeline().used_today(project, *events, now_ms)),
            Err(error) => tracing::debug!(%error, "cannot read the ledger for the daily quotas now"),
        }
    }
}

/// Reads the certificate again on SIGHUP.
pub(super) async fn follow_certificate(service: Arc<Service>) {
    let Some(tls) = &service.tls else { return };
    let Ok(mut hangups) = tokio::signal::unix::signal(SignalKind::hangup()) else { return };
    while hangups.recv().await.is_some() {
        match tls.reload() {
            Ok(()) => tracing::info!("certificate read again"),
            Err(error) => tracing::error!(error = format!("{error:#}"), "the old certificate stays"),
        }
    }
}

/// Reads the summaries again and again, the first time as soon as there is a `schema`; `read_first` is told when that is done.
pub(super) async fn read_summaries(
    service: Arc<Service>,
    refresh: Refresh,
    schema: oneshot::Receiver<()>,
    read_first: oneshot::Sender<()>,
) {
    let mut reader = Reader::new(service.clickhouse.clone(), refresh);
    let mut ticks = tokio::time::interval(refresh.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut read_first = Some(read_first);
    let _ = schema.await;
    loop {
        ticks.tick().await;
        let read = reader.read(&service.summaries, service.pipeline().measures()).await;
        service.metrics.clickhouse_up.set(read.is_ok().into());
        if let Err(error) = read {
            tracing::warn!(%error, "cannot read the summaries; /metrics shows the last ones");
        }
        if let Some(read_first) = read_first.take() {
            let _ = read_first.send(());
        }
    }
}

/// Works until `last`, and then once more.
pub(super) async fn write_ledger(service: Arc<Service>, last: Arc<Notify>) {
    let mut ticks = tokio::time::interval(LEDGER_EVERY);
    let mut is_last = false;
    while !is_last {
        is_last = tokio::select! {
            () = last.notified() => true,
            _ = ticks.tick() => false,
        };
        flush_ledger(&service).await;
    }
}

async fn flush_ledger(service: &Service) {
    let lines = service.tally.take();
    if lines.is_empty() {
        return;
    }
    let Ok(record) = serde_json::to_vec(&Record::Ledger(lines.clone())) else { return };
    if let Err(error) = service.spool.append(record).await {
        tracing::debug!(%error, "cannot write to the ledger now");
        service.tally.put_back(lines);
    }
}
