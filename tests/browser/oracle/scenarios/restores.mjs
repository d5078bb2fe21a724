// Pages that come back from the back/forward cache, really or by an event that says so.

import assert from 'node:assert/strict';

import { click, EVERY_CHANGE, SOFT_NAVIGATIONS, USED } from './shared.mjs';

const WORDS = '<h1 id="words">Words</h1><button id="slow" onclick="oracle.block(60)">Slow</button>';
const AWAY = { '/away': { bare: true, body: '<h1>Elsewhere</h1>' } };

/** Says that the page comes from the cache, and waits until the libraries have timed its frames. */
async function restore(tab) {
  await tab.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await tab.evaluate(() => oracle.settled());
  await tab.evaluate(() => oracle.settled());
}

/** Leaves the page and comes back to it: it must still be the same document. */
async function awayAndBack(tab, times) {
  await tab.leave('/away');
  await tab.back();
  await tab.until((restores) => oracle.state.restores === restores, times);
  await tab.evaluate(() => oracle.settled());
  await tab.evaluate(() => oracle.settled());
}

/** TTFB begins anew only where it was told once. */
const measured = (tab) => tab.evaluate(() => oracle.reported('TTFB'));

const types = (...expected) => ({ metrics }) =>
  assert.deepEqual(metrics('TTFB').map(({ navigationType }) => navigationType), expected);
const restored = (times) => types('navigate', ...Array.from({ length: times }, () => 'back-forward-cache'));

export const RESTORES = [
  {
    name: 'restored once',
    body: WORDS,
    pages: AWAY,
    async steps(tab) {
      await measured(tab);
      await click(tab, '#slow', 1);
      await awayAndBack(tab, 1);
    },
    yields: USED,
    proves: restored(1),
  },
  {
    name: 'restored twice, with shifts and interactions in between',
    body: WORDS,
    pages: AWAY,
    observe: EVERY_CHANGE,
    async steps(tab) {
      await measured(tab);
      for (let times = 1; times <= 2; times += 1) {
        await awayAndBack(tab, times);
        await tab.evaluate(() => oracle.push());
        await tab.evaluate((count) => oracle.shifted(count), times);
        await click(tab, '#slow', times);
      }
    },
    yields: USED,
    proves: restored(2),
  },
  {
    name: 'restored by an event that nobody trusts',
    body: WORDS,
    async steps(tab) {
      await measured(tab);
      await restore(tab);
      await click(tab, '#slow', 1);
    },
    yields: USED,
    proves: restored(1),
  },
  {
    name: 'restored twice by such events, and every change',
    body: WORDS,
    observe: EVERY_CHANGE,
    async steps(tab) {
      await measured(tab);
      await tab.evaluate(() => oracle.push());
      await tab.evaluate(() => oracle.shifted(1));
      await click(tab, '#slow', 1);
      for (let times = 1; times <= 2; times += 1) {
        await tab.evaluate((count) => oracle.reported('INP', count), times);
        await restore(tab);
        await tab.evaluate(() => oracle.push());
        await tab.evaluate((count) => oracle.shifted(count), 1 + times);
        await click(tab, '#slow', 1 + times);
      }
    },
    yields: USED,
    proves: restored(2),
  },
  {
    name: 'restored before anything was reported',
    body: '<div></div>',
    async steps(tab) {
      await restore(tab);
      await tab.evaluate(() => document.body.append('Words'));
      await tab.evaluate(() => oracle.settled());
    },
    yields: ['CLS', 'FCP', 'LCP', 'TTFB'],
  },
  {
    name: 'restored after it was opened in the background',
    body: WORDS,
    async visit(tab, url) {
      await tab.hide();
      await tab.goto(url);
      await tab.evaluate(() => oracle.started());
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await restore(tab);
      await click(tab, '#slow', 1);
      await tab.hide();
    },
    yields: USED,
  },
  {
    name: 'a pageshow that does not come from the cache means nothing',
    body: WORDS,
    async steps(tab) {
      await tab.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false })));
      await tab.evaluate(() => oracle.settled());
    },
    yields: ['CLS', 'FCP', 'LCP', 'TTFB'],
    proves: restored(0),
  },
  {
    name: 'libraries that start after a restore',
    body: WORDS,
    start: 'later',
    pages: AWAY,
    async visit(tab, url) {
      await tab.goto(url);
      await tab.evaluate(() => oracle.settled());
      await awayAndBack(tab, 1);
      await tab.evaluate(() => oracle.startNow());
      await tab.evaluate(() => oracle.settled());
      await tab.hide();
    },
    yields: ['CLS', 'FCP', 'LCP', 'TTFB'],
  },
  {
    name: 'fast interactions after a restore: eight milliseconds stand for them',
    body: `${WORDS}<button id="fast">Fast</button>`,
    observe: () => [['onINP'], ['onINP', { durationThreshold: 104 }]],
    async steps(tab) {
      await click(tab, '#slow', 1);
      await restore(tab);
      await tab.click('#fast');
      await tab.until(() => !('interactionCount' in performance) || performance.interactionCount >= 2);
      await tab.evaluate(() => oracle.settled());
    },
    yields: ['INP'],
  },
  {
    name: 'restored, with soft navigations asked for',
    body: WORDS,
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      await measured(tab);
      await restore(tab);
      await click(tab, '#slow', 1);
    },
    yields: ['CLS', 'FCP', 'INP', 'LCP', 'TTFB'],
    proves: restored(1),
  },
];
