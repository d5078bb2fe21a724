//! The SQL interface of the demo's service.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::http;

/// Where analysts ask, as the service writes it next to its data.
pub(super) struct SqlEndpoint {
    /// Its address.
    pub(super) url: String,
    database: String,
    user: String,
    key: String,
}

impl SqlEndpoint {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let json: Value = serde_json::from_str(&text)?;
        let field =
            |name: &str| json[name].as_str().map(str::to_owned).with_context(|| format!("no `{name}` in {}", path.display()));
        Ok(Self {
            url: field("url")?.trim_end_matches('/').to_owned(),
            database: field("database")?,
            user: field("user")?,
            key: field("key")?,
        })
    }

    /// The answer to `query`, with the rights of an analyst.
    pub(super) fn ask(&self, query: &str) -> Result<String> {
        let url = format!("{}/?database={}", self.url, self.database);
        http::post(&url, &[("X-ClickHouse-User", &self.user), ("X-ClickHouse-Key", &self.key)], query)
    }

    /// A question to paste into a shell.
    pub(super) fn example(&self) -> String {
        format!(
            "curl '{}/?database={}' -H 'X-ClickHouse-User: {}' -H 'X-ClickHouse-Key: {}' --data-binary \\\n    \
             \"SELECT page, metric, round(quantile(0.75)(value), 3) AS p75, count() FROM events WHERE kind = 'vital' GROUP BY page, metric \
             ORDER BY page, metric FORMAT PrettyCompactMonoBlock\"",
            self.url, self.database, self.user, self.key
        )
    }
}
