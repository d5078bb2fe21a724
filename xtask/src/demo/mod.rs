//! `cargo xtask demo`: the service, the sample shop and, if asked for, one real visit and a Prometheus.

mod arrivals;
mod http;
mod process;
mod sql;
mod stack;
mod visit;

use std::sync::mpsc::channel;

use anyhow::{Context, Result};
use clap::Args;

use crate::setup;
pub(crate) use stack::install;
use stack::{Ports, Stack};

/// What the demo runs, and where.
#[derive(Args)]
pub(crate) struct Options {
    /// Drive one real browser visit through the shop, print what arrived, and exit; fails unless everything did, exactly once.
    #[arg(long)]
    headless_visit: bool,
    /// Also run a Prometheus that scrapes the service.
    #[arg(long)]
    prometheus: bool,
    /// Port of the service; 0 takes any free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the shop; 0 takes any free one.
    #[arg(long, default_value_t = 8090)]
    shop_port: u16,
    /// Port of Prometheus; 0 takes any free one.
    #[arg(long, default_value_t = 9090)]
    prometheus_port: u16,
}

/// Runs the demo until Ctrl-C, or for one visit.
///
/// # Errors
/// When something does not start, or not everything of the visit arrived.
pub(crate) fn run(options: &Options) -> Result<()> {
    let ports =
        Ports { service: options.port, shop: options.shop_port, prometheus: options.prometheus.then_some(options.prometheus_port) };
    if options.headless_visit {
        return visit_once(ports);
    }
    let ports = ports.resolved()?;
    setup::ensure(setup::DEMO)?;
    if options.prometheus {
        setup::ensure(setup::PROMETHEUS)?;
    }
    stack::build(ports)?;
    let (stop, stopped) = channel();
    ctrlc::set_handler(move || {
        let _ = stop.send(());
    })
    .context("cannot listen for Ctrl-C")?;
    let stack = Stack::start(ports, ".state/demo")?;
    println!("{}", stack.addresses());
    println!("Ctrl-C stops everything.");
    stopped.recv().context("cannot listen for Ctrl-C")?;
    println!("\nstopping");
    stack.stop()
}

/// One visit on ports of its own, with a Prometheus: the whole path as a test. The service and the package are built and installed.
pub(crate) fn visit_as_test() -> Result<()> {
    let ports = Ports { service: 0, shop: 0, prometheus: Some(0) }.resolved()?;
    stack::bundle(ports)?;
    visit(ports)
}

fn visit_once(ports: Ports) -> Result<()> {
    let ports = ports.resolved()?;
    setup::ensure(setup::DEMO)?;
    setup::ensure(setup::BROWSER)?;
    if ports.prometheus.is_some() {
        setup::ensure(setup::PROMETHEUS)?;
    }
    stack::build(ports)?;
    visit(ports)
}

fn visit(ports: Ports) -> Result<()> {
    let stack = Stack::start_empty(ports, ".state/demo-visit")?;
    let arrived = visit::drive(&stack);
    stack.stop()?;
    arrived
}
