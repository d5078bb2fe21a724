// The harness itself: what a test would otherwise take for granted.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hide, NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { BEACON_PATH, startSite } from './harness/site.mjs';

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

const beacon = (events) => JSON.stringify({ v: 1, events });

test('a beacon sent when the page is hidden is recorded', async (t) => {
  const page = await browser.openPage();
  const site = await startSite(t, {
    pages: {
      '/': `<!doctype html><title>page</title><script>
        addEventListener('visibilitychange', () => navigator.sendBeacon("${BEACON_PATH}?key=k", '${beacon([{ type: 'hidden' }])}'));
      </script>`,
    },
  });
  await page.goto(site.url);
  await hide(page);
  assert.deepEqual(await site.eventsOnce((events) => events.length > 0), [{ type: 'hidden' }]);
  assert.equal(site.beacons[0].key, 'k');
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('troubles of a page are seen', async (t) => {
  const page = await browser.openFreshPage();
  const site = await startSite(t, {
    pages: {
      '/': `<!doctype html><link rel='icon' href='data:,'><script>
        document.cookie = 'c=1'; console.info('line'); throw new Error('thrown');
      </script>`,
    },
  });
  await page.goto(site.url);
  const { errors, console, cookies } = await page.troubles();
  assert.deepEqual(errors, ['Error: thrown']);
  assert.deepEqual(console, ['info: line']);
  assert.deepEqual(cookies, ['c']);
});

test('waiting for events that never come fails and says what came', async (t) => {
  const site = await startSite(t);
  await fetch(site.url + BEACON_PATH, { method: 'POST', body: beacon([{ type: 'other' }]) });
  await assert.rejects(
    site.eventsOnce(() => false, 50),
    /waited 50 ms.*"other"/s,
  );
});
