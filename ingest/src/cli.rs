//! The command line.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    app::{self, Store},
    clickhouse::{Migrator, Status},
    config::{self, Config},
    logging,
    reload::Source,
    slo_commands::{self, SloCommand},
    spool_commands::{self, SpoolCommand},
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
    /// Run the embedded engine; started by `serve`.
    #[command(hide = true)]
    Engine,
}

#[derive(Clone, Copy, Subcommand)]
enum Direction {
    /// Show the schema version of the database and of this release.
    Status,
    /// Apply what is missing.
    Up,
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
    let log = logging::start(&config.log)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        match command {
            Command::Serve => app::serve(config, Source { file: file.map(Path::to_owned), log }).await,
            Command::Migrate { direction } => migrate(&config, direction).await,
            Command::CheckConfig | Command::Spool { .. } | Command::Slo { .. } | Command::Engine => Ok(()),
        }
    })
}

/// The configuration without its secrets.
fn shown(config: &Config) -> Config {
    let mut shown = config.clone();
    for secret in [&mut shown.clickhouse.password, &mut shown.embedded.read_key].into_iter().flatten() {
        *secret = "(set)".into();
    }
    shown
}

async fn migrate(config: &Config, direction: Direction) -> anyhow::Result<()> {
    let store = Store::open(config).await?;
    let migrator = Migrator::new(store.clickhouse.clone());
    let moved = match direction {
        Direction::Status => migrator.status().await,
        Direction::Up => migrator.up(None).await,
        Direction::Down { to } => migrator.down(to).await,
    };
    store.close().await;
    let Status { applied, known } = moved?;
    writeln!(std::io::stdout(), "schema version {applied}, newest known {known}")?;
    Ok(())
}
