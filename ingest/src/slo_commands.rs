//! `beamline slo`: from a file of objectives to rules.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::Subcommand;

use crate::{
    config::read_objectives,
    slo::{Objectives, render},
};

#[derive(Subcommand)]
pub(crate) enum SloCommand {
    /// Write the recording and alerting rules of a file of objectives to standard output. Needs no configuration and no running service.
    ///
    /// The file is YAML: under `vitals` a list of project, vital, objective and window, under `availability` the objective of the service
    /// itself. deploy/slo.yaml shows every field. Check the result with `promtool check rules` and have Prometheus read it again.
    #[command(after_help = "Example:\n  beamline slo render slo.yaml > rules/slo.yml && promtool check rules rules/slo.yml")]
    Render {
        /// The file of objectives.
        file: PathBuf,
    },
}

pub(crate) fn run(command: SloCommand) -> anyhow::Result<()> {
    let SloCommand::Render { file } = command;
    let text = read_objectives(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let rules = Objectives::parse(&text).and_then(|objectives| render(&objectives)).with_context(|| file.display().to_string())?;
    Ok(io::stdout().write_all(rules.as_bytes())?)
}
