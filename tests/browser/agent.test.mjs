// What the agent sees of a page besides its vitals: errors, actions, requests, long frames, time on page, measures.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hide, startBrowser } from './harness/browser.mjs';
import { startSite } from './harness/site.mjs';

const DIST = fileURLToPath(new URL('../../npm/dist/', import.meta.url));

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

const html = (options, body) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Agent</title>
    <script type="module">
      import * as sdk from '/beamline-rum/index.js';
      sdk.init({ key: 'test', ...${options} });
      window.sdk = sdk;
    </script>
  </head>
  <body><h1>Words</h1>${body}</body>
</html>`;

/** A page on which the core runs. */
async function open(t, { options = '{}', body = '', path = '/', ...site } = {}) {
  const started = await startSite(t, { pages: { '/': html(options, body) }, folders: { '/beamline-rum/': DIST }, ...site });
  const page = await browser.openFreshPage();
  await page.goto(started.url + path);
  await page.waitForFunction(() => window.sdk !== undefined);
  await page.evaluate(() => sdk.flush());
  await started.eventsOnce((events) => events.some(({ type }) => type === 'page_view'));
  return { site: started, page };
}

/** All events of a type, once the page is left. */
async function left({ site, page }, type) {
  await hide(page);
  const events = await site.eventsOnce((events) => events.some(({ type }) => type === 'page_leave'));
  return events.filter((event) => event.type === type);
}

const pick = (events, ...names) => events.map((event) => names.map((name) => event[name]));
const text = (answer, status = 200) => (_, response) => void response.writeHead(status, { 'content-type': 'text/plain' }).end(answer);

test('requests are told with status, timing and failure, and same-origin ones carry a trace', async (t) => {
  const seen = [];
  const note = (answer) => (request, response) => {
    seen.push([request.url, request.headers.traceparent]);
    answer(request, response);
  };
  const elsewhere = await startSite(t, { routes: { '/other': (request, response) => {
    seen.push([request.url, request.headers.traceparent]);
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end('x');
  } } });
  const opened = await open(t, {
    routes: { '/ok': note(text('fine')), '/missing': note(text('no', 404)), '/xhr': note(text('fine', 201)), '/cut': (request) => request.socket.destroy(), '/slow': () => {} },
  });
  const { page } = opened;
  await page.evaluate(async (other) => {
    const given = new Request('/ok?token=secret', { headers: { 'x-own': '1' } });
    await (await fetch(given)).text();
    await (await fetch('/missing', { method: 'post', body: 'b' })).text();
    await fetch('/cut').catch(() => {});
    const control = new AbortController();
    const slow = fetch('/slow', { signal: control.signal }).catch(() => {});
    control.abort();
    await slow;
    await (await fetch(other)).text();
    await new Promise((resolve) => {
      const xhr = new XMLHttpRequest();
      xhr.open('put', '/xhr');
      xhr.onloadend = resolve;
      xhr.send('b');
    });
    await new Promise((resolve) => Object.assign(new Image(), { onerror: resolve, src: '/none.png' }));
  }, `${elsewhere.url}/other`);
  const requests = await left(opened, 'request');
  const path = ({ url }) => new URL(url).pathname;
  const told = Object.fromEntries(requests.map((request) => [path(request), request]));
  assert.deepEqual(
    requests.map((request) => [path(request), request.initiator, request.method, request.status, request.failure]).sort(),
    [
      ['/cut', 'fetch', 'GET', undefined, 'network'],
      ['/missing', 'fetch', 'POST', 404, undefined],
      ['/none.png', 'img', undefined, 404, undefined],
      ['/ok', 'fetch', 'GET', 200, undefined],
      ['/other', 'fetch', 'GET', 200, undefined],
      ['/slow', 'fetch', 'GET', undefined, 'abort'],
      ['/xhr', 'xmlhttprequest', 'PUT', 201, undefined],
    ],
  );
  assert.ok(!JSON.stringify(requests).includes('secret'));
  assert.ok(requests.every(({ duration_ms, at_ms }) => duration_ms >= 0 && at_ms > 1.6e12));
  assert.ok(told['/ok'].ttfb_ms > 0 && told['/ok'].transfer_bytes > 4 && told['/ok'].decoded_bytes === 4);

  const traces = Object.fromEntries(seen.map(([url, header]) => [url.split('?')[0], header]));
  for (const name of ['/ok', '/missing', '/xhr']) {
    assert.match(traces[name], /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/, name);
    assert.equal(traces[name].split('-')[1], told[name].trace_id, name);
  }
  assert.equal(traces['/other'], undefined, 'other origins only when they are named');
  assert.deepEqual((await page.troubles()).errors, []);
});

test('a request keeps all that the caller gave it, and its own trace', async (t) => {
  const seen = [];
  const { page } = await open(t, {
    routes: {
      async '/echo'(request, response) {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const { 'x-own': own, traceparent, 'content-type': type } = request.headers;
        seen.push({ method: request.method, own, traceparent, type, body: Buffer.concat(chunks).toString() });
        response.end('x');
      },
    },
  });
  const given = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
  await page.evaluate(async (given) => {
    class Init { get method() { return 'POST'; } get body() { return 'inherited'; } }
    await fetch('/echo', new Init());
    await fetch(new Request('/echo', { method: 'PATCH', body: 'stream', headers: { 'x-own': '1', 'content-type': 'text/x' } }));
    await fetch('/echo', { headers: [['traceparent', given]] });
    const xhr = new XMLHttpRequest();
    xhr.open('GET', '/echo', false);
    xhr.setRequestHeader('traceparent', given);
    xhr.send();
  }, given);
  assert.deepEqual(seen.map(({ method, own, body }) => [method, own, body]), [
    ['POST', undefined, 'inherited'], ['PATCH', '1', 'stream'], ['GET', undefined, ''], ['GET', undefined, ''],
  ]);
  assert.equal(seen[1].type, 'text/x');
  assert.deepEqual(seen.slice(2).map(({ traceparent }) => traceparent), [given, given]);
});

test('errors tell their causes, what came before them and what caused them, and repeat as a count', async (t) => {
  const opened = await open(t, { options: '{ consoleErrors: true }', body: '<button aria-label="Pay now">Pay</button><script>window.fail = () => { throw new TypeError("again"); };</script>' });
  const { page } = opened;
  await page.evaluate(() => {
    document.querySelector('button').onclick = () => {
      sdk.trackError(new Error('outer', { cause: new RangeError('inner', { cause: 'plain words' }) }));
      sdk.trackError(new AggregateError([new Error('first'), new Error('second')], 'several'));
    };
  });
  await page.click('button');
  await page.evaluate(async () => {
    for (let i = 0; i < 5; i++) setTimeout(() => window.fail());
    await new Promise((resolve) => setTimeout(resolve));
    console.error('it', new Error('said'));
    await new Promise((resolve) => Object.assign(new Image(), { onerror: resolve, src: '/none.png?token=secret' }));
    const script = Object.assign(document.createElement('script'), { src: '/none.js' });
    document.head.append(script);
    await new Promise((resolve) => (script.onerror = resolve));
  });
  const errors = await left(opened, 'error');
  const of = (message) => errors.filter((error) => error.message === message);
  const [outer] = of('outer');
  assert.match(outer.stack, /outer[^]*Caused by: RangeError: inner[^]*Caused by: plain words/);
  assert.match(of('several')[0].stack, /Caused by: Error: first[^]*Caused by: Error: second/);
  assert.deepEqual(pick(of('again'), 'source', 'count').sort(), [['uncaught', undefined], ['uncaught', 4]], 'in two beacons, whichever came first');
  assert.deepEqual(pick(of('it said'), 'source', 'name'), [['console', 'Error']]);
  assert.deepEqual(
    errors.filter(({ source }) => source === 'resource').map(({ message, file }) => [message, new URL(file).pathname + new URL(file).search]),
    [['script could not be loaded', '/none.js']],
    'an image that was never in the page tells nobody',
  );
  assert.ok(outer.breadcrumbs.some(({ kind, text }) => kind === 'click' && text === 'click Pay now'), JSON.stringify(outer.breadcrumbs));
  const [click] = opened.site.events().filter(({ action }) => action === 'click');
  assert.equal(outer.action, click.id);
  assert.equal((await page.troubles()).errors.length, 5, "the page's own");
});

test('what the browser reports of the page is told', async (t) => {
  const opened = await open(t, {
    headers: { 'content-security-policy': "default-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; img-src 'none'" },
  });
  await opened.page.evaluate(() => new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation', resolve);
    new Image().src = '/a.png?token=secret';
  }));
  const errors = await left(opened, 'error');
  const [violation] = errors.filter(({ source }) => source === 'csp');
  assert.equal(violation.name, 'img-src');
  assert.match(violation.message, /^img-src refused http.*a\.png$/);
});

test('clicks have the name that the user sees, never what he wrote; rage, dead ends and sent forms are told', async (t) => {
  const body = `<form><label>Mail <input id="mail" value="secret"></label><button id="send">Send it</button></form>
    <button id="dead">Nothing</button><button id="alive">Something</button><p id="text">Words</p>`;
  const opened = await open(t, { body });
  const { page } = opened;
  await page.evaluate(() => {
    document.querySelector('form').onsubmit = (event) => event.preventDefault();
    document.querySelector('#alive').onclick = () => document.body.append('more');
  });
  await page.click('#mail');
  await page.click('#send');
  await page.click('#text', { count: 3, delay: 10 });
  await page.click('#alive');
  await page.click('#dead');
  await page.evaluate(() => sdk.flush());
  await opened.site.eventsOnce((events) => events.some(({ action }) => action === 'click'));
  await opened.site.eventsOnce((events) => events.some(({ action }) => action === 'dead_click'));
  const actions = await left(opened, 'action');
  const told = pick(actions, 'action', 'target', 'label');
  assert.deepEqual(told.filter(([action]) => action === 'click').map(([, target, label]) => [target, label]), [
    ['#mail', 'Mail'], ['#send', 'Send it'], ['#text', undefined], ['#text', undefined], ['#text', undefined], ['#alive', 'Something'], ['#dead', 'Nothing'],
  ]);
  assert.deepEqual(told.filter(([action]) => action !== 'click').sort(), [
    ['dead_click', '#dead', 'Nothing'], ['rage_click', '#text', undefined], ['submit', 'html>body>form', undefined],
  ]);
  assert.ok(!JSON.stringify(actions).includes('secret'));
  assert.equal(new Set(actions.map(({ id }) => id)).size, actions.length);
});

test('measures, the user, variants and own facts are told, and a reset forgets the user', async (t) => {
  const opened = await open(t);
  await opened.page.evaluate(async () => {
    sdk.setUser({ id: '471100001234567', tenant: 'acme' });
    sdk.setFlags({ checkout: 'b' });
    sdk.setAttributes({ plan: 'pro', gone: 1 });
    sdk.setAttributes({ gone: undefined });
    sdk.track('order_value', 129.5, { currency: 'EUR' });
    sdk.track('broken', NaN);
    const done = sdk.time('search');
    await new Promise((resolve) => setTimeout(resolve, 30));
    done({ index: 'products' });
    sdk.flush();
    sdk.reset();
    sdk.track('later', 1);
    sdk.flush();
  });
  await opened.site.eventsOnce((events) => events.some(({ name }) => name === 'later'));
  const of = (name) => opened.site.beacons.find(({ body }) => body.events.some((event) => event.name === name)).body;
  const [order, search] = of('search').events.filter(({ type }) => type === 'measure');
  assert.deepEqual([order.name, order.value, order.attributes], ['order_value', 129.5, { currency: 'EUR' }]);
  assert.ok(search.value >= 29 && search.unit === 'ms' && search.attributes.index === 'products', JSON.stringify(search));
  assert.deepEqual(of('search').attributes, { 'user.id': '471100001234567', 'user.tenant': 'acme', 'flag.checkout': 'b', plan: 'pro' });
  assert.deepEqual(of('later').attributes, { 'flag.checkout': 'b', plan: 'pro' });
  assert.notEqual(of('later').session.id, of('search').session.id);
  assert.ok(!opened.site.events().some(({ name }) => name === 'broken'));
});

test('each view that is left tells how long it was seen and how far down', async (t) => {
  const opened = await open(t, { body: '<div style="height: 4000px">tall</div>' });
  const { page } = opened;
  await page.evaluate(() => scrollTo(0, 1500));
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 400)));
  await page.evaluate(() => history.pushState({}, '', '/second'));
  const [first, second] = await left(opened, 'page_leave');
  assert.ok(first.scroll_ratio > 0.4 && first.scroll_ratio < 0.8, String(first.scroll_ratio));
  assert.ok(first.visible_ms >= 400 && first.total_ms >= first.visible_ms);
  assert.ok(second.total_ms < first.total_ms);
});

test('a long frame is told with the script that ran longest in it', async (t) => {
  const opened = await open(t, { body: '<button>Work</button><script>document.querySelector("button").onclick = function work() { const end = performance.now() + 300; while (performance.now() < end); };</script>' });
  await opened.page.click('button');
  await opened.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50))));
  const frames = await left(opened, 'long_frame');
  const longest = frames.sort((a, b) => b.duration_ms - a.duration_ms)[0];
  assert.ok(longest.duration_ms >= 290 && longest.script_ms >= 290 && longest.blocking_ms > 0, JSON.stringify(frames));
  assert.match(longest.script_invoker, /onclick/);
});

test('beforeSend sees every event, may change and drop it, and drops what it fails at', async (t) => {
  const options = `{ beforeSend: (event) => {
    if (event.action === 'drop') return null;
    if (event.action === 'fail') throw new Error('no');
    if (event.action === 'change') event.category = 'changed';
    return event;
  } }`;
  const opened = await open(t, { options });
  await opened.page.evaluate(() => ['drop', 'fail', 'change', 'keep'].forEach((action) => sdk.trackUserAction(action, 'own')));
  assert.deepEqual(pick(await left(opened, 'action'), 'action', 'category'), [['change', 'changed'], ['keep', 'own']]);
  assert.deepEqual((await opened.page.troubles()).errors, []);
});

test('after a shutdown the page has its own functions back and nothing more is sent', async (t) => {
  const opened = await open(t, { routes: { '/ok': text('fine') } });
  const isNative = await opened.page.evaluate(async () => {
    sdk.shutdown();
    await fetch('/ok');
    return [fetch, XMLHttpRequest.prototype.open, XMLHttpRequest.prototype.send].map((own) => /\[native code\]/.test(Function.prototype.toString.call(own)));
  });
  assert.deepEqual(isNative, [true, true, true]);
  assert.deepEqual(await left(opened, 'request'), []);
});

test('a session outside the sample is sent when something goes wrong in it, also on the next page', async (t) => {
  const site = await startSite(t, { pages: { '/': html('{ sampleRate: 0 }', ''), '/next': html('{ sampleRate: 0 }', '') }, folders: { '/beamline-rum/': DIST } });
  const page = await browser.openFreshPage();
  await page.goto(site.url);
  await page.waitForFunction(() => window.__beamlinePage?.sink);
  await page.evaluate(() => {
    sdk.trackUserAction('before');
    sdk.flush();
  });
  await page.evaluate(() => fetch('/').then((response) => response.text()));
  assert.deepEqual(site.events(), [], 'nothing went wrong yet');
  await page.evaluate(() => {
    sdk.trackError(new Error('broken'));
    sdk.trackUserAction('after');
  });
  await page.goto(site.url + '/next');
  // A beacon that was not answered when the page was left comes twice.
  const told = (type, name) => [...new Set(pick(site.events().filter((event) => event.type === type), name).flat())].sort();
  await site.eventsOnce(() => told('page_view', 'at_ms').length === 2 && told('error', 'message').length === 1 && told('action', 'action').length === 2);
  assert.deepEqual([told('action', 'action'), told('error', 'message')], [['after', 'before'], ['broken']]);
  assert.deepEqual([...new Set(site.beacons.map(({ body }) => body.session.sample_rate))], [0]);
});
