// A web site on the loopback address for one test: static files, a record of the beacons it was sent, and any trouble a test asks for.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Where the SDK posts its beacons, as in rum-protocol's `DEFAULT_PATH`. */
export const BEACON_PATH = '/api/v1/metrics/rum';

const MEDIA_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Starts a site on a free port; it is closed when the test `t` ends.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} options
 * @param {Record<string, string>} [options.folders] URL prefix (ending in `/`) to the folder it shows; the longest prefix wins.
 * @param {Record<string, string>} [options.pages] URL path to the HTML it answers.
 * @param {Record<string, (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse, url: URL) => unknown>}
 *   [options.routes] URL path to what answers it by itself.
 * @param {Record<string, string>} [options.headers] Headers of every answer, such as a content security policy.
 * @param {Record<string, Promise<unknown>>} [options.held] URL paths answered only once their promise is settled.
 * @param {number} [options.beaconStatus] What beacons are answered with; 202 unless given.
 * @param {() => { status?: number, headers?: Record<string, string>, way?: 'answer' | 'hang' | 'reset' }} [options.treatBeacon] Asked for each
 *   beacon: what it is answered with, or whether it is left waiting or its connection is cut. One that has a status below 300 is taken, also when the
 *   sender is not told.
 */
export async function startSite(t, { folders = {}, pages = {}, routes = {}, headers = {}, held = {}, beaconStatus = 202, treatBeacon } = {}) {
  const beacons = [];
  const requests = [];
  const watchers = new Set();
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);

  async function answer(request, response) {
    const url = new URL(request.url, 'http://site');
    requests.push(url.pathname);
    if (url.pathname === BEACON_PATH) return takeBeacon(request, response, url);
    // Browsers ask for it unasked, and complain on the console when it is not there.
    if (url.pathname === '/favicon.ico') return void response.writeHead(204).end();
    await held[url.pathname];
    if (url.pathname in routes) return routes[url.pathname](request, response, url);
    const found = await find(url.pathname);
    const type = found ? (MEDIA_TYPES[extname(found.name)] ?? 'application/octet-stream') : 'text/plain';
    response.writeHead(found ? 200 : 404, { 'content-type': type, ...headers });
    response.end(found?.body ?? 'not found');
  }

  async function find(path) {
    if (path in pages) return { name: 'page.html', body: pages[path] };
    const prefix = prefixes.find((candidate) => path.startsWith(candidate));
    if (prefix === undefined) return undefined;
    const inside = normalize(decodeURIComponent(path.slice(prefix.length))) || 'index.html';
    if (inside.startsWith('..') || inside.startsWith(sep)) return undefined;
    const name = inside === '.' || inside.endsWith(sep) ? join(inside, 'index.html') : inside;
    const body = await readFile(join(folders[prefix], name)).catch(() => undefined);
    return body && { name, body };
  }

  async function takeBeacon(request, response, url) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
    const { status = beaconStatus, headers, way = 'answer' } = (request.method === 'POST' && treatBeacon?.()) || {};
    if (request.method === 'POST') {
      beacons.push({ key: url.searchParams.get('key'), headers: request.headers, bytes: bytes.length, status, body: JSON.parse(text) });
    }
    if (way === 'answer') response.writeHead(status, { 'access-control-allow-origin': '*', ...headers }).end();
    if (way === 'reset') request.socket.destroy();
    if (request.method !== 'POST') return;
    for (const watch of watchers) watch();
  }

  // The SDK sends every five seconds, which is when Node would close an idle connection.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    answer(request, response).catch((error) => response.destroy(error));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });

  return {
    url: `http://127.0.0.1:${port}`,
    /** Every beacon so far, in the order of arrival: `{ key, headers, bytes, status, body }`. */
    beacons,
    /** The path of every request so far. */
    requests,
    /** What the service has by now: each beacon that it took once, however often it came. */
    taken() {
      const byId = new Map(beacons.filter(({ status }) => status < 300).map(({ body }) => [body.beacon_id, body]));
      return [...byId.values()].flatMap(({ events }) => events);
    },
    /** Every event so far, in the order of arrival. */
    events: () => beacons.flatMap(({ body }) => body.events),
    /** Resolves with the events once `enough(events)` holds; fails with what is there when it does not within `deadlineMs`. */
    eventsOnce(enough, deadlineMs = 20_000) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const events = this.events();
          if (!enough(events)) return;
          clearTimeout(timer);
          watchers.delete(check);
          resolve(events);
        };
        const timer = setTimeout(() => {
          watchers.delete(check);
          reject(new Error(`waited ${deadlineMs} ms for events; there are: ${JSON.stringify(this.events(), null, 1)}`));
        }, deadlineMs);
        watchers.add(check);
        check();
      });
    },
  };
}
