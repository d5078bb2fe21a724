//! One at a time: two instances that start against one server must not both move its schema.
//!
//! ClickHouse has no locks for clients, but it makes a table of one name once, and everybody sees it at once. Whoever wants to move the
//! schema makes a table `schema_lock_<random>` and looks whether there is another; if there is, it takes its own away and waits. Since each
//! shows itself before it looks, two never both go on. The holder touches its table every few seconds, so that one left behind by a
//! process that died is told from one that is held.

use std::time::Duration;

use serde::Deserialize;

use super::{ClickHouse, QueryError};

/// How often the holder touches its table.
const TOUCH_EVERY: Duration = Duration::from_secs(5);
/// Not touched for so long, a table is nobody's.
const LEFT_BEHIND_SECONDS: u32 = 60;
/// How often one who waits looks again, at most.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// Others, and how long ago they were touched, by the server's own clock.
const OTHERS: &str =
    "SELECT name, comment, toUInt32(greatest(0, dateDiff('second', metadata_modification_time, now()))) AS idle_seconds
FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'schema_lock_') AND name != ?";

#[derive(::clickhouse::Row, Deserialize)]
struct Other {
    name: String,
    comment: String,
    idle_seconds: u32,
}

impl ClickHouse {
    /// Takes all locks away. Right only where nobody can hold one: in an engine that has just been started by this process.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn forget_schema_locks(&self) -> Result<(), QueryError> {
        let others: Vec<Other> = self.client.query(OTHERS).bind("").fetch_all().await?;
        for Other { name, .. } in others {
            self.client.query_raw(&format!("DROP TABLE IF EXISTS {name} SYNC")).execute().await?;
        }
        Ok(())
    }
}

/// A name for a lock that nobody else has.
pub(super) fn name() -> String {
    format!("schema_lock_{:016x}", rand::random::<u64>())
}

/// Does `work` while nobody else does the like in this database. `name` is the lock's; one of this name that is there already is taken for
/// our own, left by an attempt that broke off.
///
/// # Errors
/// If the lock cannot be taken. `work` has not begun then.
pub(super) async fn alone<T>(clickhouse: &ClickHouse, name: &str, work: impl Future<Output = T>) -> Result<T, QueryError> {
    let on_cluster = clickhouse.on_cluster();
    let holder = format!("{} {}", std::process::id(), env!("CARGO_PKG_VERSION"));
    let run = async |sql: String| clickhouse.client.query_raw(&sql).execute().await.map_err(QueryError::from);
    let mut told = false;
    loop {
        run(format!("CREATE TABLE IF NOT EXISTS {name}{on_cluster} (held UInt8) ENGINE = Memory COMMENT '{holder}'")).await?;
        let others: Vec<Other> = clickhouse.client.query(OTHERS).bind(name).fetch_all().await?;
        let (dead, living): (Vec<_>, Vec<_>) = others.into_iter().partition(|other| other.idle_seconds > LEFT_BEHIND_SECONDS);
        for other in dead {
            run(format!("DROP TABLE IF EXISTS {}{on_cluster} SYNC", other.name)).await?;
        }
        let Some(other) = living.first() else { break };
        run(format!("DROP TABLE IF EXISTS {name}{on_cluster} SYNC")).await?;
        if !told {
            told = true;
            tracing::info!(held_by = other.comment, "another process moves the schema; waiting for it");
        }
        // Not in step with another who waits.
        tokio::time::sleep(LOOK_EVERY.mul_f64(rand::random_range(0.2..=1.0))).await;
    }
    let touch = async {
        let mut ticks = tokio::time::interval(TOUCH_EVERY);
        loop {
            ticks.tick().await;
            // One that fails is made up for by the next.
            let _ = run(format!("ALTER TABLE {name}{on_cluster} MODIFY COMMENT '{holder} '")).await;
        }
    };
    let done = tokio::select! {
        done = work => done,
        never = touch => never,
    };
    run(format!("DROP TABLE IF EXISTS {name}{on_cluster} SYNC")).await?;
    Ok(done)
}
