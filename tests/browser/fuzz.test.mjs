// A page that behaves at random for a minute: nothing of the SDK may reach it as an exception, and nothing may grow without end.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hide, startBrowser } from './harness/browser.mjs';
import { startSite } from './harness/site.mjs';

const DIST = fileURLToPath(new URL('../../npm/dist/', import.meta.url));
const MINUTE_MS = 60_000;
/** From a run's output, to see it again. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1e9);

let browser;
before(async () => (browser = await startBrowser({ flags: ['--js-flags=--expose-gc'] })));
after(() => browser.close());

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Fuzz</title>
    <script type="module">
      import * as sdk from '/beamline-rum/index.js';
      sdk.init({ key: 'test', consoleErrors: true, softNavigations: true, beforeSend: (event) => (window.hook ? window.hook(event) : event) });
      window.sdk = sdk;
    </script>
  </head>
  <body><main></main></body>
</html>`;

/** Runs in the page: does \`steps\` things at random. */
function fuzz(seed, steps) {
  // Mulberry32: small, and the same everywhere.
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(random() * n);
  const one = (list) => list[below(list.length)];
  const main = document.querySelector('main') ?? document.body;
  const hostile = () => { throw new Error('hostile'); };
  const cyclic = { name: 'cyclic' };
  cyclic.self = cyclic;
  cyclic.cause = cyclic;
  const garbage = () => one([
    undefined, null, '', 'text', 'x'.repeat(below(40_000)), '\\u001f\\ud800\\u0000', 0, -0, NaN, Infinity, -1e308, 7n, Symbol('s'), true, [], {}, cyclic, () => {}, new Proxy({}, { get: hostile }),
    { toString: hostile, valueOf: hostile, get message() { return hostile(); } }, Object.create(null), new Date(NaN), new Error('own', { cause: cyclic }), new AggregateError([null, 7, cyclic], 'several'),
    document, window, document.body, new Map([[1, 2]]), { type: 'vital', at_ms: 'never' },
  ]);
  const names = Object.keys(window.sdk).filter((name) => !['init', 'shutdown', 'setConsent'].includes(name));
  const patches = [
    [window, 'fetch', () => hostile], [history, 'pushState', (native) => function (...call) { return native.apply(this, call); }],
    [JSON, 'stringify', () => hostile], [Math, 'random', () => () => NaN], [performance, 'getEntriesByName', () => hostile], [performance, 'now', () => () => NaN],
    [Storage.prototype, 'setItem', () => hostile], [navigator, 'sendBeacon', () => hostile], [Date, 'now', () => () => -1], [window, 'MutationObserver', () => undefined], [Element.prototype, 'getAttribute', () => hostile],
    [String.prototype, 'replace', () => hostile], [window, 'setTimeout', () => hostile],
  ];
  const deeds = [
    () => window.sdk[one(names)](garbage(), garbage(), garbage()),
    () => window.sdk.time(garbage())(garbage()),
    () => window.sdk.trackError(garbage(), garbage()),
    () => window.sdk.setConsent(one(['granted', 'granted', 'pending', 'denied', garbage()])),
    () => window.sdk.init(garbage()),
    () => main.append(Object.assign(document.createElement(one(['div', 'button', 'input', 'img', 'form', 'svg', 'select'])), { id: one(['', 'a', 'nodeName', 'attributes']), className: one(['', 'b c', 'x'.repeat(300)]), title: one(['', 'T']) })),
    () => main.lastElementChild?.remove(),
    () => main.lastElementChild?.setAttribute('name', one(['parentNode', 'getAttribute', 'nodeName'])),
    () => (main.children.length > 200 ? (main.textContent = '') : main.append('words ')),
    () => main.lastElementChild?.dispatchEvent(new MouseEvent('click', { bubbles: true, clientX: below(9), clientY: below(9) })),
    () => window.dispatchEvent(new Event(one(['visibilitychange', 'pageshow', 'pagehide', 'popstate', 'hashchange', 'error', 'unhandledrejection', 'scroll', 'keydown']))),
    () => window.dispatchEvent(new ErrorEvent('error', { message: 'made up', error: garbage(), lineno: below(9) })),
    () => history[one(['pushState', 'replaceState'])]({}, '', one(['/a?b=c', '/d#e', '/', '/%ff', '/x/' + below(99)])),
    () => fetch(one(['/beamline-rum/none', 'http://[', '/', 'data:,x', new Request('/')]), one([undefined, {}, { method: 'POST', body: 'b' }])).catch(() => {}),
    () => { const xhr = new XMLHttpRequest(); xhr.open('GET', '/'); xhr.send(); if (below(2)) xhr.abort(); },
    () => console.error(garbage(), garbage()),
    () => performance.mark('m' + below(9)),
    () => performance.clearResourceTimings(),
    () => (window.hook = one([undefined, undefined, () => null, hostile, () => garbage(), (event) => ({ ...event, own: 1 })])),
    () => {
      // What the page takes away for a moment, while something happens.
      const [owner, name, make] = one(patches);
      const native = owner[name];
      try {
        owner[name] = make(native);
        window.sdk.trackUserAction('patched ' + name);
        window.sdk.flush();
      } finally {
        owner[name] = native;
      }
    },
  ];
  const thrown = [];
  for (let step = 0; step < steps; step++) {
    const deed = one(deeds);
    try {
      deed();
    } catch (error) {
      // Ours never throw: what does is the page's own doing, which names nothing of the package.
      if (/beamline/.test(String(error?.stack))) thrown.push(`${deed}: ${error.stack}`);
    }
  }
  return [seed, thrown];
}

test(`a page that behaves at random for a minute (FUZZ_SEED=${SEED})`, async (t) => {
  const site = await startSite(t, { pages: { '/': PAGE }, folders: { '/beamline-rum/': DIST }, headers: { 'cache-control': 'no-store' } });
  const page = await browser.openFreshPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error.stack ?? error)));
  await page.goto(site.url);
  await page.waitForFunction(() => typeof window.__beamlinePage?.sink === 'function');
  const heap = async () => {
    const used = await page.evaluate(() => { gc(); return performance.memory.usedJSHeapSize; });
    return used / 2 ** 20;
  };
  let seed = SEED;
  let early;
  let rounds = 0;
  const end = performance.now() + MINUTE_MS;
  while (performance.now() < end) {
    const [next, thrown] = await page.evaluate(fuzz, seed, 100);
    assert.deepEqual(thrown, []);
    seed = next;
    rounds += 1;
    if (rounds === 20) early = await heap();
  }
  const late = await heap();
  t.diagnostic(`${rounds} rounds of 100 steps; heap ${early?.toFixed(1)} MiB after 20 rounds, ${late.toFixed(1)} MiB at the end; ${site.beacons.length} beacons`);
  assert.ok(late - early < 16, `the heap grew from ${early} to ${late} MiB`);
  assert.ok(site.beacons.every(({ bytes }) => bytes <= 64 * 1024));
  // The page is measured still.
  await page.evaluate(() => {
    window.hook = undefined;
    sdk.setConsent('granted');
    sdk.trackPageView('the end');
    sdk.trackUserAction('still there');
    sdk.flush();
  });
  await hide(page);
  await site.eventsOnce((events) => events.some(({ action }) => action === 'still there'));
  assert.deepEqual(errors.filter((error) => /beamline-rum/.test(error)), []);
});
