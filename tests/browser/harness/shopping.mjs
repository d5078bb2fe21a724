// One visit to the sample shop, the way a user makes it: real clicks, each awaited by what the page shows for it.

import { hide } from './browser.mjs';

/** What a visit must leave behind, each exactly once unless a number says otherwise. */
export const EXPECTED = {
  vitals: ['CLS', 'FCP', 'FID', 'INP', 'LCP', 'TTFB'],
  pageViews: 2,
  clicks: 5,
  customActions: { add_to_basket: 1 },
  errors: { uncaught: 1, unhandled_rejection: 1 },
};

/** Opens the shop on `page`, uses everything in it, and hides the page. `core` is in the name of the file that the core comes from. */
export async function shop(page, url, core = 'rum.wasm') {
  await page.goto(url);
  // The news pushes the page down: the layout shift. Clicks come later, so that none misses.
  await page.waitForFunction(() => document.querySelector('#news').textContent !== '');

  await click(page, '[data-do=brighten]', 'Sorted by brightness.');
  await click(page, '[data-do=voucher]');
  await click(page, '[data-do=stock]', 'Asking the warehouse …');
  await click(page, '[href="/lamp/comet"]');
  await page.waitForSelector('.detail');
  await click(page, '.detail [data-do=add]', 'Comet is in your basket.');
  await page.waitForFunction((core) => performance.getEntriesByType('resource').some(({ name }) => name.includes(core)), {}, core);
  return hide(page);
}

async function click(page, selector, answer) {
  await page.click(selector);
  if (answer) await page.waitForFunction((text) => document.querySelector('#status').textContent === text, {}, answer);
  // The interaction's timing is known once the next frame is shown.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
}
