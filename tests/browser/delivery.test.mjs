// Every event arrives exactly once, whatever the service, the network, the storage and the user do; in all three engines.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from './harness/engines.mjs';
import { startSite } from './harness/site.mjs';

const DIST = fileURLToPath(new URL('../../npm/dist/', import.meta.url));

const html = (prepare = '') => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Delivery</title>
    <script>${prepare}</script>
    <script type="module">
      import * as sdk from '/beamline-rum/index.js';
      sdk.init({ key: 'test' });
      window.sdk = sdk;
    </script>
  </head>
  <body><h1>Words</h1></body>
</html>`;

/** What the service does to beacons while it is in trouble. */
const TROUBLES = {
  'answers 503': { status: 503 },
  'answers 429': { status: 429, headers: { 'retry-after': '1' } },
  'hangs': { status: 503, way: 'hang' },
  'cuts connections': { status: 503, way: 'reset' },
  'takes them and cuts connections': { status: 202, way: 'reset' },
};

const WELL = { status: 202 };

for (const name of ['chromium', 'firefox', 'webkit']) {
  test(`exactly once: ${name}`, async (t) => {
    const engine = await startEngine(name);
    t.after(() => engine.close());

    async function open(t, { prepare, ...options } = {}) {
      const service = { treatment: WELL };
      const site = await startSite(t, {
        pages: { '/': html(prepare), '/next': html(prepare), '/plain': '<!doctype html><title>Plain</title>' },
        folders: { '/beamline-rum/': DIST },
        treatBeacon: () => service.treatment,
        ...options,
      });
      return { site, service };
    }

    async function visit(t, site, path = '/') {
      const tab = await engine.openTab();
      t.after(() => tab.dispose());
      await tab.goto(site.url + path);
      await running(tab);
      return tab;
    }

    /** The core has taken over once it answers a call with a beacon. */
    const running = async (tab) => {
      await tab.until(() => window.sdk !== undefined);
      await tab.until(() => typeof window.__beamlinePage.sink === 'function');
    };

    const act = (tab, ...actions) => tab.evaluate((actions) => actions.forEach((action) => sdk.trackUserAction(action)), actions);
    const flush = (tab) => tab.evaluate(() => sdk.flush());
    const actions = (site) => site.taken().filter(({ type }) => type === 'action').map(({ action }) => action).sort();
    const have = (site, ...wanted) => site.eventsOnce(() => wanted.every((action) => actions(site).includes(action)));
    const came = (site, action) => site.eventsOnce((events) => events.some((event) => event.action === action));
    /** Each view once, and no more beacons kept. */
    const settled = async (site, tab) => {
      await tab.until(() => { try { return !Object.keys(localStorage).some((key) => key.startsWith('beamline:')); } catch { return true; } });
      assert.equal(new Set(site.beacons.map(({ body }) => JSON.stringify([body.beacon_id, body.events]))).size, new Set(site.beacons.map(({ body }) => body.beacon_id)).size);
    };

    for (const [trouble, treatment] of Object.entries(TROUBLES)) {
      await t.test(`the service ${trouble}, and the user goes on to the next page`, async (t) => {
        const { site, service } = await open(t);
        const tab = await visit(t, site);
        service.treatment = treatment;
        await act(tab, 'a', 'b');
        await flush(tab);
        await came(site, 'b');
        await act(tab, 'c');
        await tab.leave('/plain');
        service.treatment = WELL;
        await tab.leave('/next');
        await running(tab);
        await act(tab, 'd');
        await flush(tab);
        await have(site, 'a', 'b', 'c', 'd');
        await settled(site, tab);
        assert.deepEqual(actions(site), ['a', 'b', 'c', 'd']);
      });
    }

    await t.test('a service that was busy is asked again by the same page', async (t) => {
      const { site, service } = await open(t);
      const tab = await visit(t, site);
      service.treatment = TROUBLES['answers 503'];
      await act(tab, 'a');
      await flush(tab);
      await came(site, 'a');
      service.treatment = WELL;
      await have(site, 'a');
      await act(tab, 'b');
      await flush(tab);
      await have(site, 'b');
      assert.deepEqual(actions(site), ['a', 'b']);
      assert.ok(site.beacons.at(-1).body.lost.retried >= 1);
    });

    await t.test('what the service refuses is given up, and the next beacon says so', async (t) => {
      const { site, service } = await open(t);
      const tab = await visit(t, site);
      service.treatment = { status: 400 };
      await act(tab, 'refused');
      await flush(tab);
      await came(site, 'refused');
      // The browser has read the answer once another one came.
      await tab.evaluate(() => fetch('/plain').then((response) => response.text()));
      service.treatment = WELL;
      await act(tab, 'b');
      await flush(tab);
      await have(site, 'b');
      assert.deepEqual(actions(site), ['b']);
      assert.ok(site.beacons.at(-1).body.lost.refused >= 1);
    });

    for (const wait of [0, 20, 100]) {
      await t.test(`the tab is closed ${wait} ms after the event`, async (t) => {
        const { site } = await open(t);
        const tab = await visit(t, site);
        await act(tab, 'last');
        await new Promise((resolve) => setTimeout(resolve, wait));
        await tab.close();
        // Also where the browser does not send what a closed tab asked for: the next page does.
        const next = await visit(t, site, '/next');
        await have(site, 'last');
        await settled(site, next);
        assert.deepEqual(actions(site), ['last']);
      });
    }

    // The driver of WebKit has one window at a time.
    if (name !== 'webkit') {
      await t.test('two tabs of a site that was down share what is left, and each event is told once', async (t) => {
        const { site, service } = await open(t);
        const [one, two] = [await visit(t, site), await visit(t, site)];
        service.treatment = TROUBLES['cuts connections'];
        await act(one, 'one');
        await act(two, 'two');
        await one.leave('/plain');
        await two.leave('/plain');
        service.treatment = WELL;
        await Promise.all([one.leave('/next'), two.leave('/next')]);
        await have(site, 'one', 'two');
        await running(one);
        await settled(site, one);
        assert.deepEqual(actions(site), ['one', 'two']);
      });
    }

    await t.test('a page comes back three times', async (t) => {
      const { site } = await open(t);
      const tab = await visit(t, site);
      await act(tab, '0');
      for (const round of ['1', '2', '3']) {
        await tab.leave('/plain');
        await tab.back();
        await running(tab);
        await act(tab, round);
      }
      await tab.leave('/plain');
      await tab.leave('/next');
      await have(site, '0', '1', '2', '3');
      await running(tab);
      await settled(site, tab);
      assert.deepEqual(actions(site), ['0', '1', '2', '3']);
    });

    await t.test('nothing may be stored', async (t) => {
      const prepare = "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get: () => { throw new DOMException('no', 'SecurityError'); } });";
      const { site } = await open(t, { prepare });
      const tab = await visit(t, site);
      await act(tab, 'a');
      await tab.leave('/plain');
      await have(site, 'a');
      assert.deepEqual(actions(site), ['a']);
    });

    await t.test('the storage is full', async (t) => {
      const { site, service } = await open(t);
      const tab = await visit(t, site);
      await tab.evaluate(() => {
        for (let size = 1 << 22; size >= 1; size >>= 1) {
          try {
            for (let i = 0; ; i++) localStorage.setItem(`own-${size}-${i}`, 'x'.repeat(size));
          } catch {}
        }
      });
      service.treatment = TROUBLES['answers 503'];
      await act(tab, 'a');
      await flush(tab);
      await came(site, 'a');
      service.treatment = WELL;
      await have(site, 'a');
      assert.deepEqual(actions(site), ['a']);
      await tab.evaluate(() => localStorage.clear());
    });
  });
}
