// How the page was reached, and what the browser tells of the way.

import assert from 'node:assert/strict';

import { click, LOADED, untilLargest, USED } from './shared.mjs';

const WORDS = '<h1 id="words">Words</h1><button id="slow" onclick="oracle.block(60)">Slow</button>';
/** Changes what the live entry of the navigation says, before the libraries look at it. */
const telling = (name, value) => `<script>Object.defineProperty(performance.getEntriesByType('navigation')[0], '${name}', { value: ${value}, configurable: true })</script>`;

const typeIs = (expected) => ({ last }) => assert.equal(last('TTFB')?.navigationType, expected);

export const NAVIGATIONS = [
  {
    name: 'reload',
    body: WORDS,
    documents: 2,
    async steps(tab) {
      await tab.reload();
      await tab.evaluate(() => oracle.started());
      await tab.evaluate(() => oracle.reported('TTFB'));
    },
    yields: LOADED,
    proves: typeIs('reload'),
  },
  {
    name: 'back to a page that no cache may keep',
    body: `${WORDS}<script>addEventListener('unload', () => {}); navigator.locks?.request('held', () => new Promise(() => {})).catch(() => {})</script>`,
    headers: { 'cache-control': 'no-store' },
    pages: { '/away': { bare: true, body: '<h1>Elsewhere</h1>' } },
    // WebKit keeps it nevertheless.
    documents: ({ restores }) => (restores ? 1 : 2),
    async steps(tab) {
      await click(tab, '#slow', 1);
      await tab.leave('/away');
      await tab.back();
      await tab.until(() => window.oracle?.state.started);
      await tab.evaluate(() => oracle.reported('TTFB'));
    },
    yields: USED,
    proves: ({ last, documents }) => assert.equal(last('TTFB').navigationType, documents.length === 2 ? 'back-forward' : 'back-forward-cache'),
  },
  {
    name: 'two pages, each for itself',
    body: WORDS,
    pages: { '/next': { body: '<h1>Next words</h1>' } },
    documents: 2,
    async steps(tab) {
      await tab.leave('/next');
      await tab.until(() => window.oracle?.state.started);
      await tab.evaluate(() => oracle.reported('TTFB'));
    },
    yields: LOADED,
    proves: ({ documents }) => assert.equal(documents.length, 2),
  },
  {
    name: 'slow server',
    body: WORDS,
    delays: { '/': 250 },
    steps: untilLargest(),
    yields: LOADED,
    proves: ({ last }) => assert.ok(last('TTFB').value >= 250),
  },
  {
    name: 'redirect, and then a slow server',
    path: '/old',
    body: WORDS,
    redirects: { '/old': '/' },
    delays: { '/old': 100, '/': 50 },
    steps: untilLargest(),
    yields: LOADED,
    proves: ({ last }) => assert.ok(last('TTFB').value >= 150),
  },
  {
    name: 'no byte was ever received, says the browser',
    head: telling('responseStart', 0),
    body: WORDS,
    steps: untilLargest(),
    yields: ['CLS', 'FCP', 'LCP'],
  },
  { name: 'the first byte came before the navigation', head: telling('responseStart', -5), body: WORDS, steps: untilLargest(), yields: ['CLS', 'FCP', 'LCP'] },
  { name: 'the first byte comes in the future', head: telling('responseStart', 1e9), body: WORDS, steps: untilLargest(), yields: ['CLS', 'FCP', 'LCP'] },
  {
    name: 'the first byte is told otherwise after the libraries have started',
    body: WORDS,
    async steps(tab) {
      await tab.evaluate(() => oracle.reported('TTFB'));
      await tab.evaluate(() => {
        Object.defineProperty(performance.getEntriesByType('navigation')[0], 'responseStart', { value: 7, configurable: true });
      });
      await tab.evaluate(() => oracle.largest());
    },
    yields: LOADED,
    proves: ({ last, supports }) => assert.ok(!supports.LCP || last('LCP').attribution.timeToFirstByte === 7),
  },
  {
    name: 'no byte was ever received, says the browser after the libraries have started',
    body: WORDS,
    async steps(tab) {
      await tab.evaluate(() => {
        Object.defineProperty(performance.getEntriesByType('navigation')[0], 'responseStart', { value: 0, configurable: true });
      });
      await click(tab, '#slow', 1);
    },
    yields: USED,
  },
  {
    name: 'a resource that tells nothing of its request',
    body: '<h1>Words</h1><img id="hero" src="/picture.png" alt="">',
    async steps(tab) {
      await tab.evaluate(() => oracle.largest('hero'));
      await tab.evaluate(() => {
        for (const entry of performance.getEntriesByType('resource')) Object.defineProperty(entry, 'requestStart', { value: 0 });
      });
    },
    yields: LOADED,
  },
  {
    name: 'a resource that ends after it was painted',
    body: '<h1>Words</h1><img id="hero" src="/picture.png" alt="">',
    async steps(tab) {
      await tab.evaluate(() => oracle.largest('hero'));
      await tab.evaluate(() => {
        for (const entry of performance.getEntriesByType('resource')) Object.defineProperty(entry, 'responseEnd', { value: 1e6 });
      });
    },
    yields: LOADED,
  },
  {
    name: 'a page activated after its first byte, says the browser',
    head: telling('activationStart', 'performance.now() - 2'),
    body: WORDS,
    steps: (tab) => click(tab, '#slow', 1),
    yields: USED,
    proves({ last }) {
      assert.deepEqual([last('TTFB').value, last('TTFB').navigationType], [0, 'prerender']);
    },
  },
  { name: 'a page activated after everything, says the browser', head: telling('activationStart', 60_000), body: WORDS, steps: untilLargest(), yields: LOADED },
  { name: 'gone back to, says the browser', head: telling('type', "'back_forward'"), body: WORDS, steps: untilLargest(), yields: LOADED, proves: typeIs('back-forward') },
  { name: 'of no type at all', head: telling('type', "''"), body: WORDS, steps: untilLargest(), yields: LOADED, proves: typeIs('navigate') },
  {
    name: 'discarded and loaded again',
    head: "<script>Object.defineProperty(document, 'wasDiscarded', { value: true })</script>",
    body: WORDS,
    steps: untilLargest(),
    yields: LOADED,
    proves: typeIs('restore'),
  },
  {
    name: 'prerendered, and activated after a while',
    bare: true,
    body: `<h1>Here</h1>
      <script type="speculationrules">{ "prerender": [{ "source": "list", "urls": ["/next"], "eagerness": "immediate" }] }</script>`,
    pages: {
      // Drivers lose track of a document that was another target before: it says by itself how far it is.
      '/next': {
        body: `${WORDS}<img id="hero" src="/picture.png" alt=""><script>
          const tell = () => oracle.reported('TTFB').then(() => oracle.settled()).then(() => fetch('/settled'));
          if (document.prerendering) {
            addEventListener('load', () => setTimeout(() => localStorage.setItem('prerendered', 'yes'), 200));
            document.addEventListener('prerenderingchange', tell);
          } else {
            tell();
          }
        </script>`,
      },
    },
    closes: true,
    async visit(tab, url, scenario, site) {
      await tab.goto(url);
      await tab.until(() => !HTMLScriptElement.supports?.('speculationrules') || localStorage.getItem('prerendered'));
      await tab.evaluate(() => void setTimeout(() => (location.href = '/next')));
      await site.settled();
      await tab.hideUnnoticed();
    },
    yields: LOADED,
    proves: ({ last, supports }) => assert.equal(last('TTFB').navigationType, supports.prerender ? 'prerender' : 'navigate'),
  },
  {
    name: 'inside a frame that has no address',
    bare: true,
    body: `<iframe width="600" height="400"></iframe><script>
      const [frame] = document.getElementsByTagName('iframe');
      frame.onload = () => (window.oracle = frame.contentWindow.oracle);
      frame.srcdoc = \`<script src="/oracle/recorder.js"><\\/script><h1>Words inside</h1><script type="module" src="/start.mjs?page=/"><\\/script>\`;
    </script>`,
    async visit(tab, url) {
      await tab.goto(url);
      await tab.until(() => window.oracle?.state.started);
      await tab.evaluate(() => oracle.settled());
      await tab.hide();
    },
    yields: ['CLS', 'FCP', 'LCP'],
  },
];
