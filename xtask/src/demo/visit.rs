//! One real visit: drives a browser through the shop and waits until all of it can be seen at the other end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::arrivals::{Arrivals, Expected};
use super::process::poll;
use super::stack::Stack;
use super::{arrivals, http};
use crate::{progress, tree};

const ARRIVAL_DEADLINE: Duration = Duration::from_mins(1);

/// Drives the visit, prints what arrived, and fails unless everything did, exactly once.
pub(super) fn drive(stack: &Stack) -> Result<()> {
    let (browser, expected) = progress::timed("visit the shop with Chromium", || visit(&stack.shop_url), |_| String::new())?;
    let read_back = || {
        // What is missing at the deadline is shown by the last look below.
        let _ = poll(ARRIVAL_DEADLINE, || look(stack, &expected).ok().filter(Arrivals::is_complete));
        // A closing browser may still send, and what it sends may still be on its way.
        close(browser)?;
        poll(ARRIVAL_DEADLINE, || (stack.spool_bytes()? == 0).then_some(())).context("the spool did not empty")?;
        look(stack, &expected)
    };
    let arrived = progress::timed("wait until everything arrived", read_back, |_| String::new())?;
    println!("\n{}", arrived.table());
    ensure!(arrived.is_complete(), "not everything arrived exactly once; marked with ✗ above");
    Ok(())
}

/// Runs the visit; the browser stays open until [`close`].
fn visit(shop_url: &str) -> Result<(Child, Expected)> {
    let mut browser = tree::command("node", ["tests/browser/visit.mjs", shop_url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run node")?;
    let mut line = String::new();
    BufReader::new(browser.stdout.take().context("no output")?).read_line(&mut line)?;
    let Ok(report) = serde_json::from_str::<Value>(&line) else {
        let mut errors = String::new();
        browser.stderr.take().context("no output")?.read_to_string(&mut errors)?;
        browser.wait()?;
        bail!("the visit failed:\n{errors}");
    };
    let page = &report["page"];
    ensure!(page["cookies"] == serde_json::json!([]), "the page got cookies: {}", page["cookies"]);
    ensure!(page["console"] == serde_json::json!([]), "the page's console has lines: {}", page["console"]);
    Ok((browser, Expected::from_json(&report["expected"])?))
}

fn close(mut browser: Child) -> Result<()> {
    drop(browser.stdin.take());
    let status = browser.wait()?;
    ensure!(status.success(), "the browser ended with {status}");
    Ok(())
}

/// What can be seen of the visit now.
fn look(stack: &Stack, expected: &Expected) -> Result<Arrivals> {
    let rows = stack.sql.ask(arrivals::QUERY)?;
    let metrics = stack.metrics()?;
    let prometheus =
        stack.prometheus_url.as_ref().map(|url| http::get(&format!("{url}{}", arrivals::PROMETHEUS_QUERY))).transpose()?;
    Arrivals::compare(expected, &rows, &metrics, prometheus.as_deref())
}
