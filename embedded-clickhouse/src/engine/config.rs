//! The engine's generated configuration: what it may use, and what its one user may do.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::settings::EngineSettings;

/// Where the engine keeps what, below the configured data directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The configured data directory, absolute.
    pub(crate) root: PathBuf,
    /// ClickHouse's own data directory.
    pub(crate) data: PathBuf,
    /// Where ClickHouse keeps files that users bring. Stays empty, because no grant leads there.
    pub(crate) user_files: PathBuf,
    /// The configuration file that every connection names. Without one the engine would take a `config.xml` found elsewhere.
    pub(crate) config_file: PathBuf,
}

impl Layout {
    /// Creates the directories, for this user alone.
    pub(crate) fn create(data_dir: &Path) -> io::Result<Self> {
        let create = |directory: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        create(data_dir)?;
        let root = data_dir.canonicalize()?;
        let layout =
            Self { data: root.join("clickhouse"), user_files: root.join("user_files"), config_file: root.join("config.xml"), root };
        create(&layout.data)?;
        create(&layout.user_files)?;
        Ok(layout)
    }

    /// Writes the configuration files anew. A running engine would read them again, so only its successor may.
    pub(crate) fn write_configuration(&self, settings: &EngineSettings) -> io::Result<()> {
        let users_file = self.root.join("users.xml");
        write(&self.config_file, &server_config(self, &users_file, settings.limits.memory_bytes))?;
        write(&users_file, &users_config(&settings.database))
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
           <users_config>{users}</users_config>\n\
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
        users = escape(&users_file.display().to_string()),
    )
}

/// Everything inside the one database, reading of ClickHouse's own tables, temporary tables and SQL functions. What is absent is
/// absent on purpose: files, addresses, other databases, users, and dictionaries, whose sources may run programs.
const GRANTS: [&str; 5] = [
    "SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP DATABASE, DROP TABLE, DROP VIEW, TRUNCATE, \
     OPTIMIZE, CHECK, SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM VIEWS ON {database}.*",
    "SELECT, SHOW ON system.*",
    "SELECT ON information_schema.*",
    "SELECT ON INFORMATION_SCHEMA.*",
    "CREATE TEMPORARY TABLE, CREATE FUNCTION, DROP FUNCTION ON *.*",
];

fn users_config(database: &str) -> String {
    let grants: String = GRANTS
        .map(|grant| format!("        <query>GRANT {}</query>\n", grant.replace("{database}", &quote_identifier(database))))
        .concat();
    format!(
        "<clickhouse>\n  \
           <profiles><default/></profiles>\n  \
           <quotas><default/></quotas>\n  \
           <users>\n    \
             <default>\n      \
               <password></password>\n      \
               <networks><ip>::/0</ip></networks>\n      \
               <profile>default</profile>\n      \
               <quota>default</quota>\n      \
               <grants>\n{grants}      </grants>\n    \
             </default>\n  \
           </users>\n\
         </clickhouse>\n"
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
        let layout = Layout { data: root.clone(), user_files: root.clone(), config_file: root.clone(), root };
        let text = server_config(&layout, Path::new("/users.xml"), Some(7));
        assert!(text.contains("<path>/a&amp;b/&lt;c&gt;/</path>"), "{text}");
        assert!(text.contains("<max_server_memory_usage>7<"), "{text}");
        assert!(!server_config(&layout, Path::new("/users.xml"), None).contains("max_server_memory"));
    }

    #[test]
    fn grants_name_the_configured_database_and_never_every_right() {
        let text = users_config("rum");
        assert!(text.contains("ON `rum`.*"), "{text}");
        assert!(!text.contains("GRANT ALL") && !text.contains("DICTIONARY") && !text.contains("{database}"), "{text}");
    }
}
