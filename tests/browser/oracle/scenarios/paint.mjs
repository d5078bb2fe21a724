// What is painted: FCP, LCP, and the resource behind it.

import assert from 'node:assert/strict';

import { picture } from '../media.mjs';
import { EVERY_CHANGE, LOADED, untilLargest } from './shared.mjs';

const OTHER_ORIGIN = `location.origin.replace('127.0.0.1', 'localhost')`;

/** That the largest paint was of the element with this id and, unless it is text, of this resource. */
const isLargest = (id, path) => ({ last, supports }) => {
  if (!supports.LCP) return;
  const { attribution } = last('LCP');
  assert.equal(attribution.target, `#${id}`);
  assert.equal(attribution.lcpResourceEntry?.name.replace(/^http:\/\/[^/]+/, ''), path);
};

export const PAINT = [
  {
    name: 'text',
    body: '<h1 id="words">Words that are painted</h1>',
    steps: untilLargest('words'),
    yields: LOADED,
    proves: isLargest('words'),
  },
  {
    name: 'nothing is painted',
    body: '<div></div>',
    steps: (tab) => tab.evaluate(() => oracle.reported('TTFB')),
    yields: ['TTFB'],
  },
  {
    name: 'picture',
    body: '<h1>Words</h1><img id="hero" src="/picture.png" alt="">',
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'picture that the server is slow with',
    body: '<h1>Words</h1><img id="hero" src="/picture.png?after=200" alt="">',
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png?after=200'),
  },
  {
    name: 'picture that a script adds after load, and every change',
    body: `<h1 id="words">Words</h1>
      <script>addEventListener('load', () => setTimeout(() => document.body.append(Object.assign(new Image(), { id: 'hero', src: '/picture.png' })), 100))</script>`,
    observe: EVERY_CHANGE,
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: ({ metrics, supports }) => assert.ok(!supports.LCP || metrics('LCP').length === 2, 'one report for the words, one for the picture'),
  },
  {
    name: 'lazy picture',
    body: '<h1>Words</h1><img id="hero" src="/picture.png" loading="lazy" width="300" height="200" alt="">',
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'a script scrolls to a lazy picture: that is not the user, and ends nothing',
    body: '<h1 id="words">Words</h1><div style="height: 9000px"></div><img id="hero" src="/picture.png" loading="lazy" width="300" height="200" alt="">',
    async steps(tab) {
      await tab.evaluate(() => oracle.largest('words'));
      await tab.evaluate(async () => {
        hero.scrollIntoView();
        await new Promise((resolve) => (hero.onload = resolve));
      });
    },
    yields: LOADED,
    proves: ({ metrics, supports }) => assert.equal(metrics('LCP').length, supports.LCP ? 1 : 0),
  },
  {
    name: 'background picture',
    body: '<h1>Words</h1><div id="hero" style="width: 300px; height: 200px; background: url(/picture.png)"></div>',
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'picture in a data URL',
    body: `<h1>Words</h1><img id="hero" src="data:image/png;base64,${picture(120, 90).toString('base64')}" alt="">`,
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero'),
  },
  {
    name: 'picture of another origin',
    body: `<h1>Words</h1><img id="hero" alt=""><script>hero.src = ${OTHER_ORIGIN} + '/picture.png'</script>`,
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'picture of another origin that lets its timing be seen',
    body: `<h1>Words</h1><img id="hero" alt=""><script>hero.src = ${OTHER_ORIGIN} + '/picture.png?open'</script>`,
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png?open'),
  },
  {
    name: 'picture that is asked for again after it was painted',
    body: '<h1>Words</h1><img id="hero" src="/picture.png" alt="">',
    async steps(tab) {
      await tab.evaluate(() => oracle.largest('hero'));
      await tab.evaluate(() => fetch('/picture.png').then((response) => response.blob()).then(() => {}));
    },
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'picture that is removed, known by its id',
    body: '<h1>Words</h1><img id="hero" src="/picture.png" alt="">',
    async steps(tab) {
      await tab.evaluate(() => oracle.largest('hero'));
      await tab.evaluate(() => document.querySelector('#hero').remove());
    },
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'picture that is removed before the libraries start, known by its id or not at all',
    body: '<h1>Words</h1><img id="hero" src="/picture.png" alt="">',
    start: 'later',
    async visit(tab, url) {
      await tab.goto(url);
      await tab.evaluate(() => oracle.largest('hero'));
      await tab.evaluate(() => document.querySelector('#hero').remove());
      await tab.evaluate(() => oracle.startNow());
      await tab.evaluate(() => oracle.settled());
      await tab.hide();
    },
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'picture inside SVG',
    body: '<h1>Words</h1><svg width="300" height="200"><image id="hero" href="/picture.png" width="300" height="200"></image></svg>',
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'text inside SVG',
    body: '<svg id="drawing" width="600" height="100"><text id="words" y="60" font-size="40">Words that are drawn</text></svg><p>And some that are not</p>',
    yields: LOADED,
  },
  {
    name: 'poster of a video',
    body: '<h1>Words</h1><video id="hero" poster="/picture.png" width="300" height="200"></video>',
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'text that waits for its font',
    head: `<style>@font-face { font-family: Boxes; src: url(/font.ttf?after=100); font-display: block } #words { font: 40px Boxes }</style>`,
    body: '<h1 id="words">Words in a font</h1><p>And some in none</p>',
    async steps(tab) {
      await tab.evaluate(() => document.fonts.load('40px Boxes').then(() => {}));
      await tab.evaluate(() => oracle.largest('words'));
    },
    yields: LOADED,
    proves: isLargest('words'),
  },
  {
    name: 'frame of the same origin with more in it than around it',
    body: '<h1 id="words">Words</h1><iframe src="/inside" width="600" height="400"></iframe>',
    pages: { '/inside': { bare: true, body: '<img src="/picture.png" alt=""><script>setTimeout(() => document.body.prepend("moved"), 50)</script>' } },
    steps: untilLargest('words'),
    yields: LOADED,
    proves: isLargest('words'),
  },
  {
    name: 'picture in a shadow tree',
    body: `<main class="b a"><div id="host"></div></main>
      <script>host.attachShadow({ mode: 'open' }).innerHTML = '<section><img class="z y" src="/picture.png" alt=""></section>'</script>`,
    steps: untilLargest(),
    yields: LOADED,
    proves: ({ last, supports }) => assert.equal(supports.LCP ? last('LCP').attribution.lcpResourceEntry?.entryType : 'resource', 'resource'),
  },
  {
    name: 'picture after more resources than the browser keeps',
    body: `<h1>Words</h1><script>
      addEventListener('load', () => {
        // The browser's own buffer is full by now.
        performance.setResourceTimingBufferSize(1);
        document.body.append(Object.assign(new Image(), { id: 'hero', src: '/picture.png' }));
      });
    </script>`,
    steps: untilLargest('hero'),
    yields: LOADED,
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'picture before more resources than the libraries keep, with a buffer that is large enough',
    body: '<h1>Words</h1>',
    observe: () => [['onLCP', { resourceBufferSize: 300 }], ['onFCP']],
    async steps(tab) {
      await tab.evaluate(async () => {
        document.body.append(Object.assign(new Image(), { id: 'hero', src: '/picture.png' }));
        await oracle.largest('hero');
        await Promise.all(Array.from({ length: 260 }, (_, at) => fetch(`/empty.js?${at}`)));
      });
    },
    yields: ['FCP', 'LCP'],
    proves: isLargest('hero', '/picture.png'),
  },
  {
    name: 'picture before more resources than the libraries keep, found by nobody',
    body: '<h1>Words</h1>',
    observe: () => [['onLCP', { resourceBufferSize: 5 }], ['onFCP']],
    async steps(tab) {
      await tab.evaluate(async () => {
        performance.setResourceTimingBufferSize(1);
        document.body.append(Object.assign(new Image(), { id: 'hero', src: '/picture.png' }));
        await oracle.largest('hero');
        await Promise.all(Array.from({ length: 20 }, (_, at) => fetch(`/empty.js?${at}`)));
      });
    },
    yields: ['FCP', 'LCP'],
    proves: isLargest('hero', undefined),
  },
];
