//! Which project a request belongs to.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use rum_protocol::RejectReason;

use super::{
    Head,
    rate_limit::{DailyUse, Network, Rates, SharedMeters},
    reject,
};
use crate::{
    accepted::Rejection,
    config::{Origins, Project, SiteKey},
};

/// A request that may send for a project.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The project.
    pub project_id: String,
    /// How long its raw events are kept.
    pub retention_days: u16,
    /// The client's network, for its limits.
    pub(super) network: Option<Network>,
    /// The key it came with.
    pub(super) site: Arc<Site>,
}

/// A site key with what belongs to it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) key: String,
    project_id: String,
    retention_days: u16,
    disabled: bool,
    environments: Vec<String>,
    origins: Origins,
    pub(super) rates: Rates,
    pub(super) meters: SharedMeters,
    /// Shared by the keys of a project.
    pub(super) daily_use: Arc<DailyUse>,
    pub(super) daily_event_quota: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<String, Arc<Site>>);

impl Keys {
    /// The keys of these projects. Those that `before` had keep their meters, and projects what they used of their quota.
    pub(super) fn new(projects: &[Project], before: &Self) -> Self {
        let sites = projects.iter().flat_map(|project| {
            let daily_use = before.daily_use(&project.id).cloned().unwrap_or_default();
            project.site_keys().map(move |SiteKey { id: _, key, disabled, environments }| {
                let meters = before.0.get(&key).map(|site| site.meters.clone()).unwrap_or_default();
                let site = Site {
                    key: key.clone(),
                    project_id: project.id.clone(),
                    retention_days: project.retention_days,
                    disabled,
                    environments,
                    origins: project.origins(),
                    rates: Rates::of(project),
                    meters,
                    daily_use: daily_use.clone(),
                    daily_event_quota: project.daily_event_quota,
                };
                (key, Arc::new(site))
            })
        });
        Self(sites.collect())
    }

    pub(super) fn authorize(&self, head: Head<'_>) -> Result<Admitted, (Option<String>, Rejection)> {
        let Some(key) = head.key else {
            return Err((None, Rejection::new(RejectReason::UnknownKey, "add ?key=<site key> to the address")));
        };
        let Some(site) = self.0.get(key) else {
            return Err((None, Rejection::new(RejectReason::UnknownKey, "no project has this key")));
        };
        let refused = |reason, detail| Err((Some(site.project_id.clone()), Rejection::new(reason, detail)));
        if site.disabled {
            return refused(RejectReason::KeyDisabled, "send with another key of the project");
        }
        if !site.origins.allow(head.origin) {
            return refused(RejectReason::OriginNotAllowed, "add the origin to the project's allowed_origins");
        }
        Ok(Admitted {
            project_id: site.project_id.clone(),
            retention_days: site.retention_days,
            network: head.client.and_then(|address: IpAddr| Network::of(address)),
            site: site.clone(),
        })
    }

    /// Whether answers may name the origin: pages of it may read why they were refused, even if the key is disabled.
    pub(super) fn allows_origin(&self, head: Head<'_>) -> bool {
        head.key.and_then(|key| self.0.get(key)).is_some_and(|site| site.origins.allow(head.origin))
    }

    pub(super) fn daily_use(&self, project_id: &str) -> Option<&Arc<DailyUse>> {
        self.0.values().find(|site| site.project_id == project_id).map(|site| &site.daily_use)
    }

    pub(super) fn has_quota(&self) -> bool {
        self.0.values().any(|site| site.daily_event_quota.is_some())
    }
}

/// Holds a decoded beacon to the environments of its key.
pub(super) fn environment(admitted: &Admitted, env: Option<&str>) -> Result<(), Rejection> {
    let allowed = &admitted.site.environments;
    if allowed.is_empty() || env.is_some_and(|env| allowed.iter().any(|name| name == env)) {
        return Ok(());
    }
    reject(RejectReason::EnvironmentNotAllowed, "set `env` to one of the key's environments, or use another key")
}
