//! What a user who sees only rows of some tenants may ask.
//!
//! Row policies in the engine keep the rows of others from every statement. What is refused here before would not be filtered (an index is
//! no row), or would come back empty where an error is the better answer.

use super::fault::{Fault, Reason};
use super::statement::{Job, Work};
use crate::engine::tenant_role;
use crate::sql;
use crate::supervisor::Isolation;

/// Table functions that show a table's files and indexes, past all policies.
const PAST_POLICIES: [&str; 5] =
    ["mergeTreeIndex", "mergeTreeProjection", "mergeTreeTextIndex", "mergeTreeAnalyzeIndexes", "mergeTreeAnalyzeIndexesUUID"];
/// Would let one role read what another has asked.
const SHARED: [&str; 2] = ["query_cache_share_between_users", "use_query_cache"];

/// Gives the job the engine's role of its user, or says why it may not run.
pub(super) fn restrict(job: &mut Job, isolation: &Isolation, number: usize) -> Result<(), Fault> {
    let reader = isolation.readers.get(number).ok_or_else(|| denied("this user is not known"))?;
    let names = [isolation.column.as_str(), isolation.column.strip_suffix("_id").unwrap_or(&isolation.column)];
    if let Work::Query { sql, .. } = &job.work {
        if let Some(name) = sql::uses_any(sql, &PAST_POLICIES).or_else(|| sql::uses_any(sql, &SHARED)) {
            return Err(denied(&format!("this user may not use '{name}'")));
        }
        let of_others = |text: &String| !reader.tenants.contains(text);
        let in_parameters =
            job.parameters.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value.clone());
        if let Some(other) = sql::compared_texts(sql, &names).into_iter().chain(in_parameters).find(of_others) {
            return Err(denied(&format!("this user may read {}, not '{other}'", list(&reader.tenants))));
        }
    }
    if let Some((name, _)) = job.settings.iter().find(|(name, _)| SHARED.contains(&name.as_str())) {
        return Err(denied(&format!("this user may not use '{name}'")));
    }
    job.engine_role = Some(tenant_role(&reader.user));
    Ok(())
}

fn list(tenants: &[String]) -> String {
    tenants.iter().map(|tenant| format!("'{tenant}'")).collect::<Vec<_>>().join(", ")
}

fn denied(what: &str) -> Fault {
    Fault::new(Reason::AccessDenied, &format!("Not enough privileges: {what}"))
}
