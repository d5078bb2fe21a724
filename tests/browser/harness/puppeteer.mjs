// Chromium and Firefox, driven by puppeteer.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

import { startBrowser } from './browser.mjs';

/** How long a button of the mouse stays down: a frame or two, so that the press is seen apart from the release. */
const PRESS_MS = 35;

export async function startPuppeteer(name) {
  const { browser, close } = await (name === 'firefox' ? startFirefox() : startBrowser());
  // What its user looks at instead of a hidden tab.
  const other = await browser.newPage();
  return {
    openTab: async () => new PuppeteerTab(await browser.newPage(), other),
    close,
  };
}

async function startFirefox() {
  const userDataDir = await mkdtemp(join(tmpdir(), 'beamline-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    userDataDir,
  });
  return {
    browser,
    async close() {
      await browser.close();
      await rm(userDataDir, { recursive: true, force: true });
    },
  };
}

class PuppeteerTab {
  #page;
  #other;
  #troubles = [];

  constructor(page, other) {
    this.#page = page;
    this.#other = other;
    page.on('pageerror', (error) => this.#troubles.push(String(error)));
    page.on('console', (message) => this.#troubles.push(`${message.type()}: ${message.text()}`));
  }

  async goto(url) {
    await this.#page.goto(url);
  }

  evaluate(body, values) {
    return this.#page.evaluate(body, ...values);
  }

  click(selector) {
    return this.#page.click(selector, { delay: PRESS_MS });
  }

  press(key) {
    return this.#page.keyboard.press(key);
  }

  tap(selector) {
    return this.#page.tap(selector);
  }

  /** By a script of the page: the driver's own commands lose track of a document that comes back from the cache. */
  reload() {
    return this.#page.evaluate(() => void setTimeout(() => location.reload()));
  }

  back() {
    return this.#page.evaluate(() => void setTimeout(() => history.back()));
  }

  forward() {
    return this.#page.evaluate(() => void setTimeout(() => history.forward()));
  }

  leave(path) {
    return this.#page.evaluate((to) => void setTimeout(() => (location.href = to)), path);
  }

  hide() {
    return this.#other.bringToFront();
  }

  show() {
    return this.#page.bringToFront();
  }

  troubles() {
    return this.#troubles;
  }

  close() {
    return this.#page.close();
  }

  async dispose() {
    if (!this.#page.isClosed()) await this.#page.close();
  }
}
