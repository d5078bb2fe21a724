// Where WebAssembly may not run, or is not the one the script was made for: what the page is measured with instead.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from './harness/engines.mjs';
import { startSite } from './harness/site.mjs';

const DIST = fileURLToPath(new URL('../../npm/dist/', import.meta.url));
const REPORTS = '/reports';

const page = () => `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Fallback</title><script type="module" src="/page.js"></script></head>
  <body><h1>Words</h1><button>Act</button></body>
</html>`;
const script = (options, entry) => `
  import * as sdk from '/beamline-rum/${entry}';
  sdk.init(${JSON.stringify({ key: 'test', ...options })});
  window.sdk = sdk;
  document.querySelector('button').onclick = () => {
    const end = performance.now() + 120;
    while (performance.now() < end);
    sdk.trackUserAction('act', 'test', 1.5);
    setTimeout(() => { throw new TypeError('thrown'); });
  };`;

/** A site under the policy `scripts` for scripts, and `others`, which takes the reports of its violations too. */
async function start(t, { scripts = "'self'", others = "require-trusted-types-for 'script'", options = {}, entry = 'index.js', ...site } = {}) {
  const reports = [];
  const started = await startSite(t, {
    pages: { '/': page() },
    folders: { '/beamline-rum/': DIST },
    ...site,
    headers: { 'content-security-policy': `script-src ${scripts}; ${others}; report-uri ${REPORTS}` },
    routes: {
      '/page.js': (request, response) => void response.writeHead(200, { 'content-type': 'text/javascript' }).end(script(options, entry)),
      [REPORTS]: async (request, response) => {
        for await (const chunk of request) reports.push(String(chunk));
        response.writeHead(204).end();
      },
      ...site.routes,
    },
  });
  return { ...started, reports };
}

/** The core stores the session with its first beacon; the stub only when the page is hidden. */
async function coreRuns(tab) {
  await tab.until(() => window.sdk !== undefined);
  await tab.evaluate(() => sdk.flush());
  await tab.until(() => localStorage.getItem('beamline') !== null);
}

const kindOf = ({ type, metric, source, action }) => [type, metric ?? source ?? action].join(' ').trim();
/** What is of the page and its user, and not of how slow the browser was or of the policy's own violation. */
const isExpected = ({ type, source }) => ['page_view', 'vital', 'error', 'action'].includes(type) && source !== 'csp';
/** What there is, each once, however often a vital was corrected. */
const kinds = (events) => [...new Set(events.filter(isExpected).map(kindOf))].sort();
const failures = (events) => events.filter(({ name }) => name === 'BeamlineError');

/** One visit in `tab`; resolves with the kinds of events it sent, which are `wanted` if given. */
async function visit(site, tab, wanted = ['page_view', 'vital TTFB', 'vital INP', 'error uncaught', 'action act', 'action click']) {
  await tab.goto(site.url);
  await coreRuns(tab);
  await tab.click('button');
  await tab.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  await tab.hide();
  const timesEvents = await tab.evaluate(() => PerformanceObserver.supportedEntryTypes.includes('event'));
  const due = wanted.filter((kind) => kind !== 'vital INP' || timesEvents);
  const events = await site.eventsOnce((events) => due.every((kind) => kinds(events).includes(kind)));
  assert.deepEqual(failures(events), []);
  return kinds(events);
}

for (const name of ['chromium', 'firefox', 'webkit']) {
  test(`in ${name}, a policy that refuses WebAssembly changes nothing of what is sent, and reports once in a session`, async (t) => {
    const engine = await startEngine(name);
    t.after(() => engine.close());
    const allowed = await start(t, { scripts: "'self' 'wasm-unsafe-eval'" });
    const tab = await engine.openTab();
    const wanted = await visit(allowed, tab);
    assert.ok(allowed.requests.includes('/beamline-rum/rum.wasm'));
    assert.ok(!allowed.requests.includes('/beamline-rum/wasm2js.js'));
    await tab.dispose();

    const refused = await start(t);
    const strict = await engine.openTab();
    assert.deepEqual(await visit(refused, strict, wanted), wanted);
    assert.ok(refused.requests.includes('/beamline-rum/wasm2js.js'));
    assert.ok(!refused.requests.includes('/beamline-rum/inlined.js'), 'a second copy would be refused, and reported, too');

    await strict.show();
    await strict.goto(refused.url);
    await coreRuns(strict);
    assert.equal(refused.requests.filter((path) => path === '/beamline-rum/rum.wasm').length, 1);
    // WebKit refuses without a report.
    assert.equal(refused.reports.length, name === 'webkit' ? 0 : 1, refused.reports.join());
    await strict.dispose();
    assert.deepEqual(allowed.reports, []);
  });
}

