// The sample shop with the packed package, bundled by esbuild: what one visit sends.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './harness/browser.mjs';
import { EXPECTED, shop } from './harness/shopping.mjs';
import { startSite } from './harness/site.mjs';

const SOURCE = fileURLToPath(new URL('../../examples/shop', import.meta.url));

let browser;
let bundle;
before(async () => {
  browser = await startBrowser();
  bundle = await mkdtemp(join(tmpdir(), 'beamline-shop-'));
});
after(async () => {
  await browser.close();
  await rm(bundle, { recursive: true });
});

/** The shop on a site of its own, which takes the beacons too unless they go `elsewhere`. */
async function openShop(t, { elsewhere, ...options } = {}) {
  const site = await startSite(t, { folders: { '/': bundle }, ...options });
  execFileSync('node', ['build.mjs'], { cwd: SOURCE, env: { ...process.env, OUT_DIR: bundle, BEAMLINE_URL: elsewhere ?? site.url } });
  return { site, page: await browser.openFreshPage() };
}

/** An address nobody listens on. */
async function closedAddress() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

const named = (events, type) => events.filter((event) => event.type === type);

/** How often each value of `key` occurs. */
const tally = (events, key) => Object.fromEntries(events.map((event) => [event[key], events.filter((other) => other[key] === event[key]).length]));

test('a visit sends every vital, view, click and error exactly once', async (t) => {
  const { site, page } = await openShop(t);
  await shop(page, site.url);
  const events = await site.eventsOnce((events) => EXPECTED.vitals.every((metric) => events.some((event) => event.metric === metric)));

  // A later report of a vital replaces an earlier one and says so; first reports are what counts.
  const firstReports = named(events, 'vital').filter((event) => event.prev_value === undefined);
  assert.deepEqual(firstReports.map(({ metric }) => metric).sort(), EXPECTED.vitals);
  assert.equal(named(events, 'page_view').length, EXPECTED.pageViews);
  const actions = named(events, 'action');
  assert.deepEqual(tally(actions, 'action'), { click: EXPECTED.clicks, ...EXPECTED.customActions });
  assert.deepEqual(tally(named(events, 'error'), 'source'), EXPECTED.errors);

  const value = (metric) => named(events, 'vital').findLast((event) => event.metric === metric).value;
  assert.ok(value('CLS') > 0, 'the news shifted the page');
  assert.ok(value('INP') >= 200, 'the slow handler took a quarter of a second');
  assert.ok(site.beacons.every(({ key }) => key === 'demo'));
  assert.ok(site.beacons.every(({ headers }) => headers['content-type'].startsWith('text/plain')), 'no preflight is needed');

  const { errors, console: lines, cookies } = await page.troubles();
  assert.equal(errors.length, 2, `the page's own two errors and no other: ${errors}`);
  assert.deepEqual([lines, cookies], [[], []]);
});

test('under a policy that refuses WebAssembly a visit sends the same, and the page is unharmed', async (t) => {
  const policy = { 'content-security-policy': "script-src 'self'; style-src 'self' 'unsafe-inline'" };
  const { site, page } = await openShop(t, { headers: policy });
  await shop(page, site.url, 'wasm2js');
  const events = await site.eventsOnce((events) => EXPECTED.vitals.every((metric) => events.some((event) => event.metric === metric)));
  assert.deepEqual(tally(named(events, 'error'), 'source'), EXPECTED.errors);
  assert.equal(named(events, 'page_view').length, EXPECTED.pageViews);
  assert.deepEqual(tally(named(events, 'action'), 'action'), { click: EXPECTED.clicks, ...EXPECTED.customActions });
  const { errors, console: lines, cookies } = await page.troubles();
  assert.equal(errors.length, 2, `the page's own two errors and no other: ${errors}`);
  assert.deepEqual(cookies, []);
  assert.deepEqual(lines.filter((line) => !line.includes('Content Security Policy')), []);
});

test('a service that is down is nothing to the page', async (t) => {
  const { site, page } = await openShop(t, { elsewhere: await closedAddress() });
  await shop(page, site.url);
  const { errors, console: lines, cookies } = await page.troubles();
  assert.equal(errors.length, 2, `the page's own two errors and no other: ${errors}`);
  assert.deepEqual(cookies, []);
  assert.deepEqual(lines.filter((line) => !line.includes('net::ERR_CONNECTION_REFUSED')), [], "nothing but the browser's own lines");
});

test('a service that is overloaded is nothing to the page', async (t) => {
  const { site, page } = await openShop(t, { beaconStatus: 503 });
  await shop(page, site.url);
  await site.eventsOnce((events) => named(events, 'page_view').length > 0);
  const { errors, console: lines, cookies } = await page.troubles();
  assert.equal(errors.length, 2, `the page's own two errors and no other: ${errors}`);
  assert.deepEqual(cookies, []);
  assert.deepEqual(lines.filter((line) => !line.includes('status of 503')), [], "nothing but the browser's own lines");
});
