// The vitals against Google's own library in the same page: both must say the same.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hide, NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { startSite } from './harness/site.mjs';

const folder = (path) => fileURLToPath(new URL(`../../${path}/`, import.meta.url));

// A page that shifts twice in one session window and once in another, and has handlers of known slowness.
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Vitals</title>
    <style>.late { height: 120px } input, button { display: block }</style>
    <script type="module">
      import { flush, init } from '/beamline-rum/index.js';
      import { onCLS, onFCP, onINP, onLCP, onTTFB } from '/web-vitals/web-vitals.js';
      import { onFID } from '/web-vitals-4/web-vitals.js';

      init({ key: 'test' });
      window.flush = flush;
      window.reference = {};
      for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB, onFID]) on(({ name, value }) => (window.reference[name] = value));
    </script>
  </head>
  <body>
    <div id="top"></div>
    <h1>Words that are painted</h1>
    <button id="slow">Slow</button>
    <button id="slower">Slower</button>
    <button id="fast">Fast</button>
    <input id="field" aria-label="Field">
    <script>
      const block = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
      slow.onclick = () => block(120);
      slower.onclick = () => block(260);
      field.onkeydown = () => block(60);
      window.shifts = 0;
      new PerformanceObserver((list) => { window.shifts += list.getEntries().length; }).observe({ type: 'layout-shift' });
      addEventListener('load', () => {
        for (const delay of [50, 400, 1700]) setTimeout(() => document.querySelector('#top').before(Object.assign(document.createElement('div'), { className: 'late' })), delay);
      });
    </script>
  </body>
</html>`;

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

const FOLDERS = {
  '/beamline-rum/': folder('npm/dist'),
  '/web-vitals/': folder('tests/browser/node_modules/web-vitals/dist'),
  '/web-vitals-4/': folder('tests/browser/node_modules/web-vitals-4/dist'),
};

async function open(t, html = PAGE) {
  const site = await startSite(t, { pages: { '/': html }, folders: FOLDERS });
  const page = await browser.openFreshPage();
  await page.goto(site.url);
  await coreRuns(page);
  return { site, page };
}

/** The core's first sign of life is the session it stores with its first beacon. */
async function coreRuns(page) {
  await page.evaluate(() => window.flush());
  await page.waitForFunction(() => localStorage.getItem('beamline') !== null);
}

/** Clicks or types, and waits until the browser has shown the answer and was idle after it. */
async function interact(page, action) {
  await action();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => requestIdleCallback(resolve)))));
}

/** The last value of every vital. */
const last = (events) => Object.fromEntries(events.filter(({ type }) => type === 'vital').map(({ metric, value }) => [metric, value]));

const has = (metric, least = 0) => (events) => (last(events)[metric] ?? -1) >= least;

function assertAgree(ours, reference) {
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(reference).sort());
  for (const [metric, value] of Object.entries(reference)) {
    // The wire carries six decimals.
    assert.ok(Math.abs(ours[metric] - value) <= 5e-7, `${metric}: ours ${ours[metric]}, theirs ${value}`);
  }
}

test('all six vitals agree with web-vitals, also after the page was shown again', async (t) => {
  const { site, page } = await open(t);
  await page.waitForFunction(() => window.shifts >= 3);
  for (const button of ['#slow', '#fast', '#fast']) await interact(page, () => page.click(button));
  await page.focus('#field');
  await interact(page, () => page.keyboard.press('a'));
  const hidden = await hide(page);
  const first = last(await site.eventsOnce(has('INP', 120)));
  const reference = await page.evaluate(() => window.reference);
  assertAgree(first, reference);
  assert.ok(first.CLS > 0 && first.INP >= 120, JSON.stringify(first));

  await hidden.undo();
  await interact(page, () => page.click('#slower'));
  await hide(page);
  const events = await site.eventsOnce(has('INP', 260));
  assertAgree(last(events), await page.evaluate(() => window.reference));
  const reports = events.filter(({ metric }) => metric === 'INP');
  assert.deepEqual(reports.map(({ prev_value }) => prev_value), [undefined, first.INP]);
  assert.equal(new Set(reports.map(({ metric_id }) => metric_id)).size, 1);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('a page without interactions and shifts agrees too', async (t) => {
  const { site, page } = await open(t, PAGE.replace(/addEventListener\('load'[\s\S]*?\n      }\);/, ''));
  await hide(page);
  const ours = last(await site.eventsOnce(has('CLS')));
  assertAgree(ours, await page.evaluate(() => window.reference));
  assert.deepEqual(Object.keys(ours).sort(), ['CLS', 'FCP', 'LCP', 'TTFB']);
  assert.equal(ours.CLS, 0);
});

test('events of less than 104 ms before the core runs are not lost', async (t) => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const site = await startSite(t, { pages: { '/': PAGE }, held: { '/beamline-rum/core.js': held }, folders: FOLDERS });
  const page = await browser.openFreshPage();
  await page.goto(site.url);
  await interact(page, () => page.click('#fast'));
  await page.focus('#field');
  await interact(page, () => page.keyboard.press('a'));
  release();
  await coreRuns(page);
  await hide(page);
  const ours = last(await site.eventsOnce(has('INP')));
  assert.ok(ours.INP >= 56, `${ours.INP} is the key press`);
  assert.equal(ours.INP, await page.evaluate(() => window.reference.INP));
});

test('with a time limit the page that nobody leaves has an LCP too', async (t) => {
  const { site, page } = await open(t, PAGE.replace("init({ key: 'test' })", "init({ key: 'test', lcpTimeLimit: 0 })"));
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)))));
  await page.evaluate(() => window.flush());
  const [lcp] = (await site.eventsOnce(has('LCP'))).filter(({ metric }) => metric === 'LCP');
  assert.equal(lcp.value, await page.evaluate(() => new Promise((resolve) =>
    new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime)).observe({ type: 'largest-contentful-paint', buffered: true }))));
  assert.equal(await page.evaluate(() => window.reference.LCP), undefined, 'web-vitals waits for the user');
});

test('a slow interaction right before the page is left is reported, unlike in web-vitals', async (t) => {
  // The page is hidden as soon as the entry is delivered, while the main thread is busy and nobody was idle.
  const { site, page } = await open(t, PAGE.replace('window.shifts = 0;', `window.shifts = 0;
      new PerformanceObserver((list) => {
        if (!list.getEntriesByName('click').length) return;
        block(50);
        Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }).observe({ type: 'event', durationThreshold: 104 });`));
  // Until then the button moves.
  await page.waitForFunction(() => window.shifts >= 3);
  await page.click('#slow');
  const ours = last(await site.eventsOnce(has('INP')));
  assert.ok(ours.INP >= 120, `${ours.INP}`);
});
