// One visit in each engine, from the page into ClickHouse: every event is a row, once, under the tables' own columns.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from './harness/engines.mjs';
import { startService } from './harness/service.mjs';
import { startSite } from './harness/site.mjs';

const DIST = fileURLToPath(new URL('../../npm/dist/', import.meta.url));
const ENGINES = ['chromium', 'firefox', 'webkit'];

let service;
before(async () => (service = await startService(ENGINES)));
after(() => service.close());

const html = (key) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Visit</title>
    <script type="module">
      import * as sdk from '/beamline-rum/index.js';
      sdk.init({ key: '${key}', endpoint: '${service.endpoint}', release: '4.2.0' });
      window.sdk = sdk;
    </script>
  </head>
  <body><h1>Words that are painted</h1><button>Buy it</button></body>
</html>`;

const answer = (status) => (_, response) => void response.writeHead(status, { 'content-type': 'text/plain' }).end('answer');

for (const name of ENGINES) {
  test(`a visit in ${name} is in ClickHouse, each event once`, async (t) => {
    const engine = await startEngine(name);
    t.after(() => engine.close());
    const site = await startSite(t, {
      pages: { '/': html(name), '/next': html(name) },
      routes: { '/api/cart': answer(200), '/api/order': answer(503) },
      folders: { '/beamline-rum/': DIST },
    });
    const tab = await engine.openTab();
    await tab.goto(site.url);
    await tab.until(() => typeof window.__beamlinePage?.sink === 'function');
    await tab.evaluate(() => {
      sdk.setUser({ id: 'u-7', tenant: 'acme' });
      sdk.setFlags({ checkout: 'b' });
      document.querySelector('button').onclick = () => {
        sdk.trackError(new RangeError('sold out', { cause: new Error('stock is 0') }), { lamp: 'comet' });
        fetch('/api/order', { method: 'POST', body: 'b' });
      };
    });
    await tab.evaluate(() => fetch('/api/cart').then((response) => response.text()));
    await tab.click('button');
    await tab.evaluate(() => {
      sdk.trackUserAction('add_to_cart', 'shop', 2);
      sdk.track('order_value', 129.5, { currency: 'EUR' }, 'EUR');
      history.pushState({}, '', '/lamp/7');
      sdk.trackPageView('lamp');
      for (let i = 0; i < 3; i++) sdk.trackError('again');
    });
    await tab.leave('/next');
    await tab.until(() => typeof window.__beamlinePage?.sink === 'function');
    await tab.evaluate(() => sdk.trackUserAction('last'));
    await tab.leave('/plain');

    const of = `FROM events WHERE project_id = '${name}'`;
    await service.rowsOnce(`SELECT name ${of} AND kind = 'action'`, (rows) => rows.some((row) => row.name === 'last'));
    const tally = await service.ask(`SELECT toString(kind) AS kind, name, toUInt32(count()) AS n, toUInt32(uniqExact(event_id)) AS events ${of}
      AND kind IN ('page_view', 'action', 'measure') GROUP BY kind, name ORDER BY kind, name`);
    const view = (kind, name, n) => ({ kind, name, n, events: n });
    assert.deepEqual(tally.filter(({ name }) => !/_click$/.test(name)), [
      view('action', 'add_to_cart', 1), view('action', 'click', 1), view('action', 'last', 1), view('measure', 'order_value', 1), view('page_view', '', 3),
    ]);

    const requests = await service.ask(`SELECT method, path(resource_url) AS path, status, toString(failure) AS failure, initiator, length(trace_id) AS trace,
      action_id IN (SELECT action_id ${of} AND name = 'click') AS of_click ${of} AND kind = 'request' AND path LIKE '/api/%' ORDER BY path`);
    assert.deepEqual(requests.map(({ trace, status, of_click, ...rest }) => ({ ...rest, status: Number(status), trace: Number(trace), of_click: Number(of_click) })), [
      { method: 'GET', path: '/api/cart', failure: '', initiator: 'fetch', status: 200, trace: 32, of_click: 0 },
      { method: 'POST', path: '/api/order', failure: '', initiator: 'fetch', status: 503, trace: 32, of_click: 1 },
    ]);

    const errors = await service.rowsOnce(`SELECT toString(source) AS source, name, message, toUInt32(sum(count)) AS n, any(attributes) AS attributes,
      any(position(stack, 'Caused by: ') > 0) AS caused, any(length(breadcrumbs.text)) AS crumbs FROM errors WHERE project_id = '${name}' AND source = 'api'
      GROUP BY source, name, message ORDER BY message`, (rows) => rows.length === 2 && rows.every(({ n, message }) => Number(n) >= (message === 'again' ? 3 : 1)));
    assert.deepEqual(errors.map(({ message, n, caused }) => [message, Number(n), Number(caused)]), [['again', 3, 0], ['sold out', 1, 1]]);
    const { attributes, crumbs } = errors[1];
    assert.deepEqual(attributes, { lamp: 'comet', 'user.id': 'u-7', 'user.tenant': 'acme', 'flag.checkout': 'b' });
    assert.ok(Number(crumbs) >= 1, 'the click at least');

    const [{ views, seen }] = await service.ask(`SELECT toUInt32(uniqExact(view_id)) AS views, countIf(visible_ms > 0) > 0 AS seen ${of} AND kind = 'page_leave'`);
    assert.deepEqual([Number(views), Boolean(Number(seen))], [3, true]);
    const [{ vitals, ids }] = await service.ask(`SELECT toUInt32(countIf(prev_rating = '')) AS vitals, toUInt32(uniqExact(view_id, metric, metric_id)) AS ids ${of} AND kind = 'vital'`);
    assert.ok(Number(vitals) >= 4 && Number(vitals) === Number(ids), `${vitals} first reports of ${ids} vitals`);
  });
}
