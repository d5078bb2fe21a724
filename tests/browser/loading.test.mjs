// The ways to load the package besides its default entry, and loading it more than once.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { earlyScript, earlyScriptHash } from '../../npm/dist/early-script.js';
import { hide, NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { startSite } from './harness/site.mjs';

const DIST = fileURLToPath(new URL('../../npm/dist/', import.meta.url));
const MODULE = `<script type="module">
  import * as sdk from '/beamline-rum/index.js';
  sdk.init({ key: 'test' });
  window.sdk = sdk;
</script>`;

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

async function open(t, head, site = {}) {
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Loading</title>${head}</head>
    <body><h1>Words</h1><button>Act</button></body></html>`;
  const folders = Object.fromEntries(['/beamline-rum/', '/copy/'].map((path) => [path, DIST]));
  const started = await startSite(t, { pages: { '/': html }, folders, ...site });
  const page = await browser.openFreshPage();
  await page.goto(started.url);
  return { site: started, page };
}

const named = (events, type) => events.filter((event) => event.type === type);
const has = (...metrics) => (events) => metrics.every((wanted) => events.some(({ metric }) => metric === wanted));
const coreRuns = (page) => page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('rum.wasm')));

const script = (body) => (request, response) => void response.writeHead(200, { 'content-type': 'text/javascript' }).end(`(${body})()`);

/** What happened on a page apart from its vitals, sorted. */
const happened = (events) => events.filter(({ type }) => !['vital', 'page_leave', 'long_frame'].includes(type)).map(({ action, message, type }) => message ?? action ?? type).sort();

test('what happens before the package is there is recorded by the script for <head>, and sent once', async (t) => {
  const site = { headers: { 'content-security-policy': `script-src 'self' 'wasm-unsafe-eval' ${earlyScriptHash}` }, routes: { '/page.js': script(() => {
    beamline.trackPageView('landing');
    beamline.trackUserAction('early', 'test', 1);
    setTimeout(() => { throw new Error('thrown early'); });
    Promise.reject(new Error('rejected early'));
  }) } };
  // The second copy must not record a second time.
  const { site: started, page } = await open(t, `<script>${earlyScript}</script><script src="/page.js"></script><script>${earlyScript}</script>`, site);
  const { beacons } = started;
  await page.click('button');
  await hide(page).then(({ undo }) => undo());
  assert.equal(beacons.length, 0, 'it sends nothing by itself');
  await page.evaluate(() => import('/beamline-rum/index.js').then((sdk) => sdk.init({ key: 'test' })));
  await coreRuns(page);
  await page.evaluate(() => beamline.trackUserAction('late'));
  await hide(page);
  const events = await started.eventsOnce(has('TTFB', 'INP', 'FID'));
  assert.deepEqual(happened(events), ['click', 'early', 'late', 'page_view', 'rejected early', 'thrown early']);
  assert.equal(beacons[0].body.views[0].page, 'landing');
  const { console: lines, cookies } = await page.troubles();
  assert.deepEqual([lines, cookies], [[], []]);
});

test('the script for <head> knows when the page was hidden', async (t) => {
  const { page } = await open(t, `<script>${earlyScript}</script>`);
  await hide(page).then(({ undo }) => undo());
  await page.waitForFunction(() => document.visibilityState === 'visible');
  assert.deepEqual(await page.evaluate(() => __beamlinePage.queue.map(([source, , , visibility]) => `${source} ${visibility}`)), [
    'begin visible',
    'pageshow visible',
    'visibilitychange hidden',
    'visibilitychange visible',
  ]);
});

test('the script for <head> is what its hash is of, and brings no global but two', async (t) => {
  assert.equal(earlyScriptHash, `'sha256-${createHash('sha256').update(earlyScript).digest('base64')}'`);
  assert.ok(!/<\/?script/i.test(earlyScript));
  const { page } = await open(t, `<script>window.before = Object.keys(window)</script><script>${earlyScript}</script>`);
  assert.deepEqual(await page.evaluate(() => Object.keys(window).filter((name) => !before.includes(name) && name !== 'before')), ['beamline', '__beamlinePage']);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('with Global Privacy Control, what the script for <head> recorded is dropped when init is called, and nothing more is', async (t) => {
  const head = `<script>Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })</script><script>${earlyScript}</script>`;
  const { site, page } = await open(t, head + MODULE);
  await page.click('button');
  await page.evaluate(() => beamline.trackUserAction('act'));
  await hide(page);
  assert.equal(await page.evaluate(() => __beamlinePage.queue.length), 0);
  assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
  assert.deepEqual(site.requests.filter((path) => path.startsWith('/beamline-rum/')), ['/beamline-rum/index.js']);
  assert.equal(site.beacons.length, 0);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('a page with two copies of the package, each started, is measured once', async (t) => {
  const { site, page } = await open(t, MODULE + MODULE.replaceAll('beamline-rum', 'copy').replaceAll('sdk', 'other').replace("'test'", "'other'"));
  await page.click('button');
  await page.evaluate(() => {
    sdk.trackUserAction('by one', 'test');
    other.trackUserAction('by the other', 'test');
  });
  await coreRuns(page);
  await page.evaluate(() => other.trackUserAction('later by the other'));
  await hide(page);
  const events = await site.eventsOnce(has('TTFB', 'INP'));
  assert.deepEqual(happened(events), ['by one', 'by the other', 'click', 'later by the other', 'page_view']);
  assert.equal(named(events, 'vital').filter(({ metric }) => metric === 'TTFB').length, 1);
  assert.ok(site.beacons.every(({ key }) => key === 'test'), 'the first call of init counts');
  assert.deepEqual(site.requests.filter((path) => path.startsWith('/copy/')), ['/copy/index.js']);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('the entry in one file runs before init returns', async (t) => {
  const { site, page } = await open(t, MODULE.replace('index.js', 'sync.js').replace("});", "});\n  window.ran = __beamlinePage.sent;"));
  assert.equal(await page.evaluate(() => window.ran), true);
  await page.click('button');
  await page.evaluate(() => sdk.trackUserAction('act'));
  await hide(page);
  assert.deepEqual(happened(await site.eventsOnce(has('TTFB', 'INP', 'LCP', 'CLS', 'FCP'))), ['act', 'click', 'page_view']);
  assert.deepEqual(site.requests.filter((path) => path.startsWith('/beamline-rum/')), ['/beamline-rum/sync.js']);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('the entry in one file needs no other where nothing may be stored', async (t) => {
  const forbidden = `<script>for (const name of ['localStorage', 'sessionStorage'])
    Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });</script>`;
  const { site, page } = await open(t, forbidden + MODULE.replace('index.js', 'sync.js'));
  await page.click('button');
  await hide(page);
  assert.deepEqual(happened(await site.eventsOnce(has('TTFB'))), ['click', 'page_view']);
  assert.deepEqual(site.requests.filter((path) => path.startsWith('/beamline-rum/')), ['/beamline-rum/sync.js']);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('a script tag with its options as attributes starts by itself and leaves the API behind', async (t) => {
  const tag = `<script async src="/beamline-rum/beamline.js" data-key="tag" data-release="4.2" data-sample-rate="1" data-auto-clicks="false"></script>`;
  const { site, page } = await open(t, tag);
  await page.click('button');
  await page.evaluate(() => beamline.trackUserAction('act'));
  await coreRuns(page);
  await hide(page);
  assert.deepEqual(happened(await site.eventsOnce(has('TTFB', 'LCP'))), ['act', 'page_view']);
  assert.deepEqual([site.beacons[0].key, site.beacons[0].body.release, site.beacons[0].body.session.sample_rate], ['tag', '4.2', 1]);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('a script tag without a key waits for init', async (t) => {
  const { site, page } = await open(t, `<script src="/beamline-rum/beamline.js"></script><script>beamline.init({ key: 'called' })</script>`);
  await coreRuns(page);
  await hide(page);
  await site.eventsOnce(has('TTFB'));
  assert.equal(site.beacons[0].key, 'called');
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});
