//! What is measured: our rungs and service, and the peers, each started on the target's core with its data in a folder of its own.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    dialect::Dialect,
    process::{Process, Used, pinned},
    rungs::Rung,
    stored::{Engine, Stored},
};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Rung(Rung),
    /// The service; its ClickHouse is the embedded engine.
    Service(Durability),
    /// The service whose ClickHouse is away: everything stays in the spool.
    ServiceAlone(Durability),
    Nginx,
    /// fastify and ClickHouse's client, answered from memory or after the insert.
    Fastify(Answered),
    Redis(Sync),
    Nats,
    Postgres,
}

/// When the service answers: `spool.durability`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    Memory,
    Os,
    Fsync,
}

/// When fastify answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    FromMemory,
    FromDatabase,
}

/// When Redis syncs its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    Always,
    EverySecond,
}

impl Durability {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Os => "os",
            Self::Fsync => "fsync",
        }
    }
}

impl Subject {
    pub(crate) fn title(self) -> String {
        match self {
            Self::Rung(rung) => rung.title().into(),
            Self::Service(durability) => format!("Beamline, {}", durability.name()),
            Self::ServiceAlone(durability) => format!("Beamline, {}, ClickHouse away", durability.name()),
            Self::Nginx => "nginx + lua".into(),
            Self::Fastify(Answered::FromMemory) => "fastify, answered from memory".into(),
            Self::Fastify(Answered::FromDatabase) => "fastify, answered after the insert".into(),
            Self::Redis(Sync::Always) => "Redis, appendfsync always".into(),
            Self::Redis(Sync::EverySecond) => "Redis, appendfsync everysec".into(),
            Self::Nats => "NATS JetStream".into(),
            Self::Postgres => "PostgreSQL".into(),
        }
    }

    /// What an answer promises: D0 in memory, D1 written, D2 synced, D3 in the database.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Rung(Rung::Write)
            | Self::Service(Durability::Os)
            | Self::ServiceAlone(Durability::Os)
            | Self::Nginx
            | Self::Redis(Sync::EverySecond)
            | Self::Nats => "D1",
            Self::Rung(Rung::Fsync)
            | Self::Service(Durability::Fsync)
            | Self::ServiceAlone(Durability::Fsync)
            | Self::Redis(Sync::Always)
            | Self::Postgres => "D2",
            Self::Service(Durability::Memory) | Self::ServiceAlone(Durability::Memory) | Self::Fastify(Answered::FromMemory) => {
                "D0"
            }
            Self::Fastify(Answered::FromDatabase) => "D3",
            Self::Rung(_) => "none",
        }
    }
}

/// A target that takes beacons.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) dialect: Dialect,
    /// Where what it has taken can be counted.
    pub(crate) stored: Stored,
    process: Process,
    /// The engine's process: the service's child, or beside a peer.
    engine: Option<u32>,
    /// What else runs for it.
    beside: Option<Process>,
    /// Removed with the target.
    dir: TempDir,
}

impl Target {
    pub(crate) fn start(subject: Subject) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("beamline-bench-").tempdir()?;
        match subject {
            Subject::Rung(rung) => {
                let mut command = pinned(std::env::current_exe()?);
                command.args(["rung", rung.name(), "--dir"]).arg(dir.path());
                let (process, address) = Process::start(&mut command, listening)?;
                Ok(Self::of(process, address, Dialect::Http, Stored::Nowhere, dir))
            }
            Subject::Service(durability) => service(durability, Clickhouse::Embedded, dir),
            Subject::ServiceAlone(durability) => service(durability, Clickhouse::Away, dir),
            Subject::Nginx => {
                let (config, address) = configuration("nginx.conf", dir.path(), "")?;
                let mut command = pinned("nginx");
                command.arg("-c").arg(config).arg("-p").arg(dir.path());
                let process = Process::start_at(&mut command, address)?;
                let stored = Stored::Lines(dir.path().join("beacons.log"));
                Ok(Self::of(process, address, Dialect::Http, stored, dir))
            }
            Subject::Fastify(answered) => fastify(answered, dir),
            Subject::Redis(sync) => {
                let sync = if sync == Sync::Always { "always" } else { "everysec" };
                let (config, address) = configuration("redis.conf", dir.path(), sync)?;
                let process = Process::start_at(pinned("redis-server").arg(config), address)?;
                Ok(Self::of(process, address, Dialect::Redis, Stored::Redis(address), dir))
            }
            Subject::Nats => {
                let (config, address) = configuration("nats.conf", dir.path(), "")?;
                let process = Process::start_at(pinned("nats-server").arg("-c").arg(config), address)?;
                Stored::make_stream(address)?;
                Ok(Self::of(process, address, Dialect::Nats, Stored::Nats(address), dir))
            }
            Subject::Postgres => postgres(dir),
        }
    }

    fn of(process: Process, address: SocketAddr, dialect: Dialect, stored: Stored, dir: TempDir) -> Self {
        Self { address, dialect, stored, process, engine: None, beside: None, dir }
    }

    /// What the target has used so far without the engine, and what the engine has.
    pub(crate) fn used(&self) -> (Used, Used) {
        let engine = self.engine.map(Used::by).unwrap_or_default();
        let all = Used::by_tree(self.process.id());
        let is_child = self.engine.is_some() && self.beside.is_none();
        (if is_child { Used::by(self.process.id()) } else { all }, engine)
    }

    pub(crate) fn stop(self, signal: Signal) -> Result<()> {
        self.process.stop(signal)?;
        self.beside.map_or(Ok(()), |process| process.stop(Signal::TERM))
    }
}

