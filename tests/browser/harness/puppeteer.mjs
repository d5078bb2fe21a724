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
  return {
    async openTab() {
      const context = await browser.createBrowserContext();
      return new PuppeteerTab(context, await context.newPage());
    },
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
  #context;
  #page;
  #other;
  #troubles = [];

  constructor(context, page) {
    this.#context = context;
    this.#page = page;
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

  async hide() {
    this.#other ??= await this.#context.newPage();
    await this.#other.bringToFront();
  }

  show() {
    return this.#page.bringToFront();
  }

  troubles() {
    return this.#troubles;
  }

  async close() {
    // Another tab keeps the context alive, and the page's last beacon with it.
    this.#other ??= await this.#context.newPage();
    await this.#page.close();
  }

  /** Ends everything the tab has opened. */
  dispose() {
    return this.#context.close();
  }
}
