// A real Chromium whose every page is fresh, on the servers of the benchmark.

import { join } from 'node:path';

import { startBrowser } from '../../tests/browser/harness/browser.mjs';
import { startCollector, startPage } from './servers.mjs';

/** Starts browser and servers. */
export async function startBench() {
  const [page, collector] = await Promise.all([startPage(), startCollector()]);
  const rules = `MAP shop.localhost 127.0.0.1:${page.port}, MAP collector.localhost 127.0.0.1:${collector.port}`;
  const { browser, close } = await startBrowser({ flags: [`--host-resolver-rules=${rules}`] });
  // Some agents leave a browser alone that says it is headless.
  const userAgent = (await browser.userAgent()).replace('Headless', '');
  return {
    site: page.state,
    /** From now on the page has `agent`. */
    use({ id, scripts }, bundles) {
      Object.assign(page.state, { folder: join(bundles, id), isModule: !scripts, fetched: [] });
    },
    collector,
    /** A page with cookies, storage and cache of its own; `close()` ends all of that. */
    async openPage() {
      const context = await browser.createBrowserContext();
      const tab = await context.newPage();
      await tab.setUserAgent({ userAgent });
      // Otherwise agents that look for automation stay silent.
      await tab.evaluateOnNewDocument(() => Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false }));
      return { tab, context, close: () => context.close() };
    },
    async close() {
      await close();
      await Promise.all([page.close(), collector.close()]);
    },
  };
}

/** Lets time pass, as a user does between two clicks. Agents do their work and send by the clock; there is nothing else to wait for. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
