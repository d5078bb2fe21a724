//! The demo's processes: the service with its embedded ClickHouse, the shop, and Prometheus if asked for.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::http;
use super::process::Process;
use super::sql::SqlEndpoint;
use crate::{progress, sdk, tree};

const START_DEADLINE: Duration = Duration::from_secs(90);

/// Where everything listens, on the loopback address.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    pub(super) service: u16,
    pub(super) shop: u16,
    pub(super) prometheus: Option<u16>,
}

impl Ports {
    /// Free ports in place of zeros.
    ///
    /// # Errors
    /// When a wanted port is in use.
    pub(super) fn resolved(self) -> Result<Self> {
        let prometheus = self.prometheus.map(|port| free_port(port, "--prometheus-port")).transpose()?;
        Ok(Self { service: free_port(self.service, "--port")?, shop: free_port(self.shop, "--shop-port")?, prometheus })
    }
}

fn free_port(wanted: u16, option: &str) -> Result<u16> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)) {
        Ok(listener) => Ok(listener.local_addr()?.port()),
        Err(error) => bail!("cannot listen on port {wanted} ({error}); choose another with {option}"),
    }
}

/// Builds the service and the shop with the packed package.
pub(super) fn build(ports: Ports) -> Result<()> {
    let package = sdk::build()?;
    progress::run(
        "build the service",
        &mut tree::cargo(["build", "--package", "rum-ingest", "--bin", "beamline"]),
        "Fix the compiler's errors in ingest.",
    )?;
    install(&package.tarball)?;
    bundle(ports)
}

/// Bundles the shop, which sends its beacons to the service.
pub(super) fn bundle(ports: Ports) -> Result<()> {
    progress::run(
        "bundle the shop",
        tree::command("node", ["examples/shop/build.mjs"]).env("BEAMLINE_URL", service_url(ports)),
        "Run `node examples/shop/build.mjs` to see the same error.",
    )
    .map(drop)
}

/// Installs the packed package into the shop, as a user would from the registry.
pub(crate) fn install(tarball: &Path) -> Result<()> {
    let mut command =
        tree::command("npm", ["install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]);
    command.arg(tarball).current_dir(tree::root().join("examples/shop"));
    progress::run("install the package into the shop", &mut command, "Run `npm ci --ignore-scripts --prefix examples/shop` first.")
        .map(drop)
}

/// Everything that runs.
pub(super) struct Stack {
    pub(super) service_url: String,
    pub(super) shop_url: String,
    pub(super) prometheus_url: Option<String>,
    pub(super) sql: SqlEndpoint,
    /// In the order they are stopped: whoever asks another one comes before it.
    processes: Vec<Process>,
}

impl Stack {
    /// Starts everything with an empty data folder.
    pub(super) fn start_empty(ports: Ports, data: &str) -> Result<Self> {
        let path = tree::root().join(data);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot empty {data}"))?;
        }
        Self::start(ports, data)
    }

    /// Starts everything with the data folder `data`, a path from the root.
    pub(super) fn start(ports: Ports, data: &str) -> Result<Self> {
        progress::timed(
            "start the service, the shop and what else was asked for",
            || Self::start_all(ports, data),
            |_| String::new(),
        )
    }

    fn start_all(ports: Ports, data: &str) -> Result<Self> {
        let (service_url, shop_url) = (service_url(ports), format!("http://127.0.0.1:{}", ports.shop));
        let data = tree::root().join(data);
        fs::create_dir_all(&data)?;
        let config = data.join("beamline.toml");
        fs::write(&config, configuration(ports, &data)?)?;
        let mut service = tree::command(tree::target().join("debug/beamline"), ["serve", "--config"]);
        let mut service = Process::start("beamline", service.arg(&config))?;
        let health = format!("{service_url}/health");
        service.wait_until(START_DEADLINE, || {
            let json = http::get(&health).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
            json.is_some_and(|json| json["status"] == "ok")
        })?;
        let sql = SqlEndpoint::read(&data.join("sql-endpoint.json"))?;

        let mut shop = tree::command("node", ["examples/shop/build.mjs", "--serve"]);
        shop.env("BEAMLINE_URL", &service_url).env("SHOP_PORT", ports.shop.to_string());
        let mut shop = Process::start("shop", &mut shop)?;
        shop.wait_until(START_DEADLINE, || http::get(&shop_url).is_ok())?;

        let mut processes = vec![shop, service];
        let prometheus_url = match ports.prometheus {
            Some(port) => {
                let (prometheus, url) = start_prometheus(ports, port, &data.join("prometheus"))?;
                processes.insert(0, prometheus);
                Some(url)
            }
            None => None,
        };
        Ok(Self { service_url, shop_url, prometheus_url, sql, processes })
    }

    /// The service's metrics.
    pub(super) fn metrics(&self) -> Result<String> {
        http::get(&format!("{}/metrics", self.service_url))
    }

    /// Bytes that wait on disk for ClickHouse.
    pub(super) fn spool_bytes(&self) -> Option<u64> {
        let health: Value = serde_json::from_str(&http::get(&format!("{}/health", self.service_url)).ok()?).ok()?;
        health["spool_bytes"].as_u64()
    }

    /// What to open, for people.
    pub(super) fn addresses(&self) -> String {
        let prometheus = self.prometheus_url.as_ref().map_or_else(String::new, |url| format!("  Prometheus  {url}/\n"));
        format!(
            "\n  shop        {}/\n  metrics     {}/metrics\n  health      {}/health\n{prometheus}  SQL         {}/\n\n  {}\n",
            self.shop_url,
            self.service_url,
            self.service_url,
            self.sql.url,
            self.sql.example()
        )
    }

    /// Stops everything.
    pub(super) fn stop(mut self) -> Result<()> {
        let stop_all = || self.processes.iter_mut().try_for_each(Process::stop);
        progress::timed("stop everything", stop_all, |()| String::new())
    }
}

fn service_url(ports: Ports) -> String {
    format!("http://127.0.0.1:{}", ports.service)
}

/// The sample configuration with the demo's ports and data folder.
fn configuration(ports: Ports, data: &Path) -> Result<String> {
    let path = tree::root().join("examples/shop/beamline.toml");
    let mut text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    for (from, to) in [
        ("127.0.0.1:8080", format!("127.0.0.1:{}", ports.service)),
        ("127.0.0.1:8090", format!("127.0.0.1:{}", ports.shop)),
        (".state/demo", data.display().to_string()),
    ] {
        ensure!(text.contains(from), "{} does not name {from}", path.display());
        text = text.replace(from, &to);
    }
    Ok(text)
}

fn start_prometheus(ports: Ports, port: u16, folder: &Path) -> Result<(Process, String)> {
    fs::create_dir_all(folder)?;
    let config = folder.join("prometheus.yml");
    let scrape = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: beamline\n    static_configs:\n      - targets: [\"127.0.0.1:{}\"]\n",
        ports.service
    );
    fs::write(&config, scrape)?;
    let url = format!("http://127.0.0.1:{port}");
    let mut command = tree::command("prometheus", ["--log.level=warn"]);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let mut prometheus = Process::start("prometheus", &mut command)?;
    let ready = format!("{url}/-/ready");
    prometheus.wait_until(START_DEADLINE, || http::get(&ready).is_ok())?;
    Ok((prometheus, url))
}
