// Consent, and what must never leave a page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hide, NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { PERSONAL } from './harness/personal.mjs';
import { BEACON_PATH, startSite } from './harness/site.mjs';

const DIST = fileURLToPath(new URL('../../npm/dist/', import.meta.url));

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

const html = (options) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Privacy</title>
    <script type="module">
      import * as sdk from '/beamline-rum/index.js';
      sdk.init({ key: 'test', ...${options} });
      window.sdk = sdk;
    </script>
  </head>
  <body><h1>Words</h1><button>Buy</button></body>
</html>`;

async function open(t, options = '{}', path = '/') {
  const site = await startSite(t, { pages: { '/': html(options) }, folders: { '/beamline-rum/': DIST } });
  const page = await browser.openFreshPage();
  await page.goto(site.url + path);
  await page.waitForFunction(() => window.sdk !== undefined);
  return { site, page };
}

const stored = (page) => page.evaluate(() => Object.keys(localStorage).length + Object.keys(sessionStorage).length);
const idle = (page) => page.evaluate(() => new Promise((resolve) => requestIdleCallback(() => resolve(), { timeout: 3000 })));
const core = (page) => page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('rum.wasm')));
const actions = (site) => site.events().filter(({ type }) => type === 'action').map(({ action }) => action);

test('denied consent means that nothing is fetched, stored or sent, until it is given', async (t) => {
  const { site, page } = await open(t, "{ consent: 'denied' }");
  await page.click('button');
  await page.evaluate(() => sdk.trackUserAction('before'));
  await idle(page);
  const hidden = await hide(page);
  await hidden.undo();
  assert.deepEqual(site.requests.filter((path) => path !== '/favicon.ico'), ['/', '/beamline-rum/index.js']);
  assert.equal(await stored(page), 0);

  await page.evaluate(() => {
    sdk.setConsent('granted');
    sdk.trackUserAction('after');
    sdk.flush();
  });
  await site.eventsOnce((events) => events.some(({ action }) => action === 'after'));
  assert.deepEqual(actions(site), ['after']);
  assert.ok((await stored(page)) > 0);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);
});

test('while consent is pending, what happens waits in memory; it is sent when consent is given', async (t) => {
  const { site, page } = await open(t, "{ consent: 'pending' }");
  await page.click('button');
  await core(page);
  await page.evaluate(() => {
    sdk.trackUserAction('waits');
    sdk.flush();
  });
  const hidden = await hide(page);
  await hidden.undo();
  assert.ok(!site.requests.includes(BEACON_PATH));
  assert.equal(await stored(page), 0);
  await page.evaluate(() => sdk.setConsent('granted'));
  const events = await site.eventsOnce((events) => events.some(({ action }) => action === 'waits'));
  assert.deepEqual(actions(site), ['click', 'waits']);
  assert.equal(events.filter(({ type }) => type === 'page_view').length, 1);
});

test('withdrawn consent erases what was stored and stops everything; given again, another session begins', async (t) => {
  const { site, page } = await open(t);
  await page.evaluate(() => {
    sdk.trackUserAction('first');
    sdk.flush();
  });
  await site.eventsOnce((events) => events.some(({ action }) => action === 'first'));
  const [{ body: before }] = site.beacons;
  await page.evaluate(() => {
    sdk.trackUserAction('unsent');
    sdk.setConsent('denied');
    sdk.trackUserAction('denied');
    sdk.flush();
  });
  const hidden = await hide(page);
  await hidden.undo();
  assert.equal(await stored(page), 0);
  await page.evaluate(() => {
    sdk.setConsent('granted');
    sdk.trackUserAction('again');
    sdk.flush();
  });
  await site.eventsOnce((events) => events.some(({ action }) => action === 'again'));
  assert.deepEqual(actions(site), ['first', 'again']);
  assert.notEqual(site.beacons.at(-1).body.session.id, before.session.id);
});

test(`none of ${PERSONAL.length} personal texts leaves the page, wherever it is`, async (t) => {
  const { site, page } = await open(t, '{}', `/?q=${encodeURIComponent(PERSONAL[0].secret)}`);
  await core(page);
  await page.evaluate(() => sdk.flush());
  await site.eventsOnce((events) => events.some(({ type }) => type === 'page_view'));
  await page.evaluate((personal) => {
    const button = document.querySelector('button');
    for (const { text } of personal) {
      sdk.trackError(new Error(text), { told: text });
      sdk.trackUserAction(text, text);
      sdk.track(text, 1, { told: text });
    }
    sdk.setUser({ id: '7', note: personal.map(({ text }) => text).slice(0, 5).join(' ') });
    sdk.trackPageView(personal[1].text);
    button.setAttribute('aria-label', personal[2].text);
    history.pushState({}, '', `/of/${encodeURIComponent(personal[0].secret)}`);
    sdk.flush();
  }, PERSONAL);
  await page.click('button');
  await hide(page);
  await site.eventsOnce((events) => events.some(({ type }) => type === 'page_leave'));
  const sent = JSON.stringify(site.beacons.map(({ body }) => body));
  assert.ok(site.events().filter(({ type }) => type === 'error').length >= 20, 'equal ones are counted');
  assert.deepEqual(PERSONAL.filter(({ secret }) => sent.includes(secret)).map(({ secret }) => secret), []);
});

test('the scrubber takes the personal part and leaves the rest', async () => {
  const { scrubbed } = await import('../../npm/dist/early.js');
  // Queries go with their address, later.
  const left = PERSONAL.filter(({ text }) => !/[?#]/.test(text)).filter(({ text, secret }) => scrubbed(text).includes(secret)).map(({ text }) => `${text} → ${scrubbed(text)}`);
  assert.deepEqual(left, []);
  const harmless = [
    "Cannot read properties of undefined (reading 'percent')",
    'at add (https://shop.example/assets/app.4f3a2b.js:12:3456)',
    'at https://10.0.0.7:8443/app.js:1:2',
    'main>div.card.wide>button#buy-2',
    '2026-11-21 12:30:45 order 12345678 of 1,299.00 EUR',
    'Expected 200, got 503 after 30000 ms',
    'https://shop.example/lamp/comet',
    'the token of the lamp, the password field, a bearer',
    'v4.2.0-rc.1+build.77',
    'Größe: 12 cm × 30 cm',
  ];
  assert.deepEqual(harmless.map(scrubbed), harmless);
  // An expression that goes over a text again and again would not come back from these.
  for (const unit of ['a.', '1 ', '@a', ':a', 'ey', 'a@a.', '1-', '+1', 'A1 ', 'password']) scrubbed(unit.repeat(8000));
});
