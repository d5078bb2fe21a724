//! A ClickHouse server that no service starts or stops.

use std::path::Path;

use embedded_clickhouse::{Engine, SupervisorConfig, locate_library};

use crate::{Launch, Sql, beamline};

/// An engine that outlives the service, and two ways to ask it.
pub struct Server {
    engine: Engine,
    /// May read.
    pub reader: Sql,
    /// May do what the service may.
    pub writer: Sql,
}

impl Server {
    /// Starts one with its data below `dir`, on a free port.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(dir: &Path) -> Self {
        let library = locate_library(None).unwrap();
        let config = SupervisorConfig {
            args: vec!["engine".into()],
            database: "beamline".into(),
            listen: ([127, 0, 0, 1], 0).into(),
            ..SupervisorConfig::new(beamline(), library, dir.join("server"))
        };
        let engine = Engine::start(config).await.unwrap();
        let at = engine.endpoint();
        let sql =
            |user: &str, key: &str| Sql { url: at.url.clone(), database: at.database.clone(), user: user.into(), key: key.into() };
        let (reader, writer) = (sql(&at.reader.user, &at.reader.key), sql(&at.writer.user, &at.writer.key));
        Self { engine, reader, writer }
    }

    /// How a service, or a command, is started to use it.
    pub fn launch(&self) -> Launch {
        Launch {
            config: format!("[clickhouse]\nuser = {:?}\n", self.writer.user),
            env: vec![
                ("CLICKHOUSE_URL".into(), self.writer.url.clone()),
                ("BEAMLINE_CLICKHOUSE__PASSWORD".into(), self.writer.key.clone()),
            ],
        }
    }

    /// Brings its schema up to this release; the command's files are below `dir`.
    ///
    /// # Panics
    /// If `beamline migrate` fails.
    pub async fn migrate(&self, dir: &Path) {
        let launch = self.launch();
        let config = dir.join("migrate.toml");
        std::fs::write(&config, &launch.config).unwrap();
        let mut migrate = std::process::Command::new(beamline());
        migrate.args(["migrate", "up", "--config"]).arg(&config).envs(launch.env).env("BEAMLINE_DATA__DIR", dir.join("migrate"));
        let output = tokio::task::spawn_blocking(move || migrate.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Stops it.
    pub async fn stop(self) {
        self.engine.shutdown().await;
    }
}
