// Where the drop-in tells more than npm web-vitals, each shown beside it. tests/browser/oracle/ shows that they agree otherwise.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './harness/browser.mjs';
import { startSite } from './harness/site.mjs';

const folder = (path) => fileURLToPath(new URL(`../../${path}/`, import.meta.url));

const FOLDERS = {
  '/beamline-rum/': folder('npm/dist'),
  '/web-vitals/': folder('tests/browser/node_modules/web-vitals/dist'),
};

/** A page that keeps what both libraries report, by library, after `listen` was called with its functions. */
const document = ({ first = '', listen, body }) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Differences</title>
    <script>
      window.reports = { theirs: [], ours: [] };
      ${first}
    </script>
    <script type="module">
      import * as theirs from '/web-vitals/web-vitals.js';
      import * as ours from '/beamline-rum/web-vitals.js';
      const { reports } = window;
      window.listen = (by) => {
        for (const [name, library] of Object.entries({ theirs, ours })) {
          by(library, ({ name: metric, id, value, delta, entries }) => {
            reports[name].push({ metric, id, value, delta, element: entries[0]?.element?.id });
            window.dispatchEvent(new Event('report'));
          });
        }
      };
      window.listen(${listen});
      window.isListening = true;
    </script>
  </head>
  <body>${body}</body>
</html>`;

/** Resolves once `condition` holds of what was reported. */
const whenReported = (page, condition) => page.waitForFunction(condition, { polling: 20 });
const reports = (page) => page.evaluate(() => window.reports);
const frames = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

async function open(t, pages) {
  const site = await startSite(t, { pages, folders: FOLDERS });
  const page = await browser.openFreshPage();
  await page.goto(site.url);
  return page;
}

test('what the LCP observer still holds when the page goes is looked at', async (t) => {
  // The frame goes from inside the page's own observer, which is called first: the libraries' observers hold the same record.
  const first = `
    window.reports = parent.reports;
    new PerformanceObserver((list) => {
      if (list.getEntries().some(({ id }) => id === 'larger')) frameElement.remove();
    }).observe({ type: 'largest-contentful-paint', buffered: true });`;
  const body = `<p id="small">Words</p><script>
    window.grow = () => document.body.append(Object.assign(document.createElement('h1'), { id: 'larger', textContent: 'Many more words than before' }));
  </script>`;
  const page = await open(t, {
    '/': '<!doctype html><title>Outside</title><script>window.reports = { theirs: [], ours: [] }</script><iframe src="/inside" width="600" height="400"></iframe>',
    '/inside': document({ first, listen: '({ onLCP }, report) => onLCP(report)', body }),
  });
  await page.waitForFunction(() => frames[0].isListening);
  await frames(page);
  await page.evaluate(() => window.frames[0].grow());
  await page.waitForFunction(() => !window.frames.length);
  const { theirs, ours } = await reports(page);
  t.diagnostic(`theirs: ${theirs.map(({ element }) => element)}, ours: ${ours.map(({ element }) => element)}`);
  assert.deepEqual(ours.map(({ element }) => element), ['larger']);
});

test('a soft navigation that one instance follows does not make another forget that the page was hidden', async (t) => {
  const body = `<h1>Words</h1><button>Go</button><main></main><script>
    document.querySelector('button').onclick = () => {
      history.pushState({}, '', '/next');
      document.querySelector('main').innerHTML = '<h1>Another view</h1><p>' + 'More words. '.repeat(20) + '</p>';
    };
  </script>`;
  const listen = '({ onFCP, onLCP }, report) => { onFCP(() => {}); onLCP(() => {}, { reportSoftNavs: true }); }';
  const site = await startSite(t, { pages: { '/': document({ listen, body }) }, folders: FOLDERS });
  const page = await browser.openFreshPage();
  const other = await page.browserContext().newPage();
  await other.bringToFront();
  await page.goto(site.url);
  await page.waitForFunction(() => window.isListening, { polling: 20 });
  await page.bringToFront();
  await frames(page);
  const isKnown = await page.evaluate(() => PerformanceObserver.supportedEntryTypes.includes('soft-navigation'));
  assert.ok(isKnown, 'Chromium tells of soft navigations');
  const navigated = page.evaluate(() => new Promise((resolve) => new PerformanceObserver(resolve).observe({ type: 'soft-navigation', buffered: true })));
  await page.click('button');
  await navigated;
  await frames(page);
  await page.evaluate(() => window.listen(({ onFCP }, report) => onFCP(report)));
  await frames(page);
  await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
  const { theirs, ours } = await reports(page);
  t.diagnostic(`FCP of a page opened in the background: theirs ${theirs.map(({ value }) => value)}, ours ${ours.map(({ value }) => value)}`);
  assert.deepEqual(ours, []);
});

test('with a time limit LCP is reported without waiting for the user, and corrected', async (t) => {
  const listen = '({ onLCP }, report) => onLCP(report, { timeLimit: 0 })';
  const body = `<p id="small">Words</p><script>
    window.grow = () => document.body.append(Object.assign(document.createElement('h1'), { id: 'larger', textContent: 'Many more words than before' }));
  </script>`;
  const page = await open(t, { '/': document({ listen, body }) });
  await whenReported(page, () => window.reports.ours.length === 1);
  await page.evaluate(() => window.grow());
  await whenReported(page, () => window.reports.ours.length === 2);
  const { theirs, ours } = await reports(page);
  assert.deepEqual(theirs, [], 'web-vitals waits for the user');
  const [first, second] = ours;
  assert.deepEqual([first.element, second.element], ['small', 'larger']);
  assert.equal(second.id, first.id);
  assert.deepEqual([first.delta, second.delta], [first.value, second.value - first.value]);
  await page.click('p');
  await frames(page);
  await page.evaluate(() => window.grow());
  await frames(page);
  assert.equal((await reports(page)).ours.length, 2, 'after the first click it is final');
});

test('a negative time limit, or none, is none', async (t) => {
  const listen = '({ onLCP }, report) => { onLCP(report, { timeLimit: -1 }); onLCP(report, { timeLimit: undefined }); onLCP(report, { timeLimit: NaN }); }';
  const page = await open(t, { '/': document({ listen, body: '<p id="small">Words</p>' }) });
  await frames(page);
  await page.evaluate(() => new Promise((resolve) => requestIdleCallback(() => setTimeout(resolve))));
  assert.deepEqual((await reports(page)).ours, []);
});
