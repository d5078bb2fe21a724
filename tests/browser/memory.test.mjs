// A page that stays open for days: what the vitals keep of its interactions and layout shifts has bounds.
//
// The entries are simulated: real input comes at a few interactions a second, so that this many would take hours. The browser's
// observers are replaced where those entries come from; the SDK, its reports and the service they go to are the real ones.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { BEACON_PATH, startSite } from './harness/site.mjs';

const WARM_UP = 10_000;
const INTERACTIONS = 100_000;
/** What may come after the warm-up: no more than a number for each interaction would take. */
const MOST_GROWTH = { heap: 600_000, nodes: 500, listeners: 0 };

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Memory</title>
    <script type="module">
      import { flush, init } from '/beamline-rum/index.js';
      import { onCLS, onFCP, onFID, onINP, onLCP, onTTFB } from '/beamline-rum/web-vitals.attribution.js';

      // As a site does it: what changed is sent when the page is hidden.
      const changed = new Set();
      for (const on of [onCLS, onFCP, onFID, onINP, onLCP, onTTFB]) {
        on((metric) => changed.add(metric), { reportAllChanges: true, includeProcessedEventEntries: true });
      }
      document.addEventListener('visibilitychange', () => {
        const events = Array.from(changed, ({ name, value, attribution }) => ({ type: 'drop-in', metric: name, value, target: attribution.interactionTarget }));
        if (document.visibilityState === 'hidden') navigator.sendBeacon('${BEACON_PATH}', JSON.stringify({ events }));
        changed.clear();
      });
      init({ key: 'test' });
      window.flush = flush;
    </script>
  </head>
  <body><h1>Words that are painted</h1></body>
