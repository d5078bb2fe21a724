//! Everything that talks to ClickHouse: the client, migrations, rows, the writer and the queries. The only module with SQL.

mod backup;
mod cluster;
mod codes;
mod counting;
mod decimals;
mod erasure;
mod error_rows;
mod errors;
mod ledger;
mod migrate;
mod quarantine;
mod queries;
pub mod readings;
mod rebuild;
mod rows;
mod schema_lock;
mod sql;
mod tenancy;
mod times;
mod told;
mod traced;
mod writer;

pub use backup::{Manifest, Part};
pub use erasure::{Erasure, Subject};
pub use errors::Reason;
pub use migrate::{MigrateError, Migrator, Status, schema_statements};
pub use quarantine::Refused;
pub use rebuild::{Difference, ROLLUPS, Rollup, Scope};
pub use sql::{FORMAT_FOR_PEOPLE, FORMAT_FOR_PROGRAMS};
pub use tenancy::{Readable, tables_with_projects};
pub use times::{QueryTimes, Times};
pub use writer::{Writer, WriterStats};

use std::{sync::Arc, time::Duration};

use errors::InsertError;

/// Queries above this are logged, unless the configuration says otherwise.
const SLOW: Duration = Duration::from_secs(1);
const ECHO_TIMEOUT: Duration = Duration::from_secs(30);

/// Where ClickHouse is and who we are there.
#[derive(Clone)]
pub struct Endpoint {
    /// HTTP address.
    pub url: String,
    /// Database for all tables.
    pub database: String,
    /// User name, if any.
    pub user: Option<String>,
    /// Password, if any.
    pub password: Option<String>,
    /// The cluster the server belongs to, if any.
    pub cluster: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Endpoint({}, {})", self.url, self.database)
    }
}

/// A connection to one database. Cheap to clone.
#[derive(Clone)]
pub struct ClickHouse {
    client: ::clickhouse::Client,
    database: String,
    cluster: Option<String>,
    times: Arc<QueryTimes>,
}

impl std::fmt::Debug for ClickHouse {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ClickHouse({})", self.database)
    }
}

impl ClickHouse {
    /// A client for this endpoint. Nothing is sent yet.
    pub fn new(endpoint: &Endpoint) -> Self {
        let mut client = ::clickhouse::Client::default().with_url(&endpoint.url).with_database(&endpoint.database);
        if let Some(user) = &endpoint.user {
            client = client.with_user(user);
        }
        if let Some(password) = &endpoint.password {
            client = client.with_password(password);
        }
        let (database, cluster) = (endpoint.database.clone(), endpoint.cluster.clone());
        Self { client, database, cluster, times: Arc::new(QueryTimes::new(SLOW)) }
    }

    /// What a statement about tables needs to reach all servers of the cluster; empty for one server.
    pub(in crate::clickhouse) fn on_cluster(&self) -> String {
        self.cluster.as_ref().map_or_else(String::new, |cluster| format!(" ON CLUSTER {cluster}"))
    }

    /// The same with a line in the log for each query that takes longer than this.
    #[must_use]
    pub fn logging_above(self, slow: Duration) -> Self {
        Self { times: Arc::new(QueryTimes::new(slow)), ..self }
    }

    /// How long its queries took.
    pub fn times(&self) -> &QueryTimes {
        &self.times
    }

    /// The server's version; proves that it answers and knows us.
    ///
    /// # Errors
    /// What the client says, or that nothing came within two seconds.
    pub async fn version(&self) -> Result<String, QueryError> {
        let answer = self.client.clone().with_database("system").query("SELECT version()").fetch_one::<String>();
        tokio::time::timeout(Duration::from_secs(2), answer).await.map_err(|_| QueryError::TimedOut)?.map_err(Into::into)
    }

    /// Proves that who answers is ClickHouse, and not something in between that says yes to every insert.
    pub(in crate::clickhouse) async fn echo(&self, text: &str) -> Result<(), InsertError> {
        let answer = self.client.query("SELECT ?").bind(text).fetch_one::<String>();
        let answer = tokio::time::timeout(ECHO_TIMEOUT, answer).await.map_err(InsertError::transient)??;
        if answer == text { Ok(()) } else { Err(InsertError::transient("what answers is not ClickHouse")) }
    }
}

/// A query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The server refused, or cannot be reached.
    #[error("ClickHouse: {0}")]
    Client(#[from] ::clickhouse::error::Error),
    /// The answer broke off, or could not be passed on.
    #[error("the answer: {0}")]
    Reply(std::io::Error),
    /// No answer in time.
    #[error("ClickHouse did not answer in time")]
    TimedOut,
}
