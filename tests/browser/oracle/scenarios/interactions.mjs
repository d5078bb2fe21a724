// What the user does: INP, FID, and what ends LCP.

import assert from 'node:assert/strict';

import { click, EVERY_CHANGE, press, startAfter, USED } from './shared.mjs';

const SLOW = `<h1>Words</h1>
  <button id="slow">Slow</button> <button id="slower">Slower</button> <button id="fast">Fast</button> <input id="field" aria-label="Field">
  <script>
    slow.onclick = () => oracle.block(60);
    slower.onclick = () => oracle.block(110);
    field.onkeydown = () => oracle.block(40);
  </script>`;

const inp = (...claims) => (evidence) => {
  if (evidence.supports.INP) for (const claim of claims) claim(evidence.last('INP'), evidence);
};
const atLeast = (ms) => ({ value }) => assert.ok(value >= ms, `${value}`);
const below = (ms) => ({ value }) => assert.ok(value < ms, `${value}`);
const of = (target, type) => ({ attribution }) => assert.deepEqual([attribution.interactionTarget, attribution.interactionType], [target, type]);

export const INTERACTIONS = [
  { name: 'slow click', body: SLOW, steps: (tab) => click(tab, '#slow', 1), yields: USED, proves: inp(atLeast(60), of('#slow', 'pointer')) },
  { name: 'fast click: the first input is known at least', body: SLOW, steps: (tab) => click(tab, '#fast', 1), yields: USED, proves: inp(below(60)) },
  {
    name: 'slow key in a field',
    body: SLOW,
    async steps(tab) {
      await tab.evaluate(() => field.focus());
      await press(tab, 'a', 1);
    },
    yields: USED,
    proves: inp(atLeast(40), of('#field', 'keyboard')),
  },
  {
    name: 'slow key that no element has the focus for',
    body: `${SLOW}<script>addEventListener('keyup', () => oracle.block(50))</script>`,
    steps: (tab) => press(tab, 'Enter', 1),
    yields: USED,
    proves: inp(atLeast(48)),
  },
  { name: 'tap of a finger', body: SLOW, steps: (tab) => tab.tap('#slow').then(() => tab.evaluate(() => oracle.interacted(1))), yields: USED, proves: inp(atLeast(60)) },
  {
    name: 'slow handlers of everything that a click is made of',
    body: `<h1>Words</h1><button id="all">All</button>
      <script>for (const type of ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click']) all.addEventListener(type, () => oracle.block(20))</script>`,
    steps: (tab) => click(tab, '#all', 1),
    yields: USED,
    proves: inp(atLeast(40)),
  },
  {
    name: 'slow handlers of everything that a tap is made of',
    body: `<h1>Words</h1><button id="all">All</button>
      <script>for (const type of ['pointerdown', 'touchstart', 'pointerup', 'touchend', 'mousedown', 'click']) all.addEventListener(type, () => oracle.block(20))</script>`,
    steps: (tab) => tab.tap('#all').then(() => tab.evaluate(() => oracle.interacted(1))),
    yields: USED,
    proves: inp(atLeast(16)),
  },
  {
    name: 'the slowest of several, and every change',
    body: SLOW,
    observe: EVERY_CHANGE,
    async steps(tab) {
      await click(tab, '#slow', 1);
      await click(tab, '#slower', 2);
      await click(tab, '#slow', 3);
    },
    yields: USED,
    proves: inp(atLeast(110), of('#slower', 'pointer')),
  },
  {
    name: 'more than ten interactions, slower and slower and faster again',
    body: `<h1>Words</h1><button id="more">More</button>
      <script>let turn = 0; more.onclick = () => oracle.block(20 + 4 * (turn++ < 8 ? turn : 16 - turn))</script>`,
    observe: () => [['onINP', { durationThreshold: 16 }], ['onINP', { durationThreshold: 16, reportAllChanges: true }]],
    async steps(tab) {
      for (let turn = 1; turn <= 13; turn += 1) await click(tab, '#more', turn);
    },
    yields: ['INP'],
    proves: inp(atLeast(48)),
  },
  {
    name: 'more than fifty interactions: the second slowest counts',
    body: `<h1>Words</h1><input id="field" aria-label="Field"><script>let turn = 0; field.onkeydown = () => oracle.block([150, 100, 60][turn++] ?? 0)</script>`,
    async steps(tab) {
      await tab.evaluate(() => field.focus());
      for (let turn = 1; turn <= 3; turn += 1) await press(tab, 'a', turn);
      for (let turn = 4; turn <= 55; turn += 1) await tab.press('a');
      await tab.until(() => !('interactionCount' in performance) || performance.interactionCount >= 55);
      await tab.evaluate(() => oracle.settled());
    },
    yields: USED,
    proves: inp(atLeast(100), below(150)),
  },
  {
    name: 'more than fifty interactions where the browser does not count them',
    head: '<script>delete Performance.prototype.interactionCount</script>',
    body: `<h1>Words</h1><input id="field" aria-label="Field"><script>let turn = 0; field.onkeydown = () => oracle.block([150, 100, 60][turn++] ?? 20)</script>`,
    async steps(tab) {
      await tab.evaluate(() => field.focus());
      for (let turn = 1; turn <= 3; turn += 1) await press(tab, 'a', turn);
      for (let turn = 4; turn <= 52; turn += 1) await tab.press('a');
      await tab.evaluate(() => oracle.interacted(52));
    },
    yields: USED,
    proves: inp(atLeast(96)),
  },
  {
    name: 'thresholds from none to 104 ms',
    body: SLOW,
    observe: () => [0, 16, undefined, 40, 104].map((durationThreshold) => ['onINP', { durationThreshold }]),
    async steps(tab) {
      await click(tab, '#fast', 1);
      await click(tab, '#slow', 2);
      await click(tab, '#slower', 3);
    },
    yields: ['INP'],
    proves: inp(atLeast(110)),
  },
  {
    name: 'a click that is not let through',
    body: `<h1>Words</h1><a id="link" href="/elsewhere">Link</a>
      <script>for (const type of ['pointerdown', 'mousedown', 'click']) link.addEventListener(type, (event) => { event.preventDefault(); event.stopImmediatePropagation(); oracle.block(30); })</script>`,
    steps: (tab) => click(tab, '#link', 1),
    yields: USED,
    proves: inp(atLeast(24)),
  },
  {
    name: 'a handler that removes what was clicked',
    body: `<h1>Words</h1><div class="list"><button class="close">Close</button></div>
      <script>document.querySelector('.close').onclick = ({ target }) => { target.remove(); oracle.block(50); }</script>`,
    steps: (tab) => click(tab, '.close', 1),
    yields: USED,
    proves: inp(atLeast(48)),
  },
  {
    name: 'clicks that no user made end nothing',
    body: `${SLOW}<script>
      addEventListener('load', () => {
        slow.click();
        for (const type of ['keydown', 'click', 'pointerdown', 'pointerup']) slow.dispatchEvent(new Event(type, { bubbles: true }));
        setTimeout(() => document.body.append(Object.assign(new Image(), { id: 'hero', src: '/picture.png' })), 50);
      });
    </script>`,
    steps: (tab) => tab.evaluate(() => oracle.largest('hero')),
    yields: ['CLS', 'FCP', 'LCP', 'TTFB'],
    proves: ({ metrics, supports }) => assert.equal(metrics('LCP').length, supports.LCP ? 1 : 0),
  },
  {
    name: 'a click ends LCP',
    body: SLOW,
    async steps(tab) {
      await click(tab, '#fast', 1);
      await tab.evaluate(() => oracle.reported('LCP'));
      await tab.evaluate(async () => {
        const hero = Object.assign(new Image(), { src: '/picture.png' });
        document.body.append(hero);
        await hero.decode();
      });
    },
    yields: USED,
    proves: ({ metrics, supports }) => assert.ok(!supports.LCP || !metrics('LCP')[0].attribution.url),
  },
  {
    name: 'a key ends LCP',
    body: SLOW,
    async steps(tab) {
      await press(tab, 'Escape', 1);
      await tab.evaluate(() => oracle.reported('LCP'));
    },
    yields: USED,
  },
  {
    name: 'interactions before the libraries start',
    body: SLOW,
    start: 'later',
    async visit(tab, url) {
      await startAfter(tab, url, async () => {
        await click(tab, '#fast', 1);
        await click(tab, '#slower', 2);
      });
      await tab.evaluate(() => oracle.reported('LCP', 0));
      await tab.hide();
    },
    yields: USED,
    proves: inp(atLeast(110), of('#slower', 'pointer')),
  },
  {
    name: 'interactions go on after the page was shown again',
    body: SLOW,
    async steps(tab) {
      await click(tab, '#slow', 1);
      await tab.hide();
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await click(tab, '#slower', 2);
      await tab.hide();
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await click(tab, '#slow', 3);
    },
    yields: USED,
    proves: ({ metrics, supports }) => assert.equal(metrics('INP').length, supports.INP ? 2 : 0),
  },
];
