// Records real entries of Chromium with what web-vitals makes of them: `node record-vitals.mjs`.
//
// The result, tests/fixtures/vitals/chromium.json, is replayed natively by rum-sdk/tests/recorded.rs. It needs a new recording only when
// the reference, or what is recorded, changes. Times are as the browser gave them, to the last bit.

import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { hide, startBrowser } from './harness/browser.mjs';
import { installRecorder } from './record-vitals/recorder.js';
import { VISITS } from './record-vitals/visits.mjs';

const FIXTURE = new URL('../fixtures/vitals/chromium.json', import.meta.url);
const SCRIPTS = {
  '/web-vitals.js': 'node_modules/web-vitals/dist/web-vitals.attribution.iife.js',
  '/web-vitals-4.js': 'node_modules/web-vitals-4/dist/web-vitals.iife.js',
};

const document = ({ body, reference = {} }) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Recorded</title>
    <style>.late { height: 120px } input, button { display: block; height: 40px }</style>
    <script src="/web-vitals-4.js"></script>
    <script>const { onFID } = webVitals;</script>
    <script src="/web-vitals.js"></script>
    <script>(${installRecorder})(webVitals, onFID, ${JSON.stringify(reference)});</script>
    <script>
      const block = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
      const idle = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => requestIdleCallback(resolve), 50))));
    </script>
  </head>
  <body>${body}</body>
</html>`;

/** An uncompressed picture of noise, which Chromium takes for content. */
function picture(width, height) {
  const file = Buffer.alloc(54 + width * height * 3);
  file.write('BM');
  for (const [at, value] of [[2, file.length], [10, 54], [14, 40], [18, width], [22, height]]) file.writeUInt32LE(value, at);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let at = 54, random = 7; at < file.length; at += 1) {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    file[at] = random >>> 24;
  }
  return file;
}

async function startSite() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site');
    const answer = (type, body) => response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=60' }).end(body);
    const visit = VISITS.find(({ name }) => pathname === `/${name}`);
    if (visit) answer('text/html; charset=utf-8', document(visit));
    else if (pathname in SCRIPTS) answer('text/javascript; charset=utf-8', await readFile(new URL(SCRIPTS[pathname], import.meta.url)));
    else if (pathname === '/picture.bmp') answer('image/bmp', picture(300, 200));
    else response.writeHead(204).end();
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) };
}

const site = await startSite();
const { browser, openFreshPage, close } = await startBrowser();
try {
  const visits = [];
  for (const { name, act } of VISITS) {
    const page = await openFreshPage();
    await page.goto(`${site.url}/${name}`);
    await page.evaluate(() => idle());
    await act(page);
    await page.evaluate(() => idle());
    await hide(page);
    const recorded = await page.evaluate(() => window.recorded());
    const { errors, console: lines } = await page.troubles();
    if (errors.length + lines.length > 0) throw new Error(`${name}: ${[...errors, ...lines].join('; ')}`);
    visits.push({ name, ...recorded });
    await page.browserContext().close();
  }
  const { version } = JSON.parse(await readFile(new URL('node_modules/web-vitals/package.json', import.meta.url)));
  const lines = visits.map((visit) => JSON.stringify(visit));
  const head = `{"browser":${JSON.stringify(await browser.version())},"reference":"web-vitals ${version}","visits":[`;
  // The address of the site is of no interest, and another one each time.
  await writeFile(FIXTURE, `${head}\n${lines.join(',\n')}\n]}\n`.replaceAll(site.url, 'http://site'));
} finally {
  await close();
  site.close();
}
