// The drop-in as a site uses it, next to npm web-vitals in the same page: what may be called when, and what callbacks may do.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hide, NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { startSite } from './harness/site.mjs';

const folder = (path) => fileURLToPath(new URL(`../../${path}/`, import.meta.url));

const FOLDERS = {
  '/beamline-rum/': folder('npm/dist'),
  '/web-vitals/': folder('tests/browser/node_modules/web-vitals/dist'),
  '/web-vitals-4/': folder('tests/browser/node_modules/web-vitals-4/dist'),
};

const BUILDS = ['web-vitals.js', 'web-vitals.attribution.js'];

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>API</title>
    <script type="module" src="/start.mjs"></script>
  </head>
  <body>
    <h1>Words that are painted</h1>
    <button>Slow</button>
    <script src="/page.js"></script>
  </body>
</html>`;

/** What the page does by itself; `window.clickMs` is how long its handler takes. */
const PAGE_SCRIPT = `
  window.functions = ['onCLS', 'onFCP', 'onFID', 'onINP', 'onLCP', 'onTTFB'];
  window.heard = [];
  addEventListener('error', ({ message }) => window.heard.push(message));
  addEventListener('unhandledrejection', ({ reason }) => window.heard.push(String(reason)));
  document.querySelector('button').onclick = () => {
    const end = performance.now() + (window.clickMs ?? 60);
    while (performance.now() < end);
  };`;

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

/**
 * Opens a page whose module calls `start({ ours, theirs })` as soon as it has imported both libraries. What that returns is
 * `window.result`; the names of all functions are in `window.functions`.
 */
async function open(t, build, start, { prepare = () => {}, headers = {} } = {}) {
  const module = `
    import * as ours from '/beamline-rum/${build}';
    import * as reference from '/web-vitals/${build}';
    import { FIDThresholds, onFID } from '/web-vitals-4/${build}';
    window.result = (${start})({ ours, theirs: { ...reference, FIDThresholds, onFID } });`;
  const script = (text) => (request, response) => response.writeHead(200, { 'content-type': 'text/javascript' }).end(text);
  const routes = { '/start.mjs': script(module), '/page.js': script(PAGE_SCRIPT) };
  const site = await startSite(t, { pages: { '/': PAGE }, routes, folders: FOLDERS, headers });
  const page = await browser.openFreshPage();
  await page.evaluateOnNewDocument(prepare);
  await page.goto(site.url);
  return page;
}

/** How long the button of the mouse stays down: a frame or two, so that the press is seen apart from the release. */
const PRESS_MS = 35;

/** Clicks, and waits until the browser has told of it, where it can, and was idle after it. */
async function click(page, ms = 60) {
  await page.evaluate((value) => {
    window.clickMs = value;
    const { PerformanceObserver } = window;
    const watch = (told) => new PerformanceObserver((list) => list.getEntriesByName('click').length && told()).observe({ type: 'event', durationThreshold: 16 });
    window.clickIsTold = PerformanceObserver && new Promise(watch);
  }, ms);
  await page.click('button', { delay: PRESS_MS });
  await page.evaluate(() => window.clickIsTold);
  await settle(page);
}

/** Waits until the page was idle after two frames, and through a task after that. */
const settle = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => requestIdleCallback(() => setTimeout(resolve))));
      }),
  );

/** Moves the page, and waits until the browser has told of it. */
const push = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver(() => setTimeout(resolve)).observe({ type: 'layout-shift' });
        document.body.prepend(Object.assign(document.createElement('div'), { style: 'height: 80px' }));
      }),
  );

/** Observes everything with both libraries; the result has for either what it reported last by name. */
function observeAll({ ours, theirs }) {
  const last = { ours: {}, theirs: {} };
  for (const [by, library] of Object.entries({ theirs, ours })) {
    for (const name of functions) {
      library[name]((metric) => (last[by][metric.name] = { value: metric.value, rating: metric.rating, type: metric.navigationType, entries: metric.entries.length }));
    }
  }
  return last;
}

const ALL = ['CLS', 'FCP', 'FID', 'INP', 'LCP', 'TTFB'];

/** What a page may have done to the browser before the libraries run, and what can be measured then. */
const HOSTILE = {
  'no PerformanceObserver': { prepare: () => delete window.PerformanceObserver, yields: ['TTFB'] },
  'frozen prototypes': {
    prepare: () => [Object, Array, Function, Map, Set, Promise].forEach(({ prototype }) => Object.freeze(prototype)),
    yields: ALL,
  },
  'more in every array': {
    prepare: () => Object.assign(Array.prototype, { each: () => {}, entry: 'x', startTime: 7 }),
    yields: ALL,
  },
  'a discarded document, by its own word': {
    prepare: () => Object.defineProperty(document, 'wasDiscarded', { value: true }),
    yields: ALL,
  },
  'a document that says it is hidden': {
    prepare: () => Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true }),
    yields: ['INP', 'TTFB'],
  },
  'plain objects for visibility entries': {
    prepare: () => {
      const real = performance.getEntriesByType.bind(performance);
      performance.getEntriesByType = (type) => (type === 'visibility-state' ? [{ name: 'hidden', startTime: 1 }] : real(type));
    },
    yields: ['INP', 'TTFB'],
    // The last web-vitals with FID did not look at them.
    onlyTheirs: ['FID'],
  },
  'another responseStart on the live entry': {
    prepare: () => Object.defineProperty(performance.getEntriesByType('navigation')[0], 'responseStart', { value: 0.5 }),
    yields: ALL,
  },
};

for (const build of BUILDS) {
  describe(build, () => {
    test('names and thresholds are those of npm web-vitals', async (t) => {
      const page = await open(t, build, ({ ours, theirs }) => {
        const told = (library) => Object.entries(library).map(([name, value]) => [name, typeof value === 'function' ? 'function' : value]);
        return [told(ours).sort(), told(theirs).sort()];
      });
      const [ours, theirs] = await page.evaluate(() => window.result);
      assert.equal(ours.length, 12);
      assert.deepEqual(ours, theirs);
    });

    test('a call observes before it returns, what and as npm web-vitals does', async (t) => {
      const page = await open(t, build, ({ ours, theirs }) => {
        const { observe } = PerformanceObserver.prototype;
        let inits;
        PerformanceObserver.prototype.observe = function (init) {
          inits.push(JSON.stringify(init, Object.keys(init).sort()));
          return observe.call(this, init);
        };
        const reported = (window.reported = []);
        const observed = (library, tag) =>
          Object.fromEntries(
            functions.map((name) => {
              inits = [];
              const returned = library[name]((metric) => reported.push(`${tag} ${metric.name}`));
              return [name, { returned, inits: [...inits] }];
            }),
          );
        const result = { theirs: observed(theirs, 'theirs'), ours: observed(ours, 'ours') };
        inits = [];
        return result;
      });
      const { ours, theirs } = await page.evaluate(() => window.result);
      for (const [name, { returned, inits }] of Object.entries(theirs)) {
        assert.equal(ours[name].returned, returned, name);
        for (const init of inits) assert.ok(ours[name].inits.includes(init), `${name}: ${init}, not just ${ours[name].inits}`);
      }
      assert.ok(Object.values(theirs).flatMap(({ inits }) => inits).length >= 6, JSON.stringify(theirs));

      await click(page);
      await hide(page);
      const reported = await page.evaluate(() => window.reported);
      const by = (tag) => reported.filter((text) => text.startsWith(tag)).map((text) => text.slice(tag.length + 1)).sort();
      assert.deepEqual(by('ours'), ['CLS', 'FCP', 'FID', 'INP', 'LCP', 'TTFB']);
      assert.deepEqual(by('theirs'), by('ours'));
    });

    test('two instances of a metric do not know of each other, and options are only read', async (t) => {
      const page = await open(t, build, ({ ours, theirs }) => {
        const watch = ({ onCLS, onINP }, options) => {
          const metrics = [];
          const reports = [];
          const take = (metric) => {
            if (!metrics.includes(metric)) metrics.push(metric);
            // Callers keep things of their own on the object.
            metric.count = (metric.count ?? 0) + 1;
            const { name, value, delta, count } = metric;
            reports.push({ name, value, delta, count });
          };
          onCLS(take, options);
          onINP(take, options);
          return { metrics, reports };
        };
        const options = Object.freeze({ reportAllChanges: true });
        window.watched = {
          ours: [watch(ours), watch(ours, options), watch(ours, options)],
          theirs: [watch(theirs), watch(theirs, { reportAllChanges: true })],
        };
        return true;
      });
      await push(page);
      for (const ms of [60, 120, 200]) await click(page, ms);
      await hide(page);
      const { ours, theirs, ids, shared } = await page.evaluate(() => {
        const { ours, theirs } = window.watched;
        const [, first, second] = ours.map(({ metrics }) => metrics.map(({ entries }) => entries));
        return {
          ours: ours.map(({ reports }) => reports),
          theirs: theirs.map(({ reports }) => reports),
          ids: ours.flatMap(({ metrics }) => metrics.map(({ id }) => id)),
          shared: first.every((entries, at) => entries.length > 0 && entries.every((entry, place) => entry === second[at][place])),
        };
      });
      const byMetric = (reports) => ALL.map((metric) => reports.filter(({ name }) => name === metric));
      assert.deepEqual(ours.slice(0, 2).map(byMetric), theirs.map(byMetric));
      assert.deepEqual(byMetric(ours[2]), byMetric(ours[1]));
      assert.deepEqual(ours[0].map(({ name, count }) => [name, count]).sort(), [['CLS', 1], ['INP', 1]]);
      assert.ok(ours[1].filter(({ name }) => name === 'INP').length >= 3, JSON.stringify(ours[1]));
      assert.equal(new Set(ids).size, 6, `one object and id for each instance: ${ids}`);
      assert.ok(shared, 'the entries are the same objects');
    });

    test("entries, and all that attribution refers to, are the browser's own objects", async (t) => {
      const page = await open(t, build, ({ ours, theirs }) => {
        window.metrics = { ours: {}, theirs: {} };
        for (const [by, library] of Object.entries({ ours, theirs })) {
          for (const name of functions) {
            library[name]((metric) => (window.metrics[by][metric.name] = metric), { includeProcessedEventEntries: true });
          }
        }
        return true;
      });
      await push(page);
      await click(page, 120);
      await hide(page);
      const { differences, entries, timeline } = await page.evaluate(() => {
        const { ours, theirs } = window.metrics;
        const differences = [];
        let entries = 0;
        const isPlain = (value) => Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype;
        const compare = (path, our, their) => {
          entries += our instanceof PerformanceEntry;
          if (isPlain(our) && isPlain(their)) {
            for (const key of new Set([...Object.keys(our), ...Object.keys(their)])) compare(`${path}.${key}`, our[key], their[key]);
          } else if (our !== their && !path.endsWith('.id')) {
            differences.push([path, String(our), String(their)]);
          }
        };
        compare('', ours, theirs);
        const [navigation] = performance.getEntriesByType('navigation');
        const [paint] = performance.getEntriesByName('first-contentful-paint');
        return { differences, entries, timeline: ours.TTFB.entries[0] === navigation && ours.FCP.entries[0] === paint };
      });
      assert.deepEqual(differences, []);
      assert.ok(entries >= 6, `${entries} entries`);
      assert.ok(timeline, 'as the timeline has them');
    });

    // In web-vitals, what a callback throws while the page is hidden costs the instances after it.
    test('a callback that throws tells the page of it, and costs no other instance a report', async (t) => {
      const thrown = async (by, reportAllChanges) => {
        const start = `({ ${by}: library }) => {
          window.reported = [];
          for (const name of functions) {
            library[name]((metric) => { throw new Error('my ' + metric.name); }, { reportAllChanges: ${reportAllChanges} });
            library[name]((metric) => window.reported.push(metric.name), { reportAllChanges: ${reportAllChanges} });
          }
        }`;
        const page = await open(t, build, start);
        await click(page);
        await hide(page);
        await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
        const { heard, reported } = await page.evaluate(() => ({ heard: window.heard, reported: window.reported }));
        return { heard: heard.map((text) => /my (\w+)$/.exec(text)?.[1] ?? text).sort(), reported: reported.sort() };
      };
      for (const reportAllChanges of [false, true]) {
        const [ours, theirs] = [await thrown('ours', reportAllChanges), await thrown('theirs', reportAllChanges)];
        assert.deepEqual([...new Set(ours.heard)], ['CLS', 'FCP', 'FID', 'INP', 'LCP', 'TTFB']);
        assert.deepEqual(ours.reported, ours.heard, 'the other instances, each time');
        assert.deepEqual(theirs.heard.filter((name) => !ours.heard.includes(name)), [], 'the page hears of all that it hears of with web-vitals');
      }
    });

    test('a callback may call every function again', async (t) => {
      const page = await open(t, build, ({ ours, theirs }) => {
        window.inner = { ours: {}, theirs: {} };
        for (const [by, library] of Object.entries({ theirs, ours })) {
          for (const outer of functions) {
            let calls = 0;
            library[outer](() => {
              calls += 1;
              if (calls > 1) return;
              for (const name of functions) library[name](({ value }) => (window.inner[by][`${name} in ${outer}`] = value));
            });
          }
        }
        return true;
      });
      await push(page);
      await click(page);
      const hidden = await hide(page);
      await hidden.undo();
      await settle(page);
      await click(page, 120);
      await hide(page);
      const { ours, theirs } = await page.evaluate(() => window.inner);
      // An instance that begins while the page is being hidden may come too late for the reference.
      assert.deepEqual({ ...ours, ...theirs }, ours);
      assert.ok(Object.keys(ours).length >= 30, JSON.stringify(ours));
      assert.deepEqual(await page.troubles(), NO_TROUBLES);
    });

    for (const [what, { prepare, yields, onlyTheirs = [] }] of Object.entries(HOSTILE)) {
      test(`a page with ${what}`, async (t) => {
        const page = await open(t, build, observeAll, { prepare });
        await click(page);
        await hide(page);
        const { ours, theirs } = await page.evaluate(() => window.result);
        assert.deepEqual(Object.keys(ours).sort(), yields);
        assert.deepEqual(Object.keys(theirs).sort(), [...yields, ...onlyTheirs].sort());
        for (const name of yields) assert.deepEqual(ours[name], theirs[name], name);
        assert.deepEqual(await page.troubles(), NO_TROUBLES);
      });
    }

    test('a page without WebAssembly: calls do nothing', async (t) => {
      const page = await open(t, build, observeAll, { prepare: () => delete window.WebAssembly });
      await click(page);
      await hide(page);
      const { ours, theirs } = await page.evaluate(() => window.result);
      assert.deepEqual(ours, {});
      assert.equal(Object.keys(theirs).length, 6);
      assert.deepEqual(await page.troubles(), NO_TROUBLES);
    });

    test('a page whose policy forbids WebAssembly: calls do nothing', async (t) => {
      const page = await open(t, build, observeAll, { headers: { 'content-security-policy': "script-src 'self'" } });
      await click(page);
      await hide(page);
      const { ours, theirs } = await page.evaluate(() => window.result);
      assert.deepEqual(ours, {});
      assert.equal(Object.keys(theirs).length, 6);
      const { errors } = await page.troubles();
      assert.deepEqual(errors, []);
    });

    test('in Node, importing it and calling all of it does nothing', () => {
      const module = JSON.stringify(`${folder('npm/dist')}${build}`);
      const script = `
        const before = Object.keys(globalThis).join();
        const vitals = await import(${module});
        const functions = Object.values(vitals).filter((value) => typeof value === 'function');
        for (const on of functions) on(() => console.log('reported'), { reportAllChanges: true });
        console.log(functions.length, Object.keys(globalThis).join() === before);`;
      const output = execFileSync('node', ['--input-type=module', '--eval', script], { encoding: 'utf8', timeout: 20_000 });
      assert.equal(output, '6 true\n');
    });
  });
}
