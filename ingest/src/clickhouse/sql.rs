//! What people ask by hand.

use super::{ClickHouse, Endpoint, QueryError};

/// How to show an answer whose statement names no format of its own.
pub const FORMAT_FOR_PEOPLE: &str = "PrettyCompact";
/// The same for programs.
pub const FORMAT_FOR_PROGRAMS: &str = "TabSeparatedWithNames";

impl ClickHouse {
    /// A client that may only read, whatever its user may.
    pub fn for_reading(endpoint: &Endpoint) -> Self {
        let mut clickhouse = Self::new(endpoint);
        // 2: the statement may still set what it likes.
        clickhouse.client = clickhouse.client.with_setting("readonly", "2");
        clickhouse
    }

    /// Runs one statement as it stands and hands its answer over as it comes.
    ///
    /// # Errors
    /// [`QueryError`], with what ClickHouse says against the statement.
    pub async fn ask(&self, sql: &str, format: &str, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), QueryError> {
        let mut answer = self.client.query_raw(sql).fetch_bytes(format)?;
        while let Some(chunk) = answer.next().await? {
            take(&chunk).map_err(QueryError::Reply)?;
        }
        Ok(())
    }
}
