//! The engine's generated configuration: what it may use, and what its one user may do.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::settings::EngineSettings;
use crate::supervisor::{Isolation, TenantReader};

/// Where the engine keeps what, below the configured data directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The configured data directory, absolute.
    pub(crate) root: PathBuf,
    /// ClickHouse's own data directory.
    pub(crate) data: PathBuf,
    /// Where ClickHouse keeps files that users bring. Stays empty, because no grant leads there.
    pub(crate) user_files: PathBuf,
    /// Where backups are written and read.
    pub(crate) backups: PathBuf,
    /// The configuration file that every connection names. Without one the engine would take a `config.xml` found elsewhere.
    pub(crate) config_file: PathBuf,
}

impl Layout {
    /// Creates the directories, for this user alone.
    pub(crate) fn create(data_dir: &Path) -> io::Result<Self> {
        let create = |directory: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        create(data_dir)?;
        let root = data_dir.canonicalize()?;
        let layout = Self {
            data: root.join("clickhouse"),
            user_files: root.join("user_files"),
            backups: root.join("backups"),
            config_file: root.join("config.xml"),
            root,
        };
        create(&layout.data)?;
        create(&layout.user_files)?;
        create(&layout.backups)?;
        Ok(layout)
    }

    /// Writes the configuration files anew. A running engine would read them again, so only its successor may.
    pub(crate) fn write_configuration(&self, settings: &EngineSettings) -> io::Result<()> {
        let users_file = self.root.join("users.xml");
        write(&self.config_file, &server_config(self, &users_file, settings.limits.memory_bytes))?;
        write(&users_file, &users_config(&settings.database, &settings.isolation))
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}

fn server_config(layout: &Layout, users_file: &Path, memory_bytes: Option<u64>) -> String {
    let directory = |path: &Path| escape(&format!("{}/", path.display()));
    let memory =
        memory_bytes.map(|bytes| format!("  <max_server_memory_usage>{bytes}</max_server_memory_usage>\n")).unwrap_or_default();
    format!(
        "<clickhouse>\n  \
           <path>{data}</path>\n  \
           <user_files_path>{user_files}</user_files_path>\n  \
           <users_config>{users}</users_config>\n  \
           <backups><allowed_path>{backups}</allowed_path></backups>\n\
         {memory}  \
           <mark_cache_size>67108864</mark_cache_size>\n  \
           <index_mark_cache_size>16777216</index_mark_cache_size>\n  \
           <uncompressed_cache_size>0</uncompressed_cache_size>\n  \
           <mmap_cache_size>100</mmap_cache_size>\n  \
           <compiled_expression_cache_size>16777216</compiled_expression_cache_size>\n  \
           <background_pool_size>4</background_pool_size>\n  \
           <background_schedule_pool_size>4</background_schedule_pool_size>\n  \
           <merge_tree>\n    \
             <fsync_after_insert>1</fsync_after_insert>\n    \
             <fsync_part_directory>1</fsync_part_directory>\n    \
             <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>\n    \
             <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>\n    \
             <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>\n  \
           </merge_tree>\n\
         </clickhouse>\n",
        data = directory(&layout.data),
        user_files = directory(&layout.user_files),
        backups = directory(&layout.backups),
        users = escape(&users_file.display().to_string()),
    )
}

/// The role with every right there is here.
pub(crate) const WRITER_ROLE: &str = "beamline_writer";
/// The role that reads everything.
pub(crate) const READER_ROLE: &str = "beamline_reader";

/// The role of a user who reads rows of some tenants only.
pub(crate) fn tenant_role(user: &str) -> String {
    format!("tenant_{user}")
}

/// Everything inside the one database, reading of ClickHouse's own tables, temporary tables and SQL functions. What is absent is
/// absent on purpose: files, addresses, other databases, users, and dictionaries, whose sources may run programs.
const WRITER_GRANTS: [&str; 5] = [
    "SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP DATABASE, DROP TABLE, DROP VIEW, TRUNCATE, \
     OPTIMIZE, CHECK, BACKUP, SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM VIEWS ON {database}.*",
    "SELECT, SHOW ON system.*",
    "SELECT ON information_schema.*",
    "SELECT ON INFORMATION_SCHEMA.*",
    "CREATE TEMPORARY TABLE, CREATE FUNCTION, DROP FUNCTION ON *.*",
];
/// Some table functions ask for the right to make temporary tables; that a reader makes none is up to the statement gate.
const READER_GRANTS: [&str; 5] = [
    "SHOW, SELECT ON {database}.*",
    "SELECT, SHOW ON system.*",
    "SELECT ON information_schema.*",
    "SELECT ON INFORMATION_SCHEMA.*",
    "CREATE TEMPORARY TABLE ON *.*",
];
/// ClickHouse's own tables that tell a tenant nothing of the others, and that clients ask for. All others are empty for tenants.
const TENANT_SYSTEM_TABLES: [&str; 17] = [
    "one",
    "numbers",
    "numbers_mt",
    "zeros",
    "zeros_mt",
    "tables",
    "columns",
    "databases",
    "settings",
    "functions",
    "formats",
    "data_type_families",
    "build_options",
    "time_zones",
    "keywords",
    "current_roles",
    "enabled_roles",
];

fn users_config(database: &str, isolation: &Isolation) -> String {
    let quoted = quote_identifier(database);
    let fixed = |grants: [&str; 5]| grants.map(|grant| grant.replace("{database}", &quoted)).to_vec();
    let mut roles = vec![(WRITER_ROLE.to_owned(), fixed(WRITER_GRANTS)), (READER_ROLE.to_owned(), fixed(READER_GRANTS))];
    let readable = || isolation.tables.iter().chain(&isolation.views);
    for reader in &isolation.readers {
        let tables = readable().map(|table| format!("SHOW, SELECT ON {quoted}.{}", quote_identifier(table)));
        roles.push((tenant_role(&reader.user), tables.chain(["SELECT, SHOW ON system.*".to_owned()]).collect()));
    }
    let each = |grants: &[String]| grants.iter().map(|grant| format!("<query>GRANT {grant}</query>")).collect::<Vec<_>>().concat();
    let define = |(role, grants): &(String, Vec<String>)| format!("    <{role}><grants>{}</grants></{role}>\n", each(grants));
    let definitions = roles.iter().map(define).collect::<Vec<_>>().concat();
    let held = each(&roles.iter().map(|(role, _)| role.clone()).collect::<Vec<_>>());
    format!(
        "<clickhouse>\n  \
           <profiles><default/></profiles>\n  \
           <quotas><default/></quotas>\n  \
           <roles>\n{definitions}  </roles>\n  \
           <users>\n    \
             <default>\n      \
               <password></password>\n      \
               <networks><ip>::/0</ip></networks>\n      \
               <profile>default</profile>\n      \
               <quota>default</quota>\n      \
               <grants>{held}</grants>\n{policies}    \
             </default>\n  \
           </users>\n\
         </clickhouse>\n",
        policies = policies(database, isolation),
    )
}

/// Row policies: one that lets nobody but the two users with all rows see anything in `system`, or in a table of the database that is not
/// named here, and then one for each table that tenants may read. Without tenants there is none, because a policy takes from ClickHouse
/// the short ways to a count.
fn policies(database: &str, isolation: &Isolation) -> String {
    if isolation.readers.is_empty() {
        return String::new();
    }
    let all = format!("has(currentRoles(), '{WRITER_ROLE}') OR has(currentRoles(), '{READER_ROLE}')");
    let own = isolation.readers.iter().fold(all.clone(), |filter, TenantReader { user, tenants, .. }| {
        let list: Vec<_> = tenants.iter().map(|tenant| format!("'{tenant}'")).collect();
        format!("{filter} OR (has(currentRoles(), '{}') AND {} IN ({}))", tenant_role(user), isolation.column, list.join(", "))
    });
    let filtered = |names: &mut dyn Iterator<Item = &str>, filter: &str| -> String {
        names.map(|name| format!("<table name=\"{name}\"><filter>{filter}</filter></table>")).collect::<Vec<_>>().concat()
    };
    let mut tables = isolation.tables.iter().map(String::as_str);
    let mut views = isolation.views.iter().map(String::as_str);
    format!(
        "      <databases>\n        <{database}>{}{}{}</{database}>\n        <system>{}{}</system>\n      </databases>\n",
        filtered(&mut [""].into_iter(), &all),
        filtered(&mut tables, &own),
        filtered(&mut views, "1"),
        filtered(&mut [""].into_iter(), &all),
        filtered(&mut TENANT_SYSTEM_TABLES.into_iter(), "1"),
    )
}

/// `name` as ClickHouse's quoted identifier. Names are checked to be plain before, so there is nothing to escape.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("`{name}`")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_and_memory_is_stated_only_when_given() {
        let root = PathBuf::from("/a&b/<c>");
        let [data, user_files, backups, config_file] = [(); 4].map(|()| root.clone());
        let layout = Layout { root, data, user_files, backups, config_file };
        let text = server_config(&layout, Path::new("/users.xml"), Some(7));
        assert!(text.contains("<path>/a&amp;b/&lt;c&gt;/</path>"), "{text}");
        assert!(text.contains("<max_server_memory_usage>7<"), "{text}");
        assert!(!server_config(&layout, Path::new("/users.xml"), None).contains("max_server_memory"));
    }

    #[test]
    fn grants_name_the_configured_database_and_never_every_right() {
        let text = users_config("rum", &Isolation::default());
        assert!(text.contains("ON `rum`.*"), "{text}");
        assert!(!text.contains("GRANT ALL") && !text.contains("DICTIONARY") && !text.contains("{database}"), "{text}");
        assert!(!text.contains("<filter>"), "{text}");
    }
}
