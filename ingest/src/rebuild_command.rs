//! `beamline rebuild`: rollups that say what the raw rows say.

use std::io::{self, Write};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use time::{Date, Month};

use crate::{
    app::Store,
    clickhouse::{Difference, Migrator, ROLLUPS, Scope},
    clock,
    config::Config,
    spool::Turns,
};

/// How long the writer may take to finish what it has begun.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(2);
/// Most days of one run, so that a slip of the pen does not read the whole store.
const MOST_DAYS: u32 = 400;

#[derive(Args)]
pub(crate) struct RebuildCommand {
    /// First day (UTC), such as 2026-11-01.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    from: u32,
    /// Last day, included. The same as --from if absent.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    to: Option<u32>,
    /// Only this project.
    #[arg(long)]
    project: Option<String>,
    /// Only compare. Ends with an error if anything differs.
    #[arg(long)]
    check: bool,
}

/// Julian day of 1970-01-01.
const EPOCH: i32 = 2_440_588;

/// Days since 1970.
fn parse_day(text: &str) -> Result<u32, String> {
    let parts = text.split('-').map(str::parse::<u16>).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    let date = match parts.as_slice() {
        [year, month, day] => u8::try_from(*month)
            .ok()
            .zip(u8::try_from(*day).ok())
            .and_then(|(month, day)| Date::from_calendar_date(i32::from(*year), Month::try_from(month).ok()?, day).ok()),
        _ => None,
    };
    let days = date.and_then(|date| u32::try_from(date.to_julian_day() - EPOCH).ok());
    days.ok_or_else(|| format!("{text:?} is no day; write it as 2026-11-01"))
}

/// The day as it is written.
fn written(day: u32) -> String {
    let date = i32::try_from(day).ok().and_then(|day| Date::from_julian_day(EPOCH.checked_add(day)?).ok());
    date.map_or_else(|| format!("day {day}"), |date| date.to_string())
}

pub(crate) async fn run(config: &Config, command: RebuildCommand) -> anyhow::Result<()> {
    let today = u32::try_from(clock::now_ms() / 86_400_000).context("the clock is wrong")?;
    let days = days(config, &command, today)?;
    let oldest = oldest(config, &command, today)?;
    let store = Store::join(config).await?;
    let done = in_store(config, &store, &command, &Days { asked: days, today, oldest }).await;
    store.close().await;
    done
}

/// Which days are meant.
struct Days {
    asked: std::ops::RangeInclusive<u32>,
    today: u32,
    /// The first of which all raw rows are there.
    oldest: u32,
}

/// The first day of which all raw rows are there.
fn oldest(config: &Config, command: &RebuildCommand, today: u32) -> anyhow::Result<u32> {
    let named = |project: &&crate::config::Project| command.project.as_ref().is_none_or(|name| *name == project.id);
    let Some(kept) = config.projects.iter().filter(named).map(|project| project.retention_days).min() else {
        bail!("there is no project {:?} in the configuration", command.project.as_deref().unwrap_or_default());
    };
    Ok((today + 1).saturating_sub(u32::from(kept)))
}

/// The days meant, all of whose raw rows must still be there.
fn days(config: &Config, command: &RebuildCommand, today: u32) -> anyhow::Result<std::ops::RangeInclusive<u32>> {
    let (from, to) = (command.from, command.to.unwrap_or(command.from));
    ensure!(from <= to && to - from < MOST_DAYS, "--from must not be after --to, and at most {MOST_DAYS} days before it");
    ensure!(to <= today, "{} has not come yet", written(to));
    let oldest = oldest(config, command, today)?;
    ensure!(
        from >= oldest,
        "raw rows are kept {} days: rollups can be made again from {} on, those before are all there is",
        today + 1 - oldest,
        written(oldest)
    );
    Ok(from..=to)
}

async fn in_store(
    config: &Config,
    store: &Store,
    command: &RebuildCommand,
    Days { asked: days, today, oldest }: &Days,
) -> anyhow::Result<()> {
    Migrator::new(store.clickhouse.clone()).up(None).await?;
    // From here on no segment is half stored, and none is begun; beacons wait in the spool meanwhile.
    let turn = Turns::of(&config.data.spool()).all(PATIENCE).await?;
    let mut out = io::stdout().lock();
    let mut differing = 0;
    for day in days.clone() {
        for rollup in ROLLUPS.into_iter().filter(|rollup| !rollup.forgets(day, *today)) {
            let (first, span) = rollup.span(day);
            // An interval of several days is looked at once, with the last of them.
            if day + 1 != first + span && day != *days.end() {
                continue;
            }
            if first < *oldest {
                writeln!(out, "{} {}: left as it is, for the raw rows of its first days are gone", rollup.table, written(first))?;
                continue;
            }
            let scope = Scope { day: first, days: span, project: command.project.clone() };
            let reports = store.clickhouse.reports(&scope).await?;
            let differences = store.clickhouse.differences(rollup, &scope).await?;
            for found in &differences {
                differing += found.rows;
                let (table, day) = (rollup.table, written(first));
                let Difference { project_id, metric, rows, raw, kept } = found;
                writeln!(out, "{table} {day} {project_id} {metric}: {rows} rows differ; of {raw} vitals they count {kept}")?;
            }
            // Another service may write to the same server.
            ensure!(
                store.clickhouse.reports(&scope).await? == reports,
                "vitals of {} came in from elsewhere: stop the other services on this database, then try again",
                written(day)
            );
            if !command.check && !differences.is_empty() {
                store.clickhouse.rebuild(rollup, &scope).await?;
            }
        }
    }
    drop(turn);
    let range = format!("{} to {}", written(*days.start()), written(*days.end()));
    if differing == 0 {
        writeln!(out, "{range}: the rollups say what the raw rows say")?;
    } else if command.check {
        bail!("{range}: {differing} rows of rollups differ from the raw rows; `beamline rebuild` without --check makes them right");
    } else {
        writeln!(out, "{range}: made {differing} rows of rollups right")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        assert_eq!(parse_day("1970-01-02"), Ok(1));
        assert_eq!(written(parse_day("2026-11-21").unwrap()), "2026-11-21");
        for text in ["", "2026-11-31", "today", "21.11.2026", "1969-12-31", "2026-13-01", "2026-11-01-01"] {
            assert!(parse_day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_days_whose_raw_rows_are_all_there_are_taken() {
        let config = Config::default();
        let command = |from, to, project: Option<&str>| RebuildCommand { from, to, project: project.map(Into::into), check: false };
        assert_eq!(days(&config, &command(19_990, Some(19_995), None), 20_000).unwrap(), 19_990..=19_995);
        assert_eq!(days(&config, &command(20_000, None, Some("default")), 20_000).unwrap(), 20_000..=20_000);
        for (from, to, project, why) in [
            (19_000, None, None, "raw rows are kept 90 days"),
            (19_995, Some(19_990), None, "--from must not be after --to"),
            (20_000, Some(20_001), None, "has not come yet"),
            (20_000, None, Some("other"), "no project"),
        ] {
            let said = days(&config, &command(from, to, project), 20_000).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }
}
