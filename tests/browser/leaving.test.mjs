// Users who leave right after a slow click, while the page is busy: the slow click must not be lost, however they leave.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './harness/browser.mjs';
import { BEACON_PATH, startSite } from './harness/site.mjs';

const folder = (path) => fileURLToPath(new URL(`../../${path}/`, import.meta.url));

const FOLDERS = {
  '/beamline-rum/': folder('npm/dist'),
  '/web-vitals/': folder('tests/browser/node_modules/web-vitals/dist'),
};

const VISITS = 20;
const HANDLER_MS = 120;

// Once it is busy, and until it is hidden, one task follows the other: frames are drawn, but the browser is never idle. When it is left, the page tells what
// the two libraries have reported by then; their listeners are on the window and so come first.
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Leaving</title>
    <script type="module">
      import { flush, init } from '/beamline-rum/index.js';
      import * as ours from '/beamline-rum/web-vitals.js';
      import * as theirs from '/web-vitals/web-vitals.js';

      init({ key: 'test' });
      const reported = { type: 'reported', path: location.pathname };
      ours.onINP(({ value }) => (reported.ours = value));
      theirs.onINP(({ value }) => (reported.theirs = value));
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'hidden') navigator.sendBeacon('${BEACON_PATH}', JSON.stringify({ events: [reported] }));
      });
      window.flush = flush;
    </script>
  </head>
  <body>
    <h1>Words that are painted</h1>
    <button>Slow</button>
    <script>
      const block = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { block(30); if (document.visibilityState === 'visible') port2.postMessage(0); };
      window.beBusy = () => port2.postMessage(0);
      document.querySelector('button').onclick = () => block(${HANDLER_MS});
      window.clickIsDelivered = new Promise((resolve) => {
        new PerformanceObserver((list) => list.getEntriesByName('click').length && resolve()).observe({ type: 'event', durationThreshold: 104 });
      });
    </script>
  </body>
</html>`;

const click = (page) => page.click('button');

/** Each clicks and leaves, once it has waited. */
const WAYS = {
  'to another tab': (page, wait, other) => click(page).then(wait).then(() => other.bringToFront()),
  'to the next page': (page, wait) => click(page).then(wait).then(() => page.evaluate(() => void (location.href = '/next'))),
  'by a reload': (page, wait) => click(page).then(wait).then(() => page.evaluate(() => location.reload())),
  'by closing the tab': (page, wait) => click(page).then(wait).then(() => page.close()),
  async 'by the click itself, as on a link'(page) {
    await page.evaluate(() => document.querySelector('button').addEventListener('click', () => (location.href = '/next')));
    await click(page);
  },
};

/** When the entry of the click is there, it waits for an idle moment, which does not come. */
const MOMENTS = {
  'at once': () => {},
  'with the entry delivered': (page) => page.evaluate(() => window.clickIsDelivered),
};

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

test(`a click of ${HANDLER_MS} ms right before the page is left is in all of ${VISITS} beacons`, async (t) => {
  const paths = Array.from({ length: VISITS }, (_, number) => `/visits/${number}`);
  const site = await startSite(t, {
    pages: { ...Object.fromEntries(paths.map((path) => [path, PAGE])), '/next': '<!doctype html><title>Next</title>' },
    folders: FOLDERS,
  });
  const visits = [];
  for (const [number, path] of paths.entries()) {
    const [way, leave] = turn(WAYS, number);
    const [moment, wait] = turn(MOMENTS, Math.floor(number / Object.keys(WAYS).length));
    await visit(site.url + path, leave, wait);
    const reported = (event) => event.type === 'reported' && event.path === path;
    const events = await site.eventsOnce((all) => all.some(reported) && vital(site, path, 'CLS'));
    const { ours, theirs } = events.find(reported);
    visits.push({ agent: vital(site, path, 'INP')?.value, ours, theirs, left: `${way}, ${moment}` });
  }

  for (const { agent, ours, theirs, left } of visits) t.diagnostic(`agent ${agent}, drop-in ${ours}, web-vitals ${theirs}: ${left}`);
  const told = (library) => visits.filter((visit) => visit[library] >= HANDLER_MS).length;
  t.diagnostic(`${VISITS} slow clicks; told by the agent: ${told('agent')}, the drop-in: ${told('ours')}, web-vitals: ${told('theirs')}`);
  assert.equal(told('agent'), VISITS, 'the agent');
  assert.equal(told('ours'), VISITS, 'the drop-in');
});

/** The property whose turn it is. */
const turn = (object, number) => Object.entries(object)[number % Object.keys(object).length];

/** Opens the page, clicks and leaves. */
async function visit(url, leave, wait) {
  const page = await browser.openFreshPage();
  const other = await page.browserContext().newPage();
  await page.bringToFront();
  await page.goto(url);
  await page.evaluate(() => window.flush());
  // The core's first sign of life is the session it stores with its first beacon.
  await page.waitForFunction(() => localStorage.getItem('beamline') !== null);
  await page.evaluate(() => window.beBusy());
  await leave(page, () => wait(page), other);
}

/** The last report of a vital in the beacons of the page at `path`; every beacon of a page that is left has its CLS. */
const vital = (site, path, metric) =>
  site.beacons
    .filter(({ body }) => body.views?.some(({ url }) => new URL(url).pathname === path))
    .flatMap(({ body }) => body.events.filter((event) => event.metric === metric))
    .at(-1);
