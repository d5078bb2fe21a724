// The site of one scenario: its pages, what they load, and what its documents have told before they were left.

import { fileURLToPath } from 'node:url';

import { startSite } from '../harness/site.mjs';
import { picture } from './media.mjs';
import { font } from './font.mjs';

const folder = (path) => fileURLToPath(new URL(`../../../${path}/`, import.meta.url));

const OURS = process.env.ORACLE_OURS === 'reference' ? 'reference' : 'npm/dist';

const FOLDERS = {
  '/oracle/': folder('tests/browser/oracle/page'),
  '/web-vitals/': folder('tests/browser/node_modules/web-vitals/dist'),
  '/web-vitals-4/': folder('tests/browser/node_modules/web-vitals-4/dist'),
  ...(OURS === 'reference'
    ? { '/copy/': folder('tests/browser/node_modules/web-vitals/dist'), '/copy-4/': folder('tests/browser/node_modules/web-vitals-4/dist') }
    : { '/beamline-rum/': folder('npm/dist') }),
};

/** How long the server thinks about a page: some engines count in whole milliseconds, and take none for no answer. */
const SERVER_MS = 15;

/** How long anything may take to come true. */
const DEADLINE_MS = 20_000;

/** Every metric once, without options. */
const ALL = () => [['onCLS'], ['onFCP'], ['onINP'], ['onLCP'], ['onTTFB'], ['onFID']];

/** Starts the site of `scenario`; it is closed when the test `t` ends. */
export async function startOracleSite(t, scenario) {
  const documents = new Map();
  const watchers = new Set();
  const keep = (state) => {
    const known = documents.get(state.id);
    if (!known || known.sequence < state.sequence) documents.set(state.id, state);
    for (const watch of watchers) watch();
  };
  const { pages, headers = {}, delays = {}, redirects = {} } = scenario;
  const htmlByPath = { '/': { ...scenario, ...scenario.page }, ...pages };

  let settle;
  const settled = new Promise((resolve) => (settle = resolve));
  const routes = {
    '/settled': (request, response) => settle(response.writeHead(204).end()),
    '/documents': async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      response.writeHead(204).end();
      keep(JSON.parse(Buffer.concat(chunks).toString()));
    },
    '/start.mjs': (request, response, url) => send(response, 'text/javascript', startModule(htmlByPath[url.searchParams.get('page')])),
    '/picture.png': (request, response, url) => later(url, () => send(response, 'image/png', pictureOf(url), cached(url))),
    '/font.ttf': (request, response, url) => later(url, () => send(response, 'font/ttf', font())),
    '/empty.js': (request, response) => send(response, 'text/javascript', ''),
  };
  for (const [path, page] of Object.entries(htmlByPath)) {
    routes[path] = (request, response) => after(delays[path] ?? SERVER_MS, () => send(response, 'text/html; charset=utf-8', html(path, page), headers));
  }
  for (const [path, location] of Object.entries(redirects)) {
    routes[path] = (request, response) => after(delays[path], () => response.writeHead(302, { location }).end());
  }
  if (OURS === 'reference') {
    for (const file of ['web-vitals.js', 'web-vitals.attribution.js']) {
      routes[`/beamline-rum/${file}`] = (request, response) =>
        send(response, 'text/javascript', `export * from '/copy/${file}'; export { onFID, FIDThresholds } from '/copy-4/${file}';`);
    }
  }

  const site = await startSite(t, { routes, folders: FOLDERS });
  return {
    url: site.url,
    keep,
    /** Resolves once a page has asked for `/settled`. */
    settled: () => deadline(settled, 'no page said that it is at rest'),
    /** Resolves with what every document knew last, once there are `count` of them, oldest first. */
    documentsOnce(count) {
      const told = new Promise((resolve) => {
        const check = () => documents.size >= count && resolve([...documents.values()]);
        watchers.add(check);
        check();
      });
      return deadline(told, `not all of ${count} documents told of themselves`);
    },
  };
}

/** What `promise` resolves with, unless that takes too long. */
async function deadline(promise, complaint) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(complaint)), DEADLINE_MS)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A page with the recorder first and the libraries where the scenario wants them. */
function html(path, { title = 'Oracle', head = '', body = '', start = 'head', bare = false }) {
  const tags = {
    // Modules run when the document is parsed.
    head: `<script type="module" src="/start.mjs?page=${path}"></script>`,
    // And as soon as they are there.
    early: `<script type="module" async src="/start.mjs?page=${path}"></script>`,
    later: `<script>oracle.startNow = () => import('/start.mjs?page=${path}').then(() => {});</script>`,
  };
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${title}</title>
    <style>body { margin: 0; padding: 1px; font: 20px/1.5 monospace }</style>
    ${bare ? '' : `<script src="/oracle/recorder.js"></script>`}
    ${head}
    ${bare ? '' : tags[start]}
  </head>
  <body>${body}</body>
</html>`;
}

/** The module that starts both libraries, with the calls of the page. */
function startModule({ observe = ALL, build = 'attribution' }) {
  const file = build === 'attribution' ? 'web-vitals.attribution.js' : 'web-vitals.js';
  return `import * as reference from '/web-vitals/${file}';
import { FIDThresholds, onFID } from '/web-vitals-4/${file}';
import * as ours from '/beamline-rum/${file}';

oracle.start({ theirs: { ...reference, FIDThresholds, onFID }, ours, instances: (${observe})() });
`;
}

const pictureOf = ({ searchParams }) => picture(Number(searchParams.get('width') ?? 300), Number(searchParams.get('height') ?? 200));
const cached = ({ searchParams }) => (searchParams.has('open') ? { 'timing-allow-origin': '*' } : {});

const later = ({ searchParams }, answer) => after(Number(searchParams.get('after') ?? 0), answer);
const after = (ms, answer) => void (ms ? setTimeout(answer, ms) : answer());

function send(response, type, body, headers = {}) {
  response.writeHead(200, { 'content-type': type, ...headers }).end(body);
}
