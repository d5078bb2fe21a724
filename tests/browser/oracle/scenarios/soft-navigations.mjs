// Navigations inside one document. An engine without their entries must not notice them.

import assert from 'node:assert/strict';

import { click, SOFT_NAVIGATIONS } from './shared.mjs';

/** A page whose links show another view, with words, a picture, or whatever `more` does. */
const shop = (more = '') => `<button id="go">Go</button><button id="slow" onclick="oracle.block(60)">Slow</button><main id="view"><h1>First view</h1></main>
  <script>
    let turn = 0;
    go.onclick = () => {
      turn += 1;
      oracle.block(30);
      history.pushState({}, '', '/view/' + turn);
      view.innerHTML = '<h1 id="title">View number ' + turn + '</h1><p>' + 'More words. '.repeat(20 * turn) + '</p>';
      ${more}
    };
  </script>`;
const HERO = "view.append(Object.assign(new Image(), { id: 'hero', src: '/picture.png?' + turn }));";
const ALL = ['CLS', 'FCP', 'INP', 'LCP', 'TTFB'];

async function go(tab, times) {
  await tab.click('#go');
  await tab.evaluate((count) => oracle.navigatedSoftly(count), times);
}

const navigatedSoftly = (times) => ({ metrics, supports }) => {
  const soft = metrics('TTFB').filter(({ navigationType }) => navigationType === 'soft-navigation');
  assert.equal(soft.length, supports.softNavigations ? times : 0);
};

export const SOFT = [
  { name: 'soft navigation', body: shop(), observe: SOFT_NAVIGATIONS, steps: (tab) => go(tab, 1), yields: ALL, proves: navigatedSoftly(1) },
  { name: 'soft navigation that nobody asked for', body: shop(), steps: (tab) => go(tab, 1), yields: [...ALL, 'FID'], proves: navigatedSoftly(0) },
  {
    name: 'three soft navigations',
    body: shop(),
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      for (const times of [1, 2, 3]) await go(tab, times);
    },
    yields: ALL,
    proves: navigatedSoftly(3),
  },
  {
    name: 'soft navigation to a view with a picture',
    body: shop(HERO),
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      await go(tab, 1);
      await tab.evaluate(() => document.querySelector('#hero').decode());
      await tab.evaluate(() => oracle.settled());
    },
    yields: ALL,
    proves: navigatedSoftly(1),
  },
  {
    name: 'soft navigation to a view with a picture that comes late, and every change',
    body: shop(HERO.replace('?', '?after=150&')),
    observe: () => ['onCLS', 'onFCP', 'onINP', 'onLCP', 'onTTFB'].map((name) => [name, { reportSoftNavs: true, reportAllChanges: true }]),
    async steps(tab) {
      await go(tab, 1);
      await tab.evaluate(() => document.querySelector('#hero').decode());
      await tab.evaluate(() => oracle.settled());
    },
    yields: ALL,
    proves: navigatedSoftly(1),
  },
  {
    name: 'shifts and interactions in the new view',
    body: shop(),
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      await tab.evaluate(() => oracle.push(200));
      await tab.evaluate(() => oracle.shifted(1));
      await click(tab, '#slow', 1);
      await go(tab, 1);
      // The user's click excuses shifts for half a second.
      await tab.evaluate(() => new Promise((resolve) => setTimeout(resolve, 550)));
      await tab.evaluate(() => oracle.push(40));
      await tab.evaluate(() => oracle.settled());
      await click(tab, '#slow', 3);
    },
    yields: ALL,
    proves: navigatedSoftly(1),
  },
  {
    name: 'soft navigation, hidden and shown in the new view',
    body: shop(),
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      await go(tab, 1);
      await tab.hide();
      await tab.show();
      await tab.evaluate(() => oracle.settled());
      await go(tab, 2);
    },
    yields: ALL,
    proves: navigatedSoftly(2),
  },
  {
    name: 'soft navigation by the back button',
    body: `${shop()}<script>addEventListener('popstate', () => { view.innerHTML = '<h1>Back at the first view, and somewhat longer</h1>' })</script><button id="back" onclick="history.back()">Back</button>`,
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      await go(tab, 1);
      await tab.click('#back');
      await tab.until(() => location.pathname === '/');
      await tab.evaluate(() => oracle.settled());
    },
    yields: ALL,
  },
  {
    name: 'soft navigation by a key, and the address replaced',
    body: shop().replace('pushState', 'replaceState'),
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      await tab.evaluate(() => document.querySelector('#go').focus());
      await tab.press('Enter');
      await tab.evaluate(() => oracle.interacted(1));
      await tab.evaluate(() => oracle.settled());
    },
    yields: ALL,
  },
  {
    name: 'another address without a click, and a click without another address: no soft navigations',
    body: '<button id="change">Change</button><main id="view"><h1>First view</h1></main><script>change.onclick = () => (view.innerHTML = "<h1>Changed</h1>")</script>',
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      await tab.evaluate(() => history.pushState({}, '', '/other'));
      await click(tab, '#change', 1);
    },
    yields: ALL,
    proves: navigatedSoftly(0),
  },
  {
    name: 'soft navigation and then a restore by an event that nobody trusts',
    body: shop(),
    observe: SOFT_NAVIGATIONS,
    async steps(tab) {
      await go(tab, 1);
      await tab.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
      await tab.evaluate(() => oracle.settled());
      await tab.evaluate(() => oracle.settled());
      await go(tab, 2);
    },
    yields: ALL,
    proves: navigatedSoftly(2),
  },
  {
    name: 'the standard build and soft navigations',
    build: 'standard',
    body: shop(),
    observe: SOFT_NAVIGATIONS,
    steps: (tab) => go(tab, 1),
    yields: ALL,
    proves: navigatedSoftly(1),
  },
];
