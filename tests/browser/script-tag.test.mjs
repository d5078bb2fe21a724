// The plain page of examples/script-tag with the package's dist folder next to it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hide, NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { startSite } from './harness/site.mjs';

const folder = (path) => fileURLToPath(new URL(`../../${path}/`, import.meta.url));

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

test('a page without a bundler is measured', async (t) => {
  const site = await startSite(t, { folders: { '/': folder('examples/script-tag'), '/beamline-rum/': folder('npm/dist') } });
  const page = await browser.openFreshPage();
  await page.goto(site.url);
  await page.click('button');
  await page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('rum.wasm')));
  await hide(page);
  const events = await site.eventsOnce((events) => ['LCP', 'INP', 'TTFB'].every((metric) => events.some((event) => event.metric === metric)));
  assert.equal(events.filter(({ type }) => type === 'page_view').length, 1);
  assert.equal(events.filter(({ action }) => action === 'click').length, 1);
  assert.equal(site.beacons[0].key, 'demo');
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});