</html>`;

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

test(`memory stays flat through ${INTERACTIONS} interactions and layout shifts`, async (t) => {
  const folders = { '/beamline-rum/': fileURLToPath(new URL('../../npm/dist/', import.meta.url)) };
  const site = await startSite(t, { pages: { '/': PAGE }, folders });
  const page = await browser.openFreshPage();
  await page.evaluateOnNewDocument(simulate);
  await page.goto(site.url);
  await page.evaluate(() => window.flush());
  // The core's first sign of life is the session it stores with its first beacon.
  await page.waitForFunction(() => localStorage.getItem('beamline') !== null);

  const measure = await startMeasuring(page);
  const atStart = await measure();
  await page.evaluate((count) => simulation.interact(count), WARM_UP);
  const warm = await measure();
  await page.evaluate((count) => simulation.interact(count), INTERACTIONS - WARM_UP);
  const atEnd = await measure();
  for (const [when, figures] of Object.entries({ 'at the start': atStart, [`after ${WARM_UP}`]: warm, [`after ${INTERACTIONS}`]: atEnd })) {
    t.diagnostic(`${when}: ${JSON.stringify(figures)}`);
  }

  // Nothing was flat because nothing was looked at.
  const expected = await page.evaluate(() => simulation.expected());
  assert.equal(expected.count, INTERACTIONS);
  const last = (type, metric) => site.events().filter((event) => event.type === type && event.metric === metric).at(-1);
  const isTold = (type) => last(type, 'INP')?.value === expected.inp && Math.abs(last(type, 'CLS')?.value - expected.cls) < 1e-6;
  await site.eventsOnce(() => ['vital', 'drop-in'].every(isTold));
  assert.deepEqual([last('vital', 'INP').attribution.target, last('drop-in', 'INP').target], ['button', 'button']);
  assert.deepEqual(await page.troubles(), NO_TROUBLES);

  assert.equal(warm.wasm.length, 2, 'the modules of the agent and of the drop-in');
  assert.deepEqual(atEnd.wasm, warm.wasm);
  for (const [what, most] of Object.entries(MOST_GROWTH)) {
    assert.ok(atEnd[what] - warm[what] <= most, `${what} grew from ${warm[what]} to ${atEnd[what]}`);
  }
});

/** What measures the page: `wasm` and `heap` in bytes, and how many nodes and listeners there are, all without garbage. */
async function startMeasuring(page) {
  const client = await page.createCDPSession();
  return async () => {
    await client.send('HeapProfiler.collectGarbage');
    const { usedSize: heap } = await client.send('Runtime.getHeapUsage');
    const { nodes, jsEventListeners: listeners } = await client.send('Memory.getDOMCounters');
    return { wasm: await page.evaluate(() => simulation.memories.map(({ buffer }) => buffer.byteLength)), heap, nodes, listeners };
  };
}

/** Runs in the page before anything else. */
function simulate() {
  const SIMULATED = ['event', 'first-input', 'layout-shift', 'long-animation-frame'];
  /** How many interactions there are between two frames: more than any user manages. */
  const BATCH = 50;
  /** How many there are between two times that the user looks at another tab. */
  const LOOK = 1000;

  const memories = [];
  const { Instance, instantiate, instantiateStreaming } = WebAssembly;
  const remember = ({ exports }) => void memories.push(...Object.values(exports).filter((value) => value instanceof WebAssembly.Memory));
  WebAssembly.Instance = function (...values) {
    const instance = new Instance(...values);
    remember(instance);
    return instance;
  };
  for (const [name, native] of Object.entries({ instantiate, instantiateStreaming })) {
    WebAssembly[name] = async (...values) => {
      const result = await native(...values);
      remember(result.instance);
      return result;
    };
  }

  // Interactions are a second or so apart: the clocks run ahead.
  let ahead = 0;
  const [now, today] = [performance.now.bind(performance), Date.now];
  performance.now = () => now() + ahead;
  Date.now = () => today() + Math.round(ahead);

  let count = 0;
  Object.defineProperty(performance, 'interactionCount', { get: () => count });

  const observers = new Set();
  window.PerformanceObserver = class extends PerformanceObserver {
    #callback;
    #thresholds = new Map();

    constructor(callback) {
      super(callback);
      this.#callback = callback;
    }

    observe(init) {
      if (!SIMULATED.includes(init.type)) return super.observe(init);
      this.#thresholds.set(init.type, init.type === 'event' ? (init.durationThreshold ?? 104) : 0);
      observers.add(this);
    }

    disconnect() {
      super.disconnect();
      observers.delete(this);
    }

    deliver(entries) {
      const own = entries.filter(({ entryType, duration }) => duration >= (this.#thresholds.get(entryType) ?? Infinity));
      if (own.length) this.#callback.call(this, { getEntries: () => [...own] }, this);
    }
  };

  let seed = 1;
  /** The same numbers from 0 to 1 in every run. */
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;

  const longest = [];
  const shifted = { value: 0, first: -Infinity, last: -Infinity, largest: 0 };

  /** The entries of one more interaction, of the frame it led to, and of what moved in it: all get worse with time. */
  function another() {
    count += 1;
    ahead += 300 + 1700 * random();
    const startTime = performance.now();
    const duration = 8 * Math.round(2 + 30 * random() + count / 1000);
    const target = document.createElement('button');
    const ready = startTime + duration / 4;
    const done = startTime + duration / 2;
    const timing = { startTime, duration, processingStart: ready, processingEnd: done, interactionId: 7 * count, target, targetSelector: 'button' };
    const events = ['pointerdown', 'pointerup', 'click'].map((name) => ({ entryType: 'event', name, ...timing }));
    if (count === 1) events.push({ ...events[0], entryType: 'first-input' });
    const script = { entryType: 'script', startTime: ready, duration: duration / 8, forcedStyleAndLayoutDuration: 1, invoker: 'BUTTON.onclick', sourceURL: location.href };
    const scripts = [script, { ...script, startTime: script.startTime + script.duration }];
    const frame = { entryType: 'long-animation-frame', name: 'long-animation-frame', startTime, duration, styleAndLayoutStart: done, scripts };
    const sources = [{ node: document.createElement('p'), previousRect: new DOMRect(), currentRect: new DOMRect(0, 10) }];
    const value = 0.02 * random() * (1 + count / 10_000);
    const shift = { entryType: 'layout-shift', name: '', startTime: startTime + duration, duration: 0, value, hadRecentInput: count % 7 === 0, sources };
    expect(duration, shift);
    ahead += duration + 1;
    return [...events, frame, shift];
  }

  /** Takes what another interaction and shift make of the vitals, by their definitions. */
  function expect(duration, { startTime, value, hadRecentInput }) {
    longest.push(duration);
    longest.sort((a, b) => b - a).splice(10);
    if (hadRecentInput) return;
    const continues = startTime - shifted.last < 1000 && startTime - shifted.first < 5000;
    Object.assign(shifted, { last: startTime }, continues ? { value: shifted.value + value } : { value, first: startTime });
    shifted.largest = Math.max(shifted.largest, shifted.value);
  }

  function pretend(visibilityState) {
    Object.defineProperty(document, 'visibilityState', { value: visibilityState, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }

  async function interact(more) {
    for (const end = count + more; count < end; ) {
      const entries = Array.from({ length: Math.min(BATCH, end - count) }, another).flat();
      for (const observer of observers) observer.deliver(entries);
      await new Promise((resolve) => requestAnimationFrame(() => requestIdleCallback(resolve)));
      if (count % LOOK > 0) continue;
      pretend('hidden');
      pretend('visible');
    }
  }

  const expected = () => ({ count, inp: longest[Math.min(longest.length - 1, Math.floor(count / 50))], cls: shifted.largest });
  window.simulation = { memories, interact, expected };
}
