//! Questions to ClickHouse over its HTTP interface.

use std::path::Path;

use serde_json::Value;

/// A way into a ClickHouse database.
#[derive(Clone, Debug)]
pub struct Sql {
    /// HTTP address.
    pub url: String,
    /// Database.
    pub database: String,
    /// User name.
    pub user: String,
    /// Password.
    pub key: String,
}

impl Sql {
    /// The endpoint a service with the embedded engine has written down.
    pub(crate) fn of_data_dir(dir: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(dir.join("sql-endpoint.json")).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        let field = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self { url: field("url")?, database: field("database")?, user: field("user")?, key: field("key")? })
    }

    /// The answer as text, or what ClickHouse says against it.
    ///
    /// # Errors
    /// The body of an error answer, or why there was none.
    pub async fn ask(&self, query: &str) -> Result<String, String> {
        let answer = reqwest::Client::new()
            .post(&self.url)
            .query(&[("database", self.database.as_str())])
            .header("X-ClickHouse-User", &self.user)
            .header("X-ClickHouse-Key", &self.key)
            .body(query.to_owned())
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let ok = answer.status().is_success();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if ok { Ok(text.trim_end().to_owned()) } else { Err(text) }
    }

    /// Like [`Sql::ask`].
    ///
    /// # Panics
    /// On any error.
    pub async fn text(&self, query: &str) -> String {
        self.ask(query).await.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// One number.
    ///
    /// # Panics
    /// If the answer is none.
    pub async fn number(&self, query: &str) -> f64 {
        let text = self.text(query).await;
        text.parse().unwrap_or_else(|_| panic!("{query}: {text}"))
    }
}
