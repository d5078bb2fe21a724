// Pages and browsers that lack, replace or break what the libraries look at.

import assert from 'node:assert/strict';

import { click, LOADED, untilLargest, USED } from './shared.mjs';

const WORDS = '<h1 id="words">Words</h1><button id="slow" onclick="oracle.block(60)">Slow</button>';
const doing = (script) => `<script>${script}</script>`;

export const HOSTILE = [
  { name: 'no PerformanceObserver', head: doing('delete window.PerformanceObserver'), body: WORDS, steps: untilLargest(), yields: ['TTFB'] },
  { name: 'no list of supported entry types', head: doing('delete PerformanceObserver.supportedEntryTypes'), body: WORDS, steps: untilLargest(), yields: ['TTFB'] },
  {
    name: 'a PerformanceObserver that throws',
    head: doing(`PerformanceObserver.prototype.observe = () => { throw new TypeError('not today'); }`),
    body: WORDS,
    steps: untilLargest(),
    yields: ['TTFB'],
  },
  {
    name: 'a PerformanceObserver that calls back at once',
    head: doing(`
      window.PerformanceObserver = class extends PerformanceObserver {
        #callback;
        constructor(callback) { super(callback); this.#callback = callback; }
        observe(init) {
          super.observe(init);
          const entries = this.takeRecords();
          if (entries.length) this.#callback({ getEntries: () => entries }, this);
        }
      };`),
    body: WORDS,
    steps: (tab) => click(tab, '#slow', 1),
    yields: USED,
  },
  {
    name: 'no requestIdleCallback',
    head: doing('delete window.requestIdleCallback; delete window.cancelIdleCallback'),
    body: WORDS,
    steps: (tab) => click(tab, '#slow', 1),
    yields: USED,
  },
  {
    name: 'a browser that is never idle: a second is enough',
    body: `${WORDS}<script>
      window.requestIdleCallback = (callback, { timeout } = {}) => setTimeout(callback, timeout ?? 60_000);
      window.cancelIdleCallback = clearTimeout;
    </script>`,
    async steps(tab) {
      await click(tab, '#slow', 1);
      await tab.evaluate(() => oracle.reported('LCP'));
      await tab.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1100)));
    },
    yields: USED,
  },
  { name: 'no PerformanceEventTiming', head: doing('delete window.PerformanceEventTiming'), body: WORDS, steps: (tab) => click(tab, '#slow', 1), yields: [...LOADED, 'FID'] },
  {
    name: 'interactions without ids',
    head: doing('if (window.PerformanceEventTiming) delete PerformanceEventTiming.prototype.interactionId'),
    body: WORDS,
    steps: (tab) => tab.click('#slow').then(() => tab.evaluate(() => oracle.settled())),
    yields: [...LOADED, 'FID'],
  },
  {
    name: 'an entry type less',
    head: doing(`{
      const types = PerformanceObserver.supportedEntryTypes.filter((type) => type !== 'largest-contentful-paint' && type !== 'event');
      Object.defineProperty(PerformanceObserver, 'supportedEntryTypes', { get: () => types });
    }`),
    body: WORDS,
    steps: (tab) => click(tab, '#slow', 1),
    yields: ['CLS', 'FCP', 'FID', 'INP', 'TTFB'],
  },
  {
    name: 'no paint entries: no FCP, and so no CLS, restores included',
    head: doing(`{
      const types = PerformanceObserver.supportedEntryTypes.filter((type) => type !== 'paint');
      Object.defineProperty(PerformanceObserver, 'supportedEntryTypes', { get: () => types });
    }`),
    body: WORDS,
    async steps(tab) {
      await tab.evaluate(() => oracle.push());
      await tab.evaluate(() => oracle.shifted(1));
      await tab.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
      await tab.evaluate(() => oracle.settled());
    },
    yields: ['LCP', 'TTFB'],
  },
  {
    name: 'no navigation entry',
    head: doing(`{
      const real = performance.getEntriesByType.bind(performance);
      performance.getEntriesByType = (type) => (type === 'navigation' ? [] : real(type));
    }`),
    body: WORDS,
    steps: (tab) => click(tab, '#slow', 1),
    yields: ['CLS', 'FCP', 'FID', 'INP', 'LCP'],
  },
  {
    name: 'elements whose properties throw',
    head: doing(`Object.defineProperty(Element.prototype, 'classList', { get() { throw new Error('no classes'); } })`),
    body: WORDS.replace('id="words"', ''),
    async steps(tab) {
      await tab.evaluate(() => oracle.push());
      await tab.evaluate(() => oracle.shifted(1));
      await click(tab, '#slow', 1);
    },
    yields: USED,
    targets: ['html>body>h1', '#slow'],
  },
  {
    name: 'a function for targets that is no function',
    body: WORDS,
    observe: () => [['onCLS', { generateTarget: undefined }], ['onLCP', { generateTarget: undefined, resourceBufferSize: undefined }], ['onINP', { durationThreshold: undefined, includeProcessedEventEntries: undefined }], ['onFCP', { reportAllChanges: undefined, reportSoftNavs: undefined }]],
    async steps(tab) {
      await tab.evaluate(() => oracle.push());
      await tab.evaluate(() => oracle.shifted(1));
      await click(tab, '#slow', 1);
    },
    yields: ['CLS', 'FCP', 'INP', 'LCP'],
    proves: ({ last, supports }) => assert.ok(!supports.LCP || last('LCP').attribution.target),
  },
];
