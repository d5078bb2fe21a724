// A real Chromium for one test file, and pages that remember everything that went wrong on them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Starts Chromium with an empty profile. `close()` ends it and removes the profile.
 *
 * @param {{ flags?: string[] }} [options]
 */
export async function startBrowser({ flags = [] } = {}) {
  const userDataDir = await mkdtemp(join(tmpdir(), 'beamline-chromium-'));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    userDataDir,
    args: [...FLAGS, ...flags],
  });
  return {
    /** A page in the default profile. */
    openPage: async () => watch(await browser.newPage()),
    /** A page with cookies, storage and cache of its own. */
    openFreshPage: async () => watch(await (await browser.createBrowserContext()).newPage()),
    browser,
    async close() {
      await browser.close();
      await rm(userDataDir, { recursive: true, force: true });
    },
  };
}

/** Adds `page.troubles()`: what the page threw, wrote to its console, and the cookies it has. */
async function watch(page) {
  const errors = [];
  const lines = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => lines.push(`${message.type()}: ${message.text()}`));
  page.troubles = async () => ({ errors, console: lines, cookies: (await page.browserContext().cookies()).map(({ name }) => name) });
  return page;
}

/** What `page.troubles()` says of a page that nothing happened to. */
export const NO_TROUBLES = { errors: [], console: [], cookies: [] };

/** Hides `page` the way a user does, by showing another tab; `undo()` shows it again. */
export async function hide(page) {
  const other = await page.browserContext().newPage();
  await other.bringToFront();
  await page.waitForFunction(() => document.visibilityState === 'hidden', { polling: 50 });
  return {
    async undo() {
      await page.bringToFront();
      await other.close();
    },
  };
}