/// The address in a line such as `listening on 127.0.0.1:80`.
fn listening(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening on ")?.parse().ok()
}

#[derive(Clone, Copy, Debug)]
enum Clickhouse {
    Embedded,
    /// An address at which nobody listens.
    Away,
}

/// The release build beside this program.
fn beamline() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("beamline");
    ensure!(path.is_file(), "{} is missing; run `cargo xtask bench ingest`, which builds it", path.display());
    Ok(path)
}

/// Everything is as by default but what one generator on one machine needs: no limits of rate (it is one sender), and a spool that
/// holds what is sent at full speed.
fn service(durability: Durability, clickhouse: Clickhouse, dir: TempDir) -> Result<Target> {
    let config = dir.path().join("beamline.toml");
    let away = if matches!(clickhouse, Clickhouse::Away) { "[clickhouse]\nurl = \"http://127.0.0.1:9\"\n" } else { "" };
    let (most, durability, data) = (1_000_000_000, durability.name(), dir.path().join("data"));
    let folder = data.display();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = \"{folder}\"\n[log]\nformat = \"json\"\n\
         [spool]\ndurability = {durability:?}\nmax_bytes = 8589934592\n{away}\
         [[projects]]\nid = \"default\"\nkey = \"default\"\nrate_limit_per_second = {most}\nevent_limit_per_second = {most}\n\
         byte_limit_per_second = {most}\nclient_rate_limit_per_second = {most}\n"
    );
    fs::write(&config, text)?;
    let mut command = pinned(beamline()?);
    command.args(["serve", "--config"]).arg(&config);
    let (process, address) = Process::start(&mut command, |line| {
        let entry: serde_json::Value = serde_json::from_str(line).ok()?;
        (entry["message"] == "taking beacons").then(|| entry["listen"].as_str()?.parse::<SocketAddr>().ok())?
    })?;
    let (stored, engine) = match clickhouse {
        Clickhouse::Embedded => (Stored::Events(Engine::of_service(&data)?).ready()?, process.child()),
        Clickhouse::Away => (Stored::Nowhere, None),
    };
    Ok(Target { engine, ..Target::of(process, address, Dialect::Http, stored, dir) })
}

/// fastify writes to the engine of a service that has nothing else to do.
fn fastify(answered: Answered, dir: TempDir) -> Result<Target> {
    let idle = service(Durability::Fsync, Clickhouse::Embedded, dir)?;
    let engine = Engine::of_service_for_writing(&idle.dir.path().join("data"))?;
    let mut command = pinned("node");
    command.arg(peers().join("server.mjs")).env("BEACON_PATH", rum_protocol::DEFAULT_PATH).env("NODE_ENV", "production");
    command.env("DURABILITY", if answered == Answered::FromMemory { "memory" } else { "database" });
    command.env("CLICKHOUSE_URL", &engine.url).env("CLICKHOUSE_DATABASE", &engine.database);
    command.env("CLICKHOUSE_USER", &engine.user).env("CLICKHOUSE_PASSWORD", &engine.key);
    let (process, address) = Process::start(&mut command, listening)?;
    Ok(Target {
        engine: idle.engine,
        beside: Some(idle.process),
        ..Target::of(process, address, Dialect::Http, Stored::TeamEvents(engine), idle.dir)
    })
}

fn postgres(dir: TempDir) -> Result<Target> {
    let programs = Path::new("/usr/lib/postgresql/15/bin");
    let data = dir.path().join("data");
    // PostgreSQL refuses to run as root; the folder and the server are then another user's.
    let is_root = rustix::process::geteuid().is_root();
    let as_user = |program: &str| {
        if !is_root {
            return pinned(programs.join(program));
        }
        let mut command = pinned("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(programs.join(program));
        command
    };
    if is_root {
        let status = Command::new("chown").arg("postgres").arg(dir.path()).status()?;
        ensure!(status.success(), "cannot give the folder to the user postgres");
    }
    let status = as_user("initdb").args(["--auth=trust", "--username=bench", "--no-sync", "--pgdata"]).arg(&data).status()?;
    ensure!(status.success(), "initdb failed; is the Debian package postgresql-15 installed?");
    let (config, address) = configuration("postgresql.conf", dir.path(), "")?;
    let mut command = as_user("postgres");
    command.arg("-D").arg(&data).arg("-c").arg(format!("config_file={}", config.display()));
    command.arg("-c").arg(format!("hba_file={}", data.join("pg_hba.conf").display()));
    let process = Process::start_at(&mut command, address)?;
    let stored = Stored::Postgres(address);
    stored.make_table()?;
    Ok(Target::of(process, address, Dialect::Postgres, stored, dir))
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// A peer's configuration with its folder and a free port filled in.
fn configuration(name: &str, dir: &Path, sync: &str) -> Result<(PathBuf, SocketAddr)> {
    let template = peers().join(name);
    let text = fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let text =
        text.replace("@DIR@", &dir.display().to_string()).replace("@PORT@", &address.port().to_string()).replace("@SYNC@", sync);
    let path = dir.join(name);
    fs::write(&path, text)?;
    Ok((path, address))
}
