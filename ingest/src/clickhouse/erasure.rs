//! The rows of one person: finding them, erasing them, and keeping them out when they come again.
//!
//! A person is a session, or everybody's sessions in which an attribute had one value. What is erased stays in the table `erasures`, the
//! attribute's value as a hash. The writer looks there before every segment and leaves out rows that are on the list, so that what waits in
//! a spool, comes back from quarantine or is sent again does not bring them back.

use std::collections::HashMap;

use ring::digest;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncBufReadExt as _;

use super::{ClickHouse, QueryError};

/// Until when a session's rows are kept out that was erased by itself: for good.
const FOR_GOOD_MS: i64 = 4_102_444_800_000;
/// Sessions in one condition.
const SESSIONS_AT_ONCE: usize = 5_000;

/// Who is meant, within a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One session.
    Session(u64),
    /// All sessions in which an attribute had one of these values: a user's id, in clear and as it is kept.
    Attribute {
        /// The attribute's name.
        name: String,
        /// Its values.
        values: Vec<String>,
    },
}

/// A line of the table `erasures`: what is erased, and stays so.
#[derive(Clone, Debug, PartialEq, Eq, ::clickhouse::Row, Serialize, Deserialize)]
pub struct Erasure {
    project_id: String,
    /// 0 if it is about an attribute.
    session_id: u64,
    /// Empty if it is about a session.
    attribute: String,
    value_hash: String,
    /// Rows that happened or came after this are kept; Unix milliseconds.
    until: i64,
    /// When it was erased, Unix milliseconds.
    at: i64,
}

impl Erasure {
    /// The project it is about.
    pub fn project(&self) -> &str {
        &self.project_id
    }
}

/// What tells whose a row is.
pub(super) struct Traits<'a> {
    pub(super) project_id: &'a str,
    pub(super) session_id: u64,
    /// When it happened or came, whichever was first.
    pub(super) at_ms: i64,
    pub(super) attributes: &'a [(String, String)],
}

/// A row that may be somebody's.
pub(super) trait Personal {
    /// Absent for rows that are nobody's.
    fn traits(&self) -> Option<Traits<'_>>;
}

/// The list of erasures, for looking things up.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    sessions: HashMap<(String, u64), i64>,
    /// By project and name of the attribute, the hashes.
    attributes: HashMap<(String, String), HashMap<String, i64>>,
}

impl Erasures {
    pub(super) fn new(lines: Vec<Erasure>) -> Self {
        let mut list = Self::default();
        for Erasure { project_id, session_id, attribute, value_hash, until, .. } in lines {
            let known = if attribute.is_empty() {
                list.sessions.entry((project_id, session_id)).or_insert(until)
            } else {
                list.attributes.entry((project_id, attribute)).or_default().entry(value_hash).or_insert(until)
            };
            *known = until.max(*known);
        }
        list
    }

    /// Whether the row was erased, or would have been, had it been there.
    pub(super) fn cover(&self, row: &impl Personal) -> bool {
        if self.sessions.is_empty() && self.attributes.is_empty() {
            return false;
        }
        let Some(Traits { project_id, session_id, at_ms, attributes }) = row.traits() else { return false };
        let by_session = self.sessions.get(&(project_id.to_owned(), session_id));
        let by_attribute = || {
            attributes.iter().any(|(name, value)| {
                let hashes = self.attributes.get(&(project_id.to_owned(), name.clone()));
                let until = hashes.and_then(|hashes| hashes.get(&value_hash(project_id, name, value)));
                until.is_some_and(|until| at_ms <= *until)
            })
        };
        by_session.is_some_and(|until| at_ms <= *until) || by_attribute()
    }
}

impl Subject {
    /// The lines for the list: the subject itself, and the sessions found to be its.
    pub fn erasures(&self, project_id: &str, sessions: &[u64], at_ms: u64) -> Vec<Erasure> {
        let at = i64::try_from(at_ms).unwrap_or(i64::MAX);
        let line = |session_id, attribute: &str, value_hash, until| {
            let (project_id, attribute) = (project_id.to_owned(), attribute.to_owned());
            Erasure { project_id, session_id, attribute, value_hash, until, at }
        };
        match self {
            Self::Session(session) => vec![line(*session, "", String::new(), FOR_GOOD_MS)],
            Self::Attribute { name, values } => {
                let itself = values.iter().map(|value| line(0, name, value_hash(project_id, name, value), at));
                itself.chain(sessions.iter().map(|session| line(*session, "", String::new(), at))).collect()
            }
        }
    }

