// What an interaction was about: its target, its parts, and the long frames it fell into.

import assert from 'node:assert/strict';

import { click, press, USED } from './shared.mjs';

const LONG = 'a-class-name-that-is-rather-long';

const attributed = (claim) => ({ last, supports }) => {
  if (supports.INP) claim(last('INP').attribution, supports);
};
const target = (expected) => attributed(({ interactionTarget }) => assert.equal(interactionTarget, expected));
const blocking = (body, more = '') => `<h1>Words</h1>${body}<script>addEventListener('click', () => { oracle.block(50); ${more} }, true)</script>`;

export const ATTRIBUTION = [
  {
    name: 'target with long lists of classes: a hundred characters at most',
    body: blocking(`<main class="${LONG}-c ${LONG}-b ${LONG}-a"><div class="z y x"><button class="${LONG}-2 ${LONG}-1">Click</button></div></main>`),
    steps: (tab) => click(tab, 'button', 1),
    yields: USED,
    proves: target(`div.x.y.z>button.${LONG}-1.${LONG}-2`),
  },
  {
    name: 'target whose own classes are more than a hundred characters',
    body: blocking(`<button class="${LONG}-4 ${LONG}-3 ${LONG}-2 ${LONG}-1">Click</button>`),
    steps: (tab) => click(tab, 'button', 1),
    yields: USED,
    proves: target(`button.${[1, 2, 3, 4].map((at) => `${LONG}-${at}`).join('.')}`),
  },
  {
    name: 'target in a form whose inputs are named like properties',
    body: blocking(`<form onsubmit="return false"><input name="id"><input name="className"><input name="nodeName"><input name="parentNode"><button type="button">Click</button></form>`),
    steps: (tab) => click(tab, 'button', 1),
    yields: USED,
    targets: ['html>body>form>button', 'html>body>h1'],
  },
  {
    name: 'target that is such a form itself',
    body: blocking(`<form id="form" style="padding: 40px; width: 300px"><input name="id" type="hidden"><input name="classList" type="hidden"><input name="className" type="hidden"></form>`),
    steps: (tab) => click(tab, 'form', 1),
    yields: USED,
    targets: ['#form', 'html>body>h1'],
  },
  {
    name: 'target in a shadow tree',
    body: `${blocking('<div id="host" class="host"></div>')}<script>host.attachShadow({ mode: 'open' }).innerHTML = '<p><button>Click inside</button></p>'</script>`,
    steps: (tab) => click(tab, '#host', 1),
    yields: USED,
    proves: target('#host'),
  },
  {
    name: 'target inside SVG',
    body: blocking('<svg class="b a" width="200" height="100"><g class="group"><rect class="box" width="200" height="100"></rect></g></svg>'),
    steps: (tab) => click(tab, 'svg', 1),
    yields: USED,
    proves: target('html>body>svg.a.b>g.group>rect.box'),
  },
  {
    name: 'target that a function of the page names, or leaves to us',
    body: blocking('<button id="named" class="x">Click</button>'),
    observe: () => [
      ['onINP', { generateTarget: (node) => `the ${node.localName}` }],
      ['onINP', { generateTarget: () => null }],
      ['onINP', { generateTarget: () => undefined }],
      ['onINP', { generateTarget: () => '' }],
      ['onINP', { generateTarget: null }],
      ['onLCP', { generateTarget: (node) => node.localName }],
      ['onFCP', { generateTarget: () => 'nothing' }],
    ],
    steps: (tab) => click(tab, '#named', 1),
    yields: ['FCP', 'INP', 'LCP'],
    proves: target('#named'),
  },
  {
    name: 'all events of the frame, when asked for',
    body: blocking('<button>Click</button>'),
    observe: () => [['onINP', { includeProcessedEventEntries: true }], ['onINP', { includeProcessedEventEntries: true, durationThreshold: 16 }], ['onINP']],
    async steps(tab) {
      await click(tab, 'button', 1);
      await press(tab, 'Enter', 2);
    },
    yields: ['INP'],
    proves: ({ metrics, supports }) => assert.ok(!supports.INP || metrics('INP')[0].attribution.processedEventEntries.length > 0),
  },
  {
    name: 'input delay: a busy main thread before the handler',
    body: blocking(`<button onpointerdown="setTimeout(() => oracle.block(150))">Click</button>`),
    steps: (tab) => click(tab, 'button', 1),
    yields: USED,
  },
  {
    name: 'presentation delay: work in the next frame',
    body: blocking('<button>Click</button>', 'requestAnimationFrame(() => oracle.block(80))'),
    steps: (tab) => click(tab, 'button', 1),
    yields: USED,
    proves: attributed(({ presentationDelay }) => assert.ok(presentationDelay >= 70)),
  },
  {
    name: 'forced layout inside a handler',
    body: `<h1>Words</h1><div id="boxes"></div><button id="layout">Click</button><script>
      boxes.innerHTML = '<div><p>Some <b>words</b> in a box</p></div>'.repeat(400);
      layout.onclick = () => {
        const end = performance.now() + 70;
        for (let width = 300; performance.now() < end; width += 1) boxes.style.width = width + boxes.offsetHeight * 0 + 'px';
      };
      layout.before(boxes.previousSibling);
      document.body.prepend(layout);
    </script>`,
    steps: (tab) => click(tab, '#layout', 1),
    yields: USED,
    proves: attributed(({ totalStyleAndLayoutDuration }, { longFrames }) => assert.ok(!longFrames || totalStyleAndLayoutDuration > 10)),
  },
  {
    name: 'several scripts in one long frame',
    body: `<h1>Words</h1><button id="many">Click</button><script>
      many.addEventListener('pointerup', () => oracle.block(20));
      many.addEventListener('click', () => oracle.block(60));
      many.addEventListener('click', () => Promise.resolve().then(() => oracle.block(30)));
      many.addEventListener('click', () => requestAnimationFrame(() => oracle.block(40)));
    </script>`,
    steps: (tab) => click(tab, '#many', 1),
    yields: USED,
    proves: attributed(({ longestScript }, { longFrames }) => assert.equal(longestScript?.subpart ?? '', longFrames ? 'processing-duration' : '')),
  },
  {
    name: 'an interaction while the page is still loading',
    body: `${blocking('<button>Click</button>')}<img src="/picture.png?after=1500" alt="">`,
    async visit(tab, url) {
      await tab.goto(`${url}/empty.html`);
      await tab.evaluate(() => void setTimeout(() => (location.href = '/')));
      await tab.until(() => window.oracle?.state.started);
      await tab.evaluate(() => oracle.settled());
      await click(tab, 'button', 1);
      await tab.until(() => document.readyState === 'complete');
      await tab.evaluate(() => oracle.reported('TTFB'));
      await tab.hide();
    },
    pages: { '/empty.html': { bare: true } },
    yields: USED,
    proves: attributed(({ loadState }) => assert.notEqual(loadState, 'complete')),
  },
];
