//! `beamline backup` and `beamline restore`: the embedded engine's tables in a folder.
//!
//! A backup has no deduplication log, so a segment that was half stored when it was made would be stored twice after a restore. Therefore
//! it is made when none is: the writer's turns are all taken meanwhile, and the spool of a stopped service is written first.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    app::{self, Store},
    clickhouse::{ClickHouse, Erasure, Manifest, Migrator, Part},
    clock,
    config::{Config, data_dir},
    spool::Turns,
};

/// Beside ClickHouse's own files.
const MANIFEST: &str = "beamline.json";
/// How long the writer may take to finish what it has begun, or what waits in a spool to be written.
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) enum BackupCommand<'a> {
    Backup(&'a Path),
    Restore(&'a Path),
}

pub(crate) async fn run(config: &Config, command: BackupCommand<'_>) -> anyhow::Result<()> {
    ensure!(
        config.clickhouse.url.is_none(),
        "backups are of the embedded engine; on a server use its own statement, BACKUP DATABASE {} TO …",
        config.clickhouse.database()
    );
    let store = match command {
        BackupCommand::Backup(to) => {
            ensure!(!to.exists(), "{} is there already; name a folder that is not", to.display());
            Store::join(config).await?
        }
        BackupCommand::Restore(_) => {
            let store = Store::join(config).await?;
            ensure!(store.is_ours(), "the service is running; stop it first");
            store
        }
    };
    // A name of its own, in the one folder where the engine may write.
    let name = format!("{:016x}", rand::random::<u64>());
    let staged = config.data.engine_backups().join(&name);
    let done = match command {
        BackupCommand::Backup(to) => back_up(config, &store, &name, &staged, to).await,
        BackupCommand::Restore(from) => restore(config, &store, &name, &staged, from).await,
    };
    store.close().await;
    let removed = data_dir::remove_folder(&staged);
    done?;
    removed.with_context(|| format!("cannot remove {}", staged.display()))
}

async fn back_up(config: &Config, store: &Store, name: &str, staged: &Path, to: &Path) -> anyhow::Result<()> {
    let clickhouse = &store.clickhouse;
    if store.is_ours() {
        app::empty_spool(config, clickhouse, PATIENCE).await?;
    }
    let schema = Migrator::new(clickhouse.clone()).status().await?.applied;
    let turn = Turns::of(&config.data.spool()).all(PATIENCE).await?;
    let made_at_ms = clock::now_ms();
    clickhouse.back_up_to(name).await?;
    let known = clickhouse.parts().await?;
    drop(turn);
    let database = clickhouse.database().to_owned();
    let parts = parts_in(staged, &database, &known)?;
    let engine = clickhouse.version().await?;
    let manifest = Manifest { form: Manifest::FORM, made_at_ms, database, schema, engine, parts };
    data_dir::write_file(&staged.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)
        .and_then(|()| data_dir::move_folder(staged, to))
        .with_context(|| format!("cannot write the backup to {}", to.display()))?;
    report("backed up", &manifest)
}

/// What is known of the parts that the backup has.
fn parts_in(staged: &Path, database: &str, known: &[Part]) -> anyhow::Result<Vec<Part>> {
    let tables = staged.join("data").join(database);
    let mut parts = Vec::new();
    for table in data_dir::names_in(&tables)? {
        for name in data_dir::names_in(&tables.join(&table))? {
            let part = known.iter().find(|part| part.table == table && part.name == name);
            parts.push(part.with_context(|| format!("the engine does not know part {name} of {table}; try again"))?.clone());
        }
    }
    Ok(parts)
}

async fn restore(config: &Config, store: &Store, name: &str, staged: &Path, from: &Path) -> anyhow::Result<()> {
    let no_backup = || format!("{} is no folder made by `beamline backup`", from.display());
    let manifest: Manifest =
        serde_json::from_slice(&data_dir::read_file(&from.join(MANIFEST)).with_context(no_backup)?).with_context(no_backup)?;
    let clickhouse = &store.clickhouse;
    let migrator = Migrator::new(clickhouse.clone());
    let known = migrator.status().await?.known;
    ensure!(
        manifest.form <= Manifest::FORM && manifest.schema <= known,
        "the backup is of schema version {}, this release knows {known}; use the newer release",
        manifest.schema
    );
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    ensure!(manifest.database.bytes().all(plain), "the database's name in {MANIFEST} is none");
    let filled = clickhouse.active_parts().await?.into_iter().filter(|part| part.table != "schema_migrations");
    let filled = filled.map(|part| part.table).collect::<BTreeSet<_>>();
    if !filled.is_empty() {
        let tables = filled.into_iter().collect::<Vec<_>>().join(", ");
        bail!("there are rows in {tables}; restore into a data folder of its own, and start the service with that one");
    }
    data_dir::copy_folder(from, staged).with_context(|| format!("cannot copy the backup to {}", staged.display()))?;
    clickhouse.restore_from(name, &manifest.database).await?;
    let different = manifest.differences(&clickhouse.active_parts().await?);
    clickhouse.resume_merges().await?;
    if !different.is_empty() {
        bail!("what was restored differs from what was backed up in {}; the backup is damaged", different.join(", "));
    }
    migrator.make_functions().await?;
    migrator.up(None).await?;
    erase_again(config, clickhouse).await?;
    report("restored, and found equal,", &manifest)
}

/// Who was erased after the backup was made is still in it; the data folder's own list knows.
async fn erase_again(config: &Config, clickhouse: &ClickHouse) -> anyhow::Result<()> {
    let mut list = clickhouse.erasures().await?;
    let lines = config.data.erasures().context("cannot read the list of erasures")?;
    let missing: Vec<Erasure> = lines
        .lines()
        .map(|line| serde_json::from_str(line).context("a line of erasures.jsonl cannot be read"))
        .filter(|erasure| !erasure.as_ref().is_ok_and(|erasure| list.contains(erasure)))
        .collect::<anyhow::Result<_>>()?;
    if !missing.is_empty() {
        clickhouse.note_erasures(&missing).await?;
        list.extend(missing);
        list.sort_by(|one, other| one.project().cmp(other.project()));
    }
    for of_one in list.chunk_by(|one, other| one.project() == other.project()) {
        clickhouse.erase(&clickhouse.with_sessions(of_one).await?).await?;
    }
    Ok(())
}

fn report(done: &str, manifest: &Manifest) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let rows = manifest.rows();
    for (table, rows) in &rows {
        writeln!(out, "{table}: {rows} rows")?;
    }
    writeln!(out, "{done} {} tables, schema version {}", rows.len(), manifest.schema)?;
    Ok(())
}
