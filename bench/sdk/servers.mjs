// The page and the collector, on the loopback address. To the browser they are two origins of their own.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const MEDIA_TYPES = { js: 'text/javascript', wasm: 'application/wasm' };

/** What the browser calls the two; `*.localhost` is trusted as if it had TLS. */
export const PAGE = 'http://shop.localhost/';
export const COLLECTOR = 'http://collector.localhost/';

async function listen(handle) {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    handle(request, response).catch((error) => response.destroy(error));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    server,
    port: server.address().port,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

/** Serves the page with the agent whose bundle is in `state.folder`. `state.fetched` are the agent's files that were asked for. */
export async function startPage() {
  const page = await readFile(join(here, 'page.html'), 'utf8');
  const state = { folder: '', isModule: true, cacheControl: 'no-cache', fetched: [] };
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 16"><rect width="40" height="16" fill="#c60"/></svg>';
  const { port, close } = await listen(async (request, response) => {
    const { pathname } = new URL(request.url, PAGE);
    const answer = (type, body, cacheControl = 'no-cache') => response.writeHead(200, { 'content-type': type, 'cache-control': cacheControl }).end(body);
    if (pathname.startsWith('/agent/')) {
      const name = pathname.slice('/agent/'.length);
      if (/[^\w.-]/.test(name)) return void response.writeHead(404).end();
      state.fetched.push(name);
      const text = await readFile(join(state.folder, name)).catch(() => undefined);
      if (!text) return void response.writeHead(404).end();
      return void answer(MEDIA_TYPES[name.split('.').pop()] ?? 'application/octet-stream', name === 'entry.js' ? timed(text) : text);
    }
    if (pathname === '/other') return void answer('text/html', '<!doctype html><title>Other</title><p>Another page.');
    if (pathname === '/stock.json') return void answer('application/json', '{"left":3}');
    if (pathname.endsWith('.svg')) return void answer('image/svg+xml', svg);
    if (pathname === '/favicon.ico') return void response.writeHead(204).end();
    answer('text/html; charset=utf-8', page.replace('AGENT', state.isModule ? 'type="module"' : 'defer'), state.cacheControl);
  });
  return { port, close, state };
}

/** The entry between two looks at the clock: how long it takes until the page's next line may run. */
function timed(text) {
  return `self.agentTimes=[performance.now()];${text}\nself.agentTimes.push(performance.now());`;
}

const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** Takes whatever agents send, answers what they hope for, and keeps it. */
export async function startCollector() {
  const requests = [];
  const sockets = new Map();
  const { server, port, close } = await listen(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { pathname, search } = new URL(request.url, COLLECTOR);
    requests.push({ method: request.method, path: pathname, query: search, bytes: body.length + search.length, text: `${readable(search)}\n${decoded(body, request.headers['content-encoding'] ?? search)}` });
    const headers = {
      'access-control-allow-origin': request.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '',
    };
    if (request.method === 'OPTIONS') return void response.writeHead(204, headers).end();
    if (request.headers['sec-fetch-dest'] === 'image') return void response.writeHead(200, { ...headers, 'content-type': 'image/gif' }).end(GIF);
    response.writeHead(request.method === 'POST' ? 202 : 200, { ...headers, 'content-type': 'application/json' }).end('{}');
  });
  server.on('connection', (socket) => {
    sockets.set(socket, 0);
    socket.once('close', () => sockets.has(socket) && sockets.set(socket, socket.bytesRead));
  });
  return {
    port,
    close,
    /** Starts over. */
    clear() {
      requests.length = 0;
      sockets.clear();
      server.closeAllConnections();
    },
    requests,
    /** Every byte that came in, headers included. */
    bytesRead: () => [...sockets].reduce((sum, [socket, closed]) => sum + (closed || socket.bytesRead), 0),
  };
}

function decoded(body, encoding) {
  if (/gzip/.test(encoding) || (body[0] === 0x1f && body[1] === 0x8b)) return gunzipSync(body).toString();
  if (/deflate/.test(encoding)) return inflateSync(body).toString();
  if (/\bbr\b/.test(encoding)) return brotliDecompressSync(body).toString();
  return readable(body.toString());
}

/** Without the escapes of addresses, where the text is such a one. */
function readable(text) {
  try {
    return /%[0-9a-f]{2}/i.test(text) ? decodeURIComponent(text.replaceAll('+', ' ')) : text;
  } catch {
    return text;
  }
}
