// When the page is seen, and when the libraries come to see it.

import assert from 'node:assert/strict';

import { click, EVERY_CHANGE, LOADED, startAfter, USED } from './shared.mjs';

const WORDS = '<h1 id="words">Words</h1><button id="slow" onclick="oracle.block(60)">Slow</button>';
const hiddenFrom = (visibility) => `<script>Object.defineProperty(document, 'visibilityState', { value: '${visibility}', configurable: true })</script>`;

/** Opens the page in a tab in the background, and shows it. */
async function openHidden(tab, url) {
  await tab.hide();
  await tab.goto(url);
  await tab.evaluate(() => oracle.started());
  await tab.show();
  await tab.evaluate(() => oracle.settled());
}

export const VISIBILITY = [
  {
    name: 'libraries that start as soon as they are there',
    body: WORDS,
    start: 'early',
    steps: (tab) => tab.evaluate(() => oracle.largest()),
    yields: LOADED,
  },
  {
    name: 'libraries that start when everything is over',
    body: WORDS,
    start: 'later',
    async visit(tab, url) {
      await startAfter(tab, url, () => tab.evaluate(() => oracle.largest()));
      await tab.hide();
    },
    yields: LOADED,
  },
  {
    name: 'libraries that start while the page is hidden',
    body: WORDS,
    start: 'later',
    async visit(tab, url) {
      await startAfter(tab, url, async () => {
        await tab.evaluate(() => oracle.largest());
        await tab.hide();
      });
      await tab.evaluate(() => oracle.reported('TTFB'));
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await tab.hide();
    },
    // An engine with visibility entries knows that the page was seen before.
    yields: ({ visibilityEntries }) => (visibilityEntries ? LOADED : ['TTFB']),
  },
  {
    name: 'libraries that start after the page was hidden and shown',
    body: WORDS,
    start: 'later',
    async visit(tab, url) {
      await startAfter(tab, url, async () => {
        await tab.evaluate(() => oracle.largest());
        await tab.hide();
        await tab.show();
        await tab.evaluate(() => oracle.settled());
        await tab.evaluate(() => document.body.append(Object.assign(new Image(), { id: 'hero', src: '/picture.png' })));
        await tab.evaluate(() => oracle.settled());
      });
      await tab.hide();
    },
    // What is larger was painted too late, and earlier paints are no longer told of where the engine knows that.
    yields: ({ visibilityEntries }) => (visibilityEntries ? ['CLS', 'FCP', 'TTFB'] : LOADED),
  },
  {
    name: 'opened in the background, then shown: nothing was painted in time',
    body: WORDS,
    async visit(tab, url) {
      await openHidden(tab, url);
      await tab.hide();
    },
    yields: ['TTFB'],
  },
  {
    name: 'opened in the background, then shown and used',
    body: WORDS,
    async visit(tab, url) {
      await openHidden(tab, url);
      await click(tab, '#slow', 1);
      await tab.hide();
    },
    yields: ['INP', 'TTFB'],
  },
  {
    name: 'hidden before the first paint',
    body: '<div id="late"></div>',
    async visit(tab, url) {
      await tab.goto(url);
      await tab.evaluate(() => oracle.started());
      await tab.hide();
      await tab.evaluate(() => document.querySelector('#late').append('Words'));
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await tab.hide();
    },
    yields: ['TTFB'],
  },
  {
    name: 'hidden before the largest paint',
    body: WORDS,
    async visit(tab, url) {
      await tab.goto(url);
      await tab.evaluate(() => oracle.largest('words'));
      await tab.hide();
      await tab.evaluate(async () => {
        const hero = Object.assign(new Image(), { src: '/picture.png' });
        document.body.append(hero);
        await hero.decode();
      });
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await tab.hide();
    },
    yields: LOADED,
    proves: ({ last, supports }) => assert.ok(!supports.LCP || !last('LCP').attribution.url),
  },
  {
    name: 'hidden, shown, hidden: nothing new is nothing to report',
    body: WORDS,
    async steps(tab) {
      await tab.hide();
      await tab.show();
      await tab.evaluate(() => oracle.settled());
    },
    yields: LOADED,
    proves({ metrics }) {
      for (const name of LOADED) assert.ok(metrics(name).length <= 1, name);
    },
  },
  {
    name: 'two instances of everything, with different options',
    body: WORDS,
    observe: () => [
      ...['onCLS', 'onFCP', 'onINP', 'onLCP', 'onTTFB', 'onFID'].flatMap((name) => [[name], [name, { reportAllChanges: true }], [name, {}]]),
      ['onINP', { durationThreshold: 16 }],
    ],
    async steps(tab) {
      await tab.evaluate(() => oracle.push());
      await tab.evaluate(() => oracle.shifted(1));
      await click(tab, '#slow', 1);
    },
    yields: USED,
  },
  {
    name: 'the standard build: no attribution',
    build: 'standard',
    body: WORDS,
    observe: EVERY_CHANGE,
    async steps(tab) {
      await tab.evaluate(() => oracle.push());
      await tab.evaluate(() => oracle.shifted(1));
      await click(tab, '#slow', 1);
    },
    yields: USED,
    proves: ({ metrics }) => assert.ok(USED.every((name) => metrics(name).every((metric) => !('attribution' in metric)))),
  },
  {
    name: 'the page says that it is hidden by a property of its own',
    head: hiddenFrom('hidden'),
    body: WORDS,
    steps: (tab) => click(tab, '#slow', 1),
    yields: ['INP', 'TTFB'],
  },
  {
    name: 'the page says that it is visible by a property of its own, while it is hidden',
    head: hiddenFrom('visible'),
    body: WORDS,
    async visit(tab, url) {
      await tab.goto(url);
      await tab.evaluate(() => oracle.started());
      await click(tab, '#slow', 1);
      await tab.hideUnnoticed();
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await tab.evaluate(() => delete document.visibilityState);
      await tab.hide();
    },
    yields: USED,
  },
  {
    name: 'a visibilitychange that nobody trusts, with the state to go with it',
    body: WORDS,
    async steps(tab) {
      await click(tab, '#slow', 1);
      await tab.evaluate(() => oracle.pretend('hidden'));
      await tab.evaluate(() => oracle.pretend('visible'));
      await click(tab, '#slow', 2);
      await tab.evaluate(() => delete document.visibilityState);
    },
    yields: USED,
  },
  {
    name: 'a pagehide and a beforeunload that nobody trusts mean nothing',
    body: WORDS,
    async steps(tab) {
      await tab.evaluate(() => {
        for (const persisted of [true, false]) window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted }));
        window.dispatchEvent(new Event('beforeunload'));
      });
      await tab.evaluate(() => oracle.settled());
      await click(tab, '#slow', 1);
    },
    yields: USED,
  },
  {
    name: 'visibility entries that are plain objects',
    head: `<script>
      const real = performance.getEntriesByType.bind(performance);
      performance.getEntriesByType = (type) =>
        type === 'visibility-state' ? [{ name: 'visible', startTime: 0 }, { name: 'hidden', startTime: 1 }, { name: 'hidden', startTime: 1e9 }] : real(type);
    </script>`,
    body: WORDS,
    steps: (tab) => tab.evaluate(() => oracle.reported('TTFB')),
    yields: ['TTFB'],
  },
  {
    name: 'visibility entries of a time before the page was activated do not count',
    head: `<script>
      const real = performance.getEntriesByType.bind(performance);
      performance.getEntriesByType = (type) =>
        type === 'visibility-state' ? [{ name: 'hidden', startTime: 0 }, { name: 'hidden', startTime: 1e9 }] : real(type);
      Object.defineProperty(real('navigation')[0], 'activationStart', { value: 1 });
    </script>`,
    body: WORDS,
    steps: (tab) => tab.evaluate(() => oracle.largest()),
    yields: LOADED,
  },
  {
    name: 'a page that is closed tells everything first',
    body: WORDS,
    async visit(tab, url) {
      await tab.goto(url);
      await tab.evaluate(() => oracle.started());
      await tab.evaluate(() => oracle.push());
      await tab.evaluate(() => oracle.shifted(1));
      await click(tab, '#slow', 1);
      await tab.close();
    },
    closes: true,
    yields: USED,
  },
];
