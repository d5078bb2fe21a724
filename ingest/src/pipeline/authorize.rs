//! Which project a request belongs to.

use std::collections::HashMap;

use rum_protocol::RejectReason;

use super::Head;
use crate::{
    accepted::Rejection,
    config::{Origins, Project},
};

/// A request that may send for a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The project.
    pub project_id: String,
    /// How long its raw events are kept.
    pub retention_days: u16,
    /// Index of its key, for the rate limit.
    pub(super) key_index: usize,
}

#[derive(Debug)]
pub(super) struct Keys(HashMap<String, (Admitted, Origins)>);

impl Keys {
    pub(super) fn new(projects: &[Project]) -> Self {
        let entry = |(key_index, project): (usize, &Project)| {
            let admitted = Admitted { project_id: project.id.clone(), retention_days: project.retention_days, key_index };
            (project.key.clone(), (admitted, project.origins()))
        };
        Self(projects.iter().enumerate().map(entry).collect())
    }

    pub(super) fn authorize(&self, head: Head<'_>) -> Result<Admitted, (Option<String>, Rejection)> {
        let Some(key) = head.key else {
            return Err((None, Rejection::new(RejectReason::UnknownKey, "add ?key=<site key> to the address")));
        };
        let Some((admitted, origins)) = self.0.get(key) else {
            return Err((None, Rejection::new(RejectReason::UnknownKey, "no project has this key")));
        };
        if !origins.allow(head.origin) {
            let rejection = Rejection::new(RejectReason::OriginNotAllowed, "add the origin to the project's allowed_origins");
            return Err((Some(admitted.project_id.clone()), rejection));
        }
        Ok(admitted.clone())
    }
}
