//! The command line.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    app::{self, Store},
    backup_commands::{self, BackupCommand},
    clickhouse::{Migrator, Status, schema_statements},
    config::{self, Config},
    erase_command::{self, EraseCommand, Person},
    logging,
    rebuild_command::{self, RebuildCommand},
    reload::Source,
    slo_commands::{self, SloCommand},
    spool_commands::{self, SpoolCommand},
    sql_command::{self, SqlCommand},
};

/// Real User Monitoring that a team runs itself: takes beacons from browsers, keeps them in ClickHouse, exposes Prometheus summaries.
///
/// Without any configuration it listens on 127.0.0.1:8080, keeps its data in ./data, uses the embedded ClickHouse, and takes beacons with
/// the site key `default`. Every key of the configuration file, those of projects apart, can also be set in the environment as
/// `BEAMLINE_<SECTION>__<KEY>`.
#[derive(Parser)]
#[command(name = "beamline", version)]
struct Cli {
    /// Configuration file in TOML.
    #[arg(long, short, global = true, env = "BEAMLINE_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take beacons until SIGTERM.
    ///
    /// Metrics are at /metrics, probes at /health/live and /health/ready, log lines on standard error (`[log]`). Spans of each beacon's way go
    /// to an OpenTelemetry collector if `traces.endpoint` names one. SIGHUP, or a change of the file, takes over projects and filters.
    Serve,
    /// Read the configuration, say what is wrong with it, or show the whole of it with all defaults.
    CheckConfig,
    /// Move the database schema. `serve` does this by itself at start.
    Migrate {
        #[command(subcommand)]
        direction: Direction,
    },
    /// Look at what waits for ClickHouse and at what was set aside, and put it back. Works beside a running service.
    Spool {
        #[command(subcommand)]
        command: SpoolCommand,
    },
    /// Service level objectives: write the Prometheus rules that watch them.
    Slo {
        #[command(subcommand)]
        command: SloCommand,
    },
    /// Ask ClickHouse one question and print the answer.
    Sql(SqlCommand),
    /// Erase everything stored of one session or one user. Works beside a running service.
    ///
    /// The rows go from every table that has them and stay away: what waits in the spool, is put back from quarantine or is sent again
    /// is left out. Rollups keep their counts, which say nothing of anyone.
    Erase(EraseCommand),
    /// Write everything stored of one session or one user as JSON lines. Works beside a running service.
    Export {
        #[command(flatten)]
        person: Person,
        /// File to write to; it must not exist. Standard output if absent.
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
    /// Make the rollups of some days say what the raw rows say, or only compare them. Works beside a running service, whose beacons wait in
    /// the spool meanwhile; other services on the same server must be stopped.
    ///
    /// Rollups differ where a report was lost on its way from the browser, or a page was named late. The difference is added, nothing is
    /// deleted, and what is right stays as it is. Who was erased is no longer counted on these days.
    Rebuild(RebuildCommand),
    /// Write all tables of the embedded engine to a folder. Works beside a running service, whose beacons wait in the spool meanwhile.
    Backup {
        /// Folder to make.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Take all tables from a backup into an embedded engine without rows, compare them with what was backed up, and bring them to
    /// this release's schema. The service must be stopped.
    Restore {
        /// Folder made by `backup`.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Run the embedded engine; started by `serve`.
    #[command(hide = true)]
    Engine,
}

#[derive(Clone, Subcommand)]
enum Direction {
    /// Show the schema version of the database and of this release.
    Status,
    /// Apply what is missing. Two at once take turns.
    Up {
        /// Version to stop at; the newest if absent.
        #[arg(long)]
        to: Option<u32>,
    },
    /// Print the statements of all steps and do none of them.
    Show {
        /// As they are done on a cluster of this name; on one server if absent.
        #[arg(long)]
        cluster: Option<String>,
    },
    /// Revert everything above a version. The data of the removed tables is gone.
    Down {
        /// Version to go back to; 0 removes all tables.
        #[arg(long)]
        to: u32,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Engine = cli.command {
        return embedded_clickhouse::run_engine();
    }
    match run(cli.command, cli.config.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "beamline: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, file: Option<&Path>) -> anyhow::Result<()> {
    if let Command::Slo { command } = command {
        return slo_commands::run(command);
    }
    let config = config::load(file)?;
    if let Command::CheckConfig = command {
        write!(std::io::stdout(), "{}", toml::to_string_pretty(&shown(&config))?)?;
        return Ok(());
    }
    if let Command::Spool { command } = command {
        return spool_commands::run(command, &config.data.dir.join("spool"));
    }
    // What they say is for people, unless something is worth a warning.
    let commands = config::Log { filter: "warn".into(), ..config.log.clone() };
    let log = logging::start(if matches!(command, Command::Serve | Command::Migrate { .. }) { &config.log } else { &commands })?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        match command {
            Command::Serve => app::serve(config, Source { file: file.map(Path::to_owned), log }).await,
            Command::Migrate { direction } => migrate(&config, direction).await,
            Command::Sql(command) => sql_command::run(&config, command).await,
            Command::Erase(command) => erase_command::erase(&config, command).await,
            Command::Rebuild(command) => rebuild_command::run(&config, command).await,
            Command::Export { person, output } => erase_command::export(&config, &person, output.as_deref()).await,
            Command::Backup { to } => backup_commands::run(&config, BackupCommand::Backup(&to)).await,
            Command::Restore { from } => backup_commands::run(&config, BackupCommand::Restore(&from)).await,
            Command::CheckConfig | Command::Spool { .. } | Command::Slo { .. } | Command::Engine => Ok(()),
        }
    })
}

/// The configuration without its secrets.
fn shown(config: &Config) -> Config {
    let mut shown = config.clone();
    let secrets = [&mut shown.clickhouse.password, &mut shown.embedded.read_key, &mut shown.server.admin_key].into_iter().flatten();
    for secret in secrets.chain(shown.embedded.readers.iter_mut().map(|reader| &mut reader.key)) {
        *secret = "(set)".into();
    }
    shown
}

async fn migrate(config: &Config, direction: Direction) -> anyhow::Result<()> {
    if let Direction::Show { cluster } = &direction {
        let mut out = std::io::stdout().lock();
        for statement in schema_statements(cluster.as_deref())? {
            writeln!(out, "{};\n", statement.trim_end().trim_end_matches(';'))?;
        }
        return Ok(());
    }
    let store = Store::open(config).await?;
    let migrator = Migrator::new(store.clickhouse.clone());
    let moved = match direction {
        Direction::Status | Direction::Show { .. } => migrator.status().await,
        Direction::Up { to } => migrator.up(to).await,
        Direction::Down { to } => migrator.down(to).await,
    };
    store.close().await;
    let Status { applied, known } = moved?;
    writeln!(std::io::stdout(), "schema version {applied}, newest known {known}")?;
    Ok(())
}
