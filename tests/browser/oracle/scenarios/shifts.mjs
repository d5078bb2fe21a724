// What moves: CLS, its session windows and its largest shift.

import assert from 'node:assert/strict';

import { click, EVERY_CHANGE, LOADED, startAfter, untilShifted, USED } from './shared.mjs';

const WORDS = '<h1 id="words">Words that move</h1>';
/** Pushes the page down at these times after load, in ms. */
const pushes = (...times) => `${WORDS}<script>addEventListener('load', () => [${times}].forEach((ms) => setTimeout(() => oracle.push(), ms)))</script>`;

const entriesOf = (count) => ({ last, supports }) => {
  if (supports.CLS) assert.equal(last('CLS').entries.length, count);
};

export const SHIFTS = [
  {
    name: 'nothing moves',
    body: WORDS,
    steps: (tab) => tab.evaluate(() => oracle.reported('FCP')),
    yields: LOADED,
    proves({ last, supports }) {
      if (supports.CLS) assert.deepEqual([last('CLS').value, last('CLS').attribution], [0, {}]);
    },
  },
  { name: 'shifts of one session', body: pushes(50, 150, 250), steps: untilShifted(3), yields: LOADED, proves: entriesOf(3) },
  {
    name: 'sessions a second apart: the larger one counts',
    body: pushes(50, 150, 1250),
    steps: untilShifted(3),
    yields: LOADED,
    proves: entriesOf(2),
  },
  {
    name: 'sessions a second apart: a later one is larger, and every change',
    body: pushes(50, 1200, 1300, 1400),
    observe: EVERY_CHANGE,
    steps: untilShifted(4),
    yields: LOADED,
    proves: entriesOf(3),
  },
  {
    name: 'a session lasts five seconds at most',
    body: `${WORDS}<script>addEventListener('load', () => Array.from({ length: 8 }, (_, at) => setTimeout(() => oracle.push(10 + at), at * 750)))</script>`,
    steps: untilShifted(8),
    yields: LOADED,
    proves: entriesOf(7),
  },
  {
    name: 'shifts that the user caused do not count',
    body: `${WORDS}<button id="more">More</button><script>more.onclick = () => oracle.push()</script>`,
    async steps(tab) {
      await click(tab, '#more', 1);
      await tab.evaluate(() => oracle.shifted(1));
    },
    yields: USED,
    proves: entriesOf(0),
  },
  {
    name: 'shifts before anything is painted that is content',
    body: `<div id="box" style="width: 500px; height: 300px; background: teal"></div>
      <script>
        const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        painted().then(() => oracle.push()).then(painted).then(painted).then(() => box.append('Words'));
      </script>`,
    async steps(tab) {
      await tab.evaluate(() => oracle.shifted(1));
      await tab.evaluate(() => oracle.reported('FCP'));
    },
    yields: LOADED,
    proves({ last, supports }) {
      if (supports.CLS) assert.ok(last('CLS').entries[0].startTime < last('FCP').value);
    },
  },
  {
    name: 'text that moves inside its element',
    body: `<p id="line"><i style="display: inline-block"></i>Words behind something that grows</p>
      <script>addEventListener('load', () => setTimeout(() => (document.querySelector('i').style.width = '200px'), 50))</script>`,
    steps: untilShifted(1),
    yields: LOADED,
    proves({ last, supports }) {
      if (supports.CLS) assert.equal(last('CLS').attribution.largestShiftTarget, '#line>TEXT');
    },
  },
  {
    name: 'what moved is gone when it is reported',
    body: `<p class="gone">Words that move</p><script>addEventListener('load', () => setTimeout(() => oracle.push(), 50))</script>`,
    async steps(tab) {
      await tab.evaluate(() => oracle.shifted(1));
      await tab.evaluate(() => document.querySelector('.gone').remove());
    },
    yields: LOADED,
    proves({ last, supports }) {
      if (supports.CLS) assert.match(last('CLS').attribution.largestShiftTarget, /gone/);
    },
  },
  {
    name: 'the largest of several shifts, told by a function of the page',
    body: `${pushes(50)}<p id="below">Below</p><script>addEventListener('load', () => setTimeout(() => oracle.push(300), 200))</script>`,
    observe: () => [['onCLS', { generateTarget: (node) => `my ${node.nodeName}` }], ['onLCP', { generateTarget: () => null }], ['onFCP']],
    steps: untilShifted(2),
    yields: ['CLS', 'FCP', 'LCP'],
    proves({ last, supports }) {
      if (supports.CLS) assert.match(last('CLS').attribution.largestShiftTarget, /^my /);
    },
  },
  {
    name: 'shifts in a frame are not seen',
    body: `${WORDS}<iframe src="/inside" width="600" height="300"></iframe>`,
    pages: {
      '/inside': {
        bare: true,
        body: `<p>Inside</p><script>
          const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          painted().then(() => document.body.prepend(document.createElement('hr'))).then(painted).then(() => (parent.moved = true));
        </script>`,
      },
    },
    steps: (tab) => tab.until(() => window.moved),
    yields: LOADED,
    proves: entriesOf(0),
  },
  {
    name: 'shifts before the libraries start',
    body: pushes(20, 80),
    start: 'later',
    async visit(tab, url) {
      await startAfter(tab, url, () => tab.evaluate(() => oracle.shifted(2)));
      await tab.hide();
    },
    yields: LOADED,
    proves: entriesOf(2),
  },
  {
    name: 'shifts go on after the page was shown again',
    body: pushes(50),
    async steps(tab) {
      await tab.evaluate(() => oracle.shifted(1));
      await tab.hide();
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await tab.evaluate(() => oracle.push());
      await tab.evaluate(() => oracle.shifted(2));
    },
    yields: LOADED,
    proves: ({ metrics, supports }) => assert.equal(new Set(metrics('CLS').map(({ value }) => value)).size, supports.CLS ? 2 : 0),
  },
];