    /// Whether these attributes of the project are the subject's.
    pub fn has<'a>(&self, mut attributes: impl Iterator<Item = (&'a String, &'a String)>) -> bool {
        match self {
            Self::Session(_) => false,
            Self::Attribute { name, values } => attributes.any(|(key, value)| key == name && values.contains(value)),
        }
    }
}

/// SHA-256 in hexadecimal digits: the list must not say who was erased.
fn value_hash(project_id: &str, name: &str, value: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [project_id, "\0", name, "\0", value] {
        context.update(part.as_bytes());
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// A table with rows of persons.
#[derive(Debug, ::clickhouse::Row, Deserialize)]
struct PersonalTable {
    name: String,
    /// It says when things happened and came.
    has_times: bool,
    has_attributes: bool,
}

const PERSONAL_TABLES: &str = "
SELECT
    table AS name,
    countIf(name IN ('ts', 'received_at')) = 2 AS has_times,
    countIf(name = 'attributes') = 1 AS has_attributes
FROM system.columns
WHERE database = currentDatabase() AND table IN
(
    SELECT name FROM system.tables
    WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name NOT LIKE 'erasures%'
)
GROUP BY table
HAVING countIf(columns.name IN ('project_id', 'session_id')) = 2
ORDER BY table";

impl PersonalTable {
    /// Which of its rows these erasures are about. They are all of one project.
    fn conditions(&self, erasures: &[Erasure]) -> Vec<String> {
        let mut conditions = Vec::new();
        let Some(first) = erasures.first() else { return conditions };
        let project = literal(&first.project_id);
        let (sessions, attributes): (Vec<_>, Vec<_>) = erasures.iter().partition(|erasure| erasure.attribute.is_empty());
        let within = |until: i64| {
            if self.has_times { format!(" AND least(ts, received_at) <= fromUnixTimestamp64Milli({until})") } else { String::new() }
        };
        for same in sessions.chunk_by(|one, next| one.until == next.until) {
            for part in same.chunks(SESSIONS_AT_ONCE) {
                let list = part.iter().map(|erasure| erasure.session_id.to_string()).collect::<Vec<_>>().join(", ");
                conditions.push(format!("project_id = {project} AND session_id IN ({list}){}", within(same[0].until)));
            }
        }
        if self.has_attributes {
            for Erasure { attribute, value_hash, until, .. } in attributes {
                // The others are found by their session.
                conditions.push(format!(
                    "session_id = 0 AND {}{}",
                    has_attribute(&first.project_id, attribute, value_hash),
                    within(*until)
                ));
            }
        }
        conditions
    }
}

fn has_attribute(project_id: &str, attribute: &str, value_hash: &str) -> String {
    let (project, name) = (literal(project_id), literal(attribute));
    let hashed = format!("lower(hex(SHA256(concat({project}, '\\0', {name}, '\\0', attributes[{name}]))))");
    format!("project_id = {project} AND mapContains(attributes, {name}) AND {hashed} = {}", literal(value_hash))
}

/// A text as SQL writes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\0', "\\0"))
}

impl ClickHouse {
    /// The sessions in which the subject of these erasures shows, without those they name.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn sessions_of(&self, erasures: &[Erasure]) -> Result<Vec<u64>, QueryError> {
        let mut sessions = Vec::new();
        for Erasure { project_id, attribute, value_hash, .. } in erasures.iter().filter(|erasure| !erasure.attribute.is_empty()) {
            let condition = has_attribute(project_id, attribute, value_hash);
            let of = |table: &str| format!("SELECT session_id FROM {table} WHERE session_id != 0 AND {condition}");
            let tables = ["events", "errors", "kept_events", "kept_errors"].map(of).join(" UNION ALL ");
            let sql = format!("SELECT DISTINCT session_id FROM ({tables})");
            sessions.extend(self.client.query_raw(&sql).fetch_all::<u64>().await?);
        }
        sessions.sort_unstable();
        sessions.dedup();
        Ok(sessions)
    }

    /// These erasures, and one for each session in which an attribute of theirs shows.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn with_sessions(&self, erasures: &[Erasure]) -> Result<Vec<Erasure>, QueryError> {
        let mut all = erasures.to_vec();
        for erasure in erasures.iter().filter(|erasure| !erasure.attribute.is_empty()) {
            let sessions = self.sessions_of(std::slice::from_ref(erasure)).await?;
            let of_session =
                |session_id| Erasure { session_id, attribute: String::new(), value_hash: String::new(), ..erasure.clone() };
            all.extend(sessions.into_iter().map(of_session));
        }
        Ok(all)
    }

    /// Puts these on the list, durably.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn note_erasures(&self, erasures: &[Erasure]) -> Result<(), QueryError> {
        let mut insert = self.client.insert::<Erasure>("erasures").await?.with_setting("async_insert", "0");
        for erasure in erasures {
            insert.write(erasure).await?;
        }
        insert.end().await.map_err(Into::into)
    }

    /// The whole list.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn erasures(&self) -> Result<Vec<Erasure>, QueryError> {
        self.client.query("SELECT ?fields FROM erasures ORDER BY project_id, until").fetch_all().await.map_err(Into::into)
    }

    /// What tells one state of the list from another: its length and its newest line.
    pub(super) async fn erasures_version(&self) -> Result<(u64, i64), QueryError> {
        #[derive(::clickhouse::Row, Deserialize)]
        struct Version {
            lines: u64,
            newest: i64,
        }
        let sql = "SELECT count() AS lines, toUnixTimestamp64Milli(max(at)) AS newest FROM erasures";
        let Version { lines, newest } = self.client.query(sql).fetch_one().await?;
        Ok((lines, newest))
    }

    /// Erases the rows of these erasures, all of one project, from every table that has rows of persons. Returns how many there were,
    /// by table, when they are gone from every query; the old parts leave the disk minutes later.
    ///
    /// # Errors
    /// [`QueryError`]. Doing it again is harmless.
    pub async fn erase(&self, erasures: &[Erasure]) -> Result<Vec<(String, u64)>, QueryError> {
        let mut erased = Vec::new();
        for table in self.personal_tables().await? {
            let mut rows = 0;
            for condition in table.conditions(erasures) {
                rows += self.rows_of(&table.name, &condition).await?;
                self.mutate(&table.name, &format!("DELETE WHERE {condition}")).await?;
            }
            erased.push((table.name, rows));
        }
        erased.extend(self.forget_samples(erasures).await?);
        Ok(erased)
    }

    /// How many rows [`ClickHouse::erase`] would erase, by table.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn count_personal(&self, erasures: &[Erasure]) -> Result<Vec<(String, u64)>, QueryError> {
        let mut found = Vec::new();
        for table in self.personal_tables().await? {
            let mut rows = 0;
            for condition in table.conditions(erasures) {
                rows += self.rows_of(&table.name, &condition).await?;
            }
            found.push((table.name, rows));
        }
        Ok(found)
    }

    /// Hands over every row of these erasures, all of one project, as a table's name and a line of JSON. 64-bit numbers are texts.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn personal_rows(
        &self,
        erasures: &[Erasure],
        mut take: impl FnMut(&str, &str) -> std::io::Result<()>,
    ) -> Result<(), QueryError> {
        for table in self.personal_tables().await? {
            let conditions = table.conditions(erasures).into_iter().map(|condition| format!("({condition})")).collect::<Vec<_>>();
            if conditions.is_empty() {
                continue;
            }
            let sql = format!("SELECT * FROM {} WHERE {}", table.name, conditions.join(" OR "));
            let quoted = self.client.clone().with_setting("output_format_json_quote_64bit_integers", "1");
            let mut lines = quoted.query_raw(&sql).fetch_bytes("JSONEachRow")?.lines();
            while let Some(line) = lines.next_line().await.map_err(QueryError::Reply)? {
                take(&table.name, &line).map_err(QueryError::Reply)?;
            }
        }
        Ok(())
    }

    async fn personal_tables(&self) -> Result<Vec<PersonalTable>, QueryError> {
        self.client.query_raw(PERSONAL_TABLES).fetch_all().await.map_err(Into::into)
    }

    async fn rows_of(&self, table: &str, condition: &str) -> Result<u64, QueryError> {
        let sql = format!("SELECT count() FROM {table} WHERE {condition}");
        self.client.query_raw(&sql).fetch_one().await.map_err(Into::into)
    }

    async fn mutate(&self, table: &str, change: &str) -> Result<(), QueryError> {
        let on_cluster = self.on_cluster();
        let sql = format!("ALTER TABLE {table}{on_cluster} {change} SETTINGS mutations_sync = 2");
        self.client.query_raw(&sql).execute().await.map_err(Into::into)
    }

    /// Groups of errors outlive the errors and keep one as a sample; one of an erased session is emptied.
    async fn forget_samples(&self, erasures: &[Erasure]) -> Result<Vec<(String, u64)>, QueryError> {
        let sql = "SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'sample' AND table LIKE 'error\\\\_groups%' AND position(type, 'session_id') > 0";
        let mut emptied = Vec::new();
        for name in self.client.query_raw(sql).fetch_all::<String>().await? {
            let sample = PersonalTable { name, has_times: false, has_attributes: false };
            let mut rows = 0;
            for condition in sample.conditions(erasures) {
                let condition = condition.replace("session_id IN", "sample.session_id IN");
                rows += self.rows_of(&sample.name, &condition).await?;
                let empty = "UPDATE sample = defaultValueOfArgumentType(sample)";
                self.mutate(&sample.name, &format!("{empty} WHERE {condition}")).await?;
            }
            emptied.push((format!("{}.sample", sample.name), rows));
        }
        Ok(emptied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str, u64, i64, Vec<(String, String)>);

    impl Personal for Row {
        fn traits(&self) -> Option<Traits<'_>> {
            Some(Traits { project_id: self.0, session_id: self.1, at_ms: self.2, attributes: &self.3 })
        }
    }

    #[test]
    fn a_session_is_erased_for_good_and_a_user_up_to_the_moment() {
        let user = Subject::Attribute { name: "user_id".into(), values: vec!["ada".into()] };
        let mut lines = Subject::Session(1).erasures("shop", &[], 1000);
        lines.extend(user.erasures("shop", &[7], 1000));
        let list = Erasures::new(lines);
        let ada = || vec![("user_id".to_owned(), "ada".to_owned())];
        for (row, covered) in [
            (Row("shop", 1, 5000, Vec::new()), true),
            (Row("blog", 1, 1, Vec::new()), false),
            (Row("shop", 7, 1000, Vec::new()), true),
            (Row("shop", 7, 1001, Vec::new()), false),
            (Row("shop", 9, 1000, ada()), true),
            (Row("shop", 9, 1001, ada()), false),
            (Row("blog", 9, 1000, ada()), false),
            (Row("shop", 9, 1000, vec![("user_id".to_owned(), "grace".to_owned())]), false),
        ] {
            assert_eq!(list.cover(&row), covered, "{} {} {}", row.0, row.1, row.2);
        }
        assert!(!Erasures::default().cover(&Row("shop", 1, 1, ada())));
    }

    #[test]
    fn the_list_does_not_say_who() {
        let user = Subject::Attribute { name: "user_id".into(), values: vec!["ada".into()] };
        let text = serde_json::to_string(&user.erasures("shop", &[7], 1)).unwrap();
        assert!(!text.contains("ada"), "{text}");
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(literal("it's\\"), "'it\\'s\\\\'");
        let table = PersonalTable { name: "events".into(), has_times: true, has_attributes: true };
        let user = Subject::Attribute { name: "a'b".into(), values: vec!["x".into()] };
        let conditions = table.conditions(&user.erasures("shop", &[1, 2], 9));
        assert_eq!(conditions.len(), 2);
        assert_eq!(
            conditions[0],
            "project_id = 'shop' AND session_id IN (1, 2) AND least(ts, received_at) <= fromUnixTimestamp64Milli(9)"
        );
        assert!(conditions[1].contains("attributes['a\\'b']"), "{}", conditions[1]);
    }
}