let chromium;
before(async () => (chromium = await startEngine('chromium')));
after(() => chromium.close());

for (const [what, { reports = 0, ...options }] of Object.entries({
  'with `engine: "js"`': { options: { engine: 'js' } },
  'from the entry without WebAssembly': { entry: 'plain.js' },
  'from the entry in one file': { entry: 'sync.js', reports: 1 },
  'from the entry for other tools': { entry: 'index.inline.js', reports: 1 },
})) {
  test(`a strict policy is ${reports ? 'reported once' : 'not violated'} ${what}`, async (t) => {
    const site = await start(t, options);
    const tab = await chromium.openTab();
    await visit(site, tab);
    assert.equal(site.reports.length, reports, site.reports.join());
    assert.ok(!site.requests.includes('/beamline-rum/rum.wasm'));
  });
}

test('that WebAssembly is refused is not remembered before the user agrees, nor after agreement is withdrawn', async (t) => {
  const stored = () => [...Object.keys(localStorage), ...Object.keys(sessionStorage)];
  for (const [consent, remembered] of Object.entries({ pending: [], granted: ['beamline-js'] })) {
    const site = await start(t, { options: { consent } });
    const tab = await chromium.openTab();
    await tab.goto(site.url);
    await tab.until(() => window.__beamlinePage?.sink !== undefined);
    assert.deepEqual((await tab.evaluate(stored)).filter((key) => key !== 'beamline'), remembered, consent);
    await tab.evaluate(() => sdk.setConsent('denied'));
    assert.deepEqual(await tab.evaluate(stored), [], `${consent}, then denied`);
    await tab.dispose();
  }
});

test('with `engine: "wasm"`, what the stub saw is sent where WebAssembly is refused', async (t) => {
  const site = await start(t, { options: { engine: 'wasm' } });
  const tab = await chromium.openTab();
  await tab.goto(site.url);
  await tab.until(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('rum.wasm')));
  await tab.click('button');
  await tab.hide();
  const events = await site.eventsOnce((events) => failures(events).length > 0);
  assert.equal(failures(events).length, 1);
  assert.deepEqual(kinds(events), ['action act', 'action click', 'error uncaught', 'page_view']);
  assert.ok(!site.requests.includes('/beamline-rum/wasm2js.js'));
});

test('a browser without WebAssembly is measured all the same', async (t) => {
  const site = await start(t, { pages: { '/': page().replace('<script', '<script>delete globalThis.WebAssembly</script><script') }, scripts: "'self' 'unsafe-inline'" });
  await visit(site, await chromium.openTab());
  assert.ok(!site.requests.includes('/beamline-rum/rum.wasm'));
});

test('under a policy that lets only beacons out, the copy in the script is used', async (t) => {
  const site = await start(t, { scripts: "'self' 'wasm-unsafe-eval'", others: 'connect-src http://127.0.0.1:*/api/' });
  await visit(site, await chromium.openTab());
  assert.ok(!site.requests.includes('/beamline-rum/rum.wasm'));
  assert.ok(site.requests.includes('/beamline-rum/inlined.js'));
  assert.equal(site.reports.length, 1, site.reports.join());
});

test('a module of another build, as a cache may keep it, is not linked; the copy in the script is', async (t) => {
  const bytes = readFileSync(`${DIST}rum.wasm`);
  const [{ module }] = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  const stale = Buffer.from(bytes.toString('latin1').replaceAll(module, [...module].reverse().join('')), 'latin1');
  assert.ok(WebAssembly.validate(stale) && !stale.equals(bytes));
  const site = await start(t, {
    scripts: "'self' 'wasm-unsafe-eval'",
    routes: { '/beamline-rum/rum.wasm': (request, response) => void response.writeHead(200, { 'content-type': 'application/wasm' }).end(stale) },
  });
  await visit(site, await chromium.openTab());
  assert.ok(site.requests.includes('/beamline-rum/inlined.js'));
  assert.ok(!site.requests.includes('/beamline-rum/wasm2js.js'));
});

for (const [what, answer] of Object.entries({
  'is not there': (response) => response.writeHead(404).end(),
  'is served as something else': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'),
  'is cut off': (response) => response.writeHead(200, { 'content-type': 'application/wasm' }).end(readFileSync(`${DIST}rum.wasm`).subarray(0, 999)),
})) {
  test(`a page whose module ${what} is measured all the same`, async (t) => {
    const site = await start(t, {
      scripts: "'self' 'wasm-unsafe-eval'",
      routes: { '/beamline-rum/rum.wasm': (request, response) => void answer(response) },
    });
    await visit(site, await chromium.openTab());
  });
}
