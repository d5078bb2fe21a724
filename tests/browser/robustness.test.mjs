// What the SDK does when the page, the user or the browser does not do what one would like.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hide, NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { startSite } from './harness/site.mjs';

const DIST = fileURLToPath(new URL('../../npm/dist/', import.meta.url));

const html = (options, body = '') => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Robustness</title>
    <script type="module">
      import * as sdk from '/beamline-rum/index.js';
      sdk.init(${options});
      window.sdk = sdk;
    </script>
  </head>
  <body><h1>Words</h1>${body}</body>
</html>`;

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

async function open(t, { options = "{ key: 'test' }", body, path = '/', prepare = () => {}, ...site } = {}) {
  const started = await startSite(t, { pages: { '/': html(options, body) }, folders: { '/beamline-rum/': DIST }, ...site });
  const page = await browser.openFreshPage();
  await page.evaluateOnNewDocument(prepare);
  await page.goto(started.url + path);
  await page.waitForFunction(() => window.sdk !== undefined);
  return { site: started, page };
}

/** The core's first sign of life is the session it stores with its first beacon. */
async function coreRuns(page) {
  await page.evaluate(() => sdk.flush());
  await page.waitForFunction(() => localStorage.getItem('beamline') !== null);
}

const earlyRuns = (page) => page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('early.js')));
const named = (events, type) => events.filter((event) => event.type === type);
const sent = (type, count = 1) => (events) => named(events, type).length >= count;

test('a page that is left before the core runs is told of by the stub, and not again by the core', async (t) => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const { site, page } = await open(t, { held: { '/beamline-rum/core.js': held }, path: '/?token=secret', body: '<button>Buy</button>' });
  await earlyRuns(page);
  await page.click('button');
  await page.evaluate(() => {
    sdk.trackError(new TypeError('early, see https://x.example/?token=secret'), { cart: 7 });
    sdk.trackUserAction('buy', 'shop', 2.5);
  });
  const hidden = await hide(page);
  const events = await site.eventsOnce(sent('page_view'));
  assert.deepEqual(named(events, 'action').map(({ action, category, value }) => ({ action, category, value })), [
    { action: 'click', category: 'auto', value: undefined },
    { action: 'buy', category: 'shop', value: 2.5 },
  ]);
  const [error] = named(events, 'error');
  assert.deepEqual([error.name, error.source, error.attributes], ['TypeError', 'api', { cart: '7' }]);

  await hidden.undo();
  release();
  await coreRuns(page);
  await page.evaluate(() => sdk.trackUserAction('later'));
  await hide(page);
  const later = await site.eventsOnce((events) => events.some(({ action }) => action === 'later') && events.some(({ metric }) => metric === 'TTFB'));
  assert.equal(named(later, 'page_view').length, 1);
  assert.equal(named(later, 'error').length, 1);
  const ids = (pick) => new Set(site.beacons.map(({ body }) => pick(body)));
  assert.equal(ids(({ session }) => session.id).size, 1, 'one session');
  assert.equal(ids(({ views }) => views[0].id).size, 1, 'one view');
  assert.equal(ids(({ beacon_id }) => beacon_id).size, site.beacons.length);
  for (const { body } of site.beacons) assert.match(body.beacon_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(!JSON.stringify(site.beacons.map(({ body }) => body)).includes('secret'));
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('Global Privacy Control means that nothing is fetched, stored or sent', async (t) => {
  const prepare = () => Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });
  const { site, page } = await open(t, { prepare, body: '<button>Buy</button>' });
  await page.click('button');
  // By then the stub would have loaded the core: it waits two seconds for an idle browser, at most.
  await page.evaluate(() => new Promise((resolve) => requestIdleCallback(() => resolve(), { timeout: 3000 })));
  await page.evaluate(() => sdk.trackError(new Error('kept')));
  await hide(page);
  assert.deepEqual(site.requests.filter((path) => path !== '/favicon.ico'), ['/', '/beamline-rum/index.js']);
  assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('what the user typed, and what stands in an address, is never sent', async (t) => {
  const body = `<form><label>Password <input type="password" id="p" name="nodeName"></label><textarea id="a">dear secret</textarea>
    <select id="s"><option>secret</option></select><div id="e" contenteditable><a href="#x">secret</a></div></form>`;
  const { site, page } = await open(t, { body, path: '/?mail=secret#secret' });
  await coreRuns(page);
  await page.type('#p', 'secret');
  for (const selector of ['#p', '#a', '#e a']) await page.click(selector);
  await page.evaluate(() => {
    history.pushState({}, '', '/lamp?colour=secret');
    setTimeout(() => { throw new Error('GET https://x.example/?k=secret'); });
  });
  await page.evaluate(() => sdk.flush());
  await hide(page);
  await site.eventsOnce(sent('error'));
  const all = JSON.stringify(site.beacons.map(({ body }) => body));
  assert.ok(!all.includes('secret'), all);
  assert.equal(named(site.events(), 'page_view').length, 2);
  assert.equal((await page.troubles()).errors.length, 1, 'the page\'s own');
});

test('a page without storage and sendBeacon is measured by fetch, and a busy service is asked again', async (t) => {
  const prepare = () => {
    for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get: () => { throw new DOMException('no', 'SecurityError'); } });
    Navigator.prototype.sendBeacon = undefined;
  };
  const { site, page } = await open(t, { prepare, beaconStatus: 503 });
  await page.evaluate(() => sdk.flush());
  // Once, and once more: both are the same beacon.
  await site.eventsOnce((events) => named(events, 'page_view').length >= 2);
  const [first, again] = site.beacons.filter(({ body }) => named(body.events, 'page_view').length > 0);
  assert.equal(first.body.beacon_id, again.body.beacon_id);
  assert.deepEqual(first.body.events, again.body.events);
  assert.match(first.headers['content-type'], /^text\/plain/);
  const { errors } = await page.troubles();
  assert.deepEqual(errors, []);
});

// Whoever reads them: the core, the core out of the stub's queue, or what sends the queue when the page is left before.
for (const reader of ['core', 'queue', 'stub']) {
  test(`values that refuse to be read cost their own event and nothing else: ${reader}`, async (t) => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const body = '<script>window.reject = () => void Promise.reject({ code: 7 });</script>';
    const { site, page } = await open(t, { held: { '/beamline-rum/core.js': held }, body });
    await earlyRuns(page);
    if (reader === 'core') {
      release();
      await coreRuns(page);
    }
    await page.evaluate(() => {
      const hostile = () => { throw new Error('hostile'); };
      sdk.trackError({ get message() { return hostile(); } });
      sdk.trackError(Object.create(null), { get context() { return hostile(); } });
      sdk.trackError(Symbol('s'), { big: 'x'.repeat(1e6) });
      sdk.trackError(undefined);
      sdk.trackUserAction(Symbol('s'), 7n, NaN);
      sdk.trackUserAction('hostile', { toString: hostile, toJSON: hostile });
      sdk.trackPageView();
      window.reject();
      sdk.trackUserAction('');
      sdk.trackError('fine');
      sdk.flush();
    });
    if (reader === 'queue') release();
    if (reader === 'stub') await hide(page);
    await site.eventsOnce((events) => events.some(({ message }) => message === 'fine'));
    const events = await site.eventsOnce((events) =>
      events.some(({ source, message }) => source === 'unhandled_rejection' && message === 'an object with code'));
    const messages = named(events, 'error').map(({ message }) => message);
    assert.ok(messages.includes('Symbol(s)') && messages.includes('undefined'), messages.join());
    assert.ok(site.beacons.every(({ bytes }) => bytes <= 60 * 1024));
    assert.deepEqual(named(events, 'action').map(({ action, category, value }) => [action, category, value]), [['Symbol(s)', '7', undefined]]);
    assert.ok(!named(events, 'error').some(({ name }) => name === 'BeamlineError'));
    release();
  });
}

test('wrong options are explained on the console with debug, and only there', async (t) => {
  const wrong = "key: 'test', sampleRate: 'half', colour: 'red', release: 42";
  const quiet = await open(t, { options: `{ ${wrong} }` });
  await quiet.page.evaluate(() => sdk.flush());
  await quiet.site.eventsOnce(sent('page_view'));
  assert.equal(quiet.site.beacons[0].body.release, undefined);
  assert.deepEqual(await quiet.page.troubles(), NO_TROUBLES);

  const { site, page } = await open(t, { options: `{ ${wrong}, debug: true }` });
  await page.evaluate(() => sdk.flush());
  await site.eventsOnce(sent('page_view'));
  // It is there with what it was told until then.
  await page.waitForFunction(() => window.__beamline?.beacons.length > 0);
  const { beacons, events, session } = await page.evaluate(() => window.__beamline);
  assert.equal(beacons.length, site.beacons.length);
  assert.ok(events.some(({ type }) => type === 'page_view') && /^[0-9a-f]{16}-/.test(session));
  const { errors, console: lines } = await page.troubles();
  assert.deepEqual(errors, []);
  assert.deepEqual(lines.filter((line) => line.startsWith('warn')).sort(), [
    'warn: beamline: release must be a text that is not empty',
    'warn: beamline: sampleRate must be a number from 0 to 1',
    'warn: beamline: there is no option colour',
  ]);
  assert.ok(lines.some((line) => line.startsWith('debug: beamline: page_view')), lines.join('\n'));
});

test('init without a key, or with nothing, is harmless', async (t) => {
  for (const options of ['{}', 'undefined', "{ key: '' }", '7']) {
    const { site, page } = await open(t, { options });
    await page.evaluate(() => sdk.trackError(new Error('kept')));
    await hide(page);
    assert.equal(site.beacons.length, 0, options);
    assert.deepEqual(await page.troubles(), NO_TROUBLES, options);
  }
});
