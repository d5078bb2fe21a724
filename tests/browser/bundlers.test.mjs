// The packed package, installed into a small application that each tool builds its own way: what a visit leaves behind in ClickHouse.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { hide, NO_TROUBLES, startBrowser } from './harness/browser.mjs';
import { freePort, startService } from './harness/service.mjs';
import { startSite } from './harness/site.mjs';

const TOOLS = fileURLToPath(new URL('bundlers/', import.meta.url));
const APP = join(TOOLS, 'app');
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NPM = join(ROOT, 'npm');
const DOCUMENTS = [
  ...['npm/README.md', 'docs/content-security-policy.md'],
  ...['index', 'early-script', 'react', 'vue'].map((name) => `npm/src/${name}.ts`),
];
const { resolve } = createRequire(join(TOOLS, 'package.json'));
const tool = async (name) => import(pathToFileURL(resolve(name)));
const program = (name) => join(TOOLS, 'node_modules/.bin', name);

const POLICIES = { default: "script-src 'self' 'wasm-unsafe-eval'", strict: "script-src 'self'" };

const html = (script) => `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Bundled</title></head>
  <body><div id="root"></div>${script}</body>
</html>`;
const MODULE = '<script type="module" src="/main.js"></script>';

/** How each tool builds `source` into the folder `out`, and a part of the name of the file that the core then comes from. */
const BUNDLERS = {
  vite: {
    source: 'react.jsx',
    async build(source, out) {
      const { build } = await tool('vite');
      const input = { main: source };
      const output = { entryFileNames: '[name].js' };
      await build({ root: APP, logLevel: 'error', build: { outDir: out, rollupOptions: { input, output } } });
    },
    core: '.wasm',
  },
  webpack: {
    source: 'vue.js',
    async build(source, out) {
      const { default: webpack } = await tool('webpack');
      const compiler = webpack({ mode: 'production', context: APP, entry: { main: source }, output: { path: out } });
      const stats = await promisify(compiler.run.bind(compiler))();
      assert.ok(!stats.hasErrors(), stats.toString());
      await promisify(compiler.close.bind(compiler))();
    },
    core: '.wasm',
  },
  esbuild: {
    source: 'plain.js',
    async build(source, outdir) {
      const { build } = await tool('esbuild');
      await build({ entryPoints: { main: source }, outdir, bundle: true, minify: true, splitting: true, format: 'esm', logLevel: 'warning' });
    },
    core: 'inline',
  },
  rollup: {
    source: 'plain.js',
    async build(source, dir) {
      const [{ rollup }, { nodeResolve }] = await Promise.all([tool('rollup'), tool('@rollup/plugin-node-resolve')]);
      const bundle = await rollup({ input: { main: source }, plugins: [nodeResolve({ browser: true })], onwarn: ({ message }) => assert.fail(message) });
      await bundle.write({ dir, format: 'es' });
      await bundle.close();
    },
    // It leaves the file behind, which is asked for in vain.
    core: 'inlined',
    lines: ['error: Failed to load resource: the server responded with a status of 404 (Not Found)'],
  },
};
/** Without any tool, from the package's own folder. */
const TAGS = {
  module: `<script type="importmap">{ "imports": { "beamline-rum": "/beamline-rum/index.js" } }</script><script type="module" src="/src/plain.js"></script>`,
  tag: `<h1>Words</h1><button onclick="beamline.trackUserAction('act', 'test', 1.5)">Act</button>
    <script src="/beamline-rum/beamline.js"></script><script>beamline.init(Object.fromEntries(new URLSearchParams(location.search)))</script>`,
};
const KEYS = [...Object.keys(BUNDLERS).flatMap((name) => [name, `${name}-strict`]), ...Object.keys(TAGS), 'vite-dev', 'next'];

let browser;
let service;
let folder;
before(async () => {
  const [tarball] = readdirSync(NPM).filter((name) => name.endsWith('.tgz'));
  const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...flags, join(NPM, tarball)], { cwd: APP, stdio: 'pipe' });
  folder = await mkdtemp(join(tmpdir(), 'beamline-bundlers-'));
  [browser, service] = await Promise.all([startBrowser(), startService(KEYS)]);
});
after(async () => {
  await Promise.all([browser?.close(), service?.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** Opens the page at `url` as a user of the project `key`, waits until the core has taken over, and clicks the button. */
async function visit(url, key) {
  const page = await browser.openFreshPage();
  await page.goto(`${url}/?${new URLSearchParams({ key, endpoint: service.endpoint })}`);
  await page.waitForSelector('button');
  await page.waitForFunction(() => window.__beamlinePage?.sink !== undefined);
  await page.click('button');
  return page;
}

const ROWS = `SELECT toString(kind) AS kind, if(kind = 'vital', toString(metric), if(kind = 'page_view', page, name)) AS name, count() AS n FROM events`;

/** Leaves `page`, and resolves once everything of the visit is in ClickHouse: what every visit leaves behind, and `more`. */
async function arrive(page, key, more) {
  await hide(page);
  const wanted = { 'action act': 1, 'vital FCP': 1, 'vital LCP': 1, 'vital TTFB': 1, ...more };
  const query = `${ROWS} WHERE project_id = '${key}' GROUP BY kind, name`;
  const counts = (rows) => Object.fromEntries(rows.map(({ kind, name, n }) => [`${kind} ${name}`, Number(n)]));
  const rows = await service.rowsOnce(query, (rows) => Object.entries(wanted).every(([what, count]) => (counts(rows)[what] ?? 0) >= count));
  const found = counts(rows);
  for (const [what, count] of Object.entries(wanted)) assert.equal(found[what], count, JSON.stringify(found));
}

/** Goes through the routes of the applications of frameworks: two lamps, and on the second one a component breaks. */
async function browse(page) {
  await page.click('[href="/lamp/comet"]');
  await page.waitForSelector('[href="/lamp/moon"]');
  await page.click('[href="/lamp/moon"]');
  await page.waitForFunction(() => location.pathname === '/lamp/moon');
  await page.click('i');
}

const LAMPS = { 'page_view /lamp/:id': 2 };
const ROUTES = {
  'react.jsx': { 'page_view home': 1, ...LAMPS, 'action click': 4 },
  'vue.js': { 'page_view /': 1, ...LAMPS, 'action click': 4 },
};
const ONE_PAGE = { 'page_view /': 1, 'action click': 1 };

/** The one error of the component that breaks, and what the frameworks know of it. */
async function componentError(key) {
  const query = `SELECT name, message, toString(source) AS source, attributes FROM errors WHERE project_id = '${key}'`;
  const rows = await service.rowsOnce(query, (rows) => rows.length > 0);
  assert.deepEqual(rows.map(({ name, message, source }) => ({ name, message, source })), [{ name: 'RangeError', message: 'broken while rendered', source: 'api' }]);
  return rows[0].attributes;
}

for (const [name, { source, build, core, lines: expectedLines = [] }] of Object.entries(BUNDLERS)) {
  test(`built by ${name}, under either policy`, async (t) => {
    const out = join(folder, name);
    await build(join(APP, 'src', source), out);
    for (const [policy, value] of Object.entries(POLICIES)) {
      const site = await startSite(t, { folders: { '/': out }, pages: { '/': html(MODULE) }, headers: { 'content-security-policy': value } });
      const key = policy === 'strict' ? `${name}-strict` : name;
      const page = await visit(site.url, key);
      if (policy === 'default') assert.ok(site.requests.some((path) => path.includes(core)), site.requests.join());
      const routes = ROUTES[source];
      if (routes) await browse(page);
      await arrive(page, key, routes ?? ONE_PAGE);
      const { errors, console: lines } = await page.troubles();
      assert.deepEqual(errors, []);
      if (source === 'plain.js') assert.deepEqual(lines, expectedLines);
      if (source === 'react.jsx') {
        assert.equal(await page.$eval('p', ({ textContent }) => textContent), 'broken while rendered', 'the fallback is shown');
        assert.equal((await componentError(key)).part, 'lamp');
      }
      if (source === 'vue.js') {
        assert.deepEqual(await page.evaluate(() => window.handled), ['broken while rendered'], "the application's own handler is called");
        assert.equal((await componentError(key)).component, 'Lamp');
      }
    }
  });
}

for (const [name, script] of Object.entries(TAGS)) {
  test(`on a page without any tool, by ${name}`, async (t) => {
    const folders = { '/beamline-rum/': join(APP, 'node_modules/beamline-rum/dist'), '/src/': join(APP, 'src') };
    const site = await startSite(t, { pages: { '/': html(script) }, folders });
    const page = await visit(site.url, name);
    await arrive(page, name, ONE_PAGE);
    assert.deepEqual(await page.troubles(), NO_TROUBLES);
  });
}

const read = (path) => readFileSync(join(ROOT, path), 'utf8');

/** The blocks of TypeScript in a Markdown file, or in the comments of a source file. */
const blocks = (path) => Array.from(read(path).replace(/^ \* ?/gm, '').matchAll(/^```(tsx?)\n(.*?)^```/gms), ([, language, code]) => ({ language, code }));

test('every block of code in the documentation compiles', async (t) => {
  const directory = await mkdtemp(join(APP, 'documentation-'));
  t.after(() => rm(directory, { recursive: true }));
  const found = DOCUMENTS.flatMap(blocks);
  assert.deepEqual(DOCUMENTS.filter((path) => blocks(path).length === 0), []);
  for (const [index, { language, code }] of found.entries()) writeFileSync(join(directory, `block${index}.${language}`), code);
  const flags = ['--strict', '--noEmit', '--jsx', 'react-jsx', '--module', 'es2022', '--moduleResolution', 'bundler', '--target', 'es2022'];
  const files = found.map(({ language }, index) => join(directory, `block${index}.${language}`));
  const { status, stdout } = spawnSync(join(NPM, 'node_modules/.bin/tsc'), [...flags, '--skipLibCheck', ...files], { cwd: APP, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

test('every file that the documentation loads is in the package', () => {
  const loaded = DOCUMENTS.flatMap((path) => Array.from(read(path).matchAll(/["']\/beamline-rum\/([^"']+)["']/g), ([, file]) => file));
  assert.ok(loaded.length > 0);
  for (const file of loaded) assert.ok(existsSync(join(APP, 'node_modules/beamline-rum/dist', file)), file);
});

const PROBE = `
  const { exports } = (await import('beamline-rum/package.json', { with: { type: 'json' } })).default;
  const entries = Object.keys(exports).filter((name) => !name.includes('.', 1)).map((name) => name.replace('.', 'beamline-rum'));
  for (const name of entries) await import(name);
  const { createElement, StrictMode } = await import('react');
  const { renderToString } = await import('react-dom/server');
  const { BeamlineErrorBoundary, BeamlineProvider, usePageView } = await import('beamline-rum/react');
  const Page = () => (usePageView('home'), 'words');
  const boundary = createElement(BeamlineErrorBoundary, {}, createElement(Page));
  const react = renderToString(createElement(BeamlineProvider, { options: { key: 'k' } }, boundary));
  const { createSSRApp, h } = await import('vue');
  const { renderToString: renderVue } = await import('vue/server-renderer');
  const { createBeamline } = await import('beamline-rum/vue');
  const vue = await renderVue(createSSRApp({ render: () => h('p', 'words') }).use(createBeamline({ key: 'k' })));
  const globals = Object.keys(globalThis).filter((name) => name.includes('beamline'));
  console.log(JSON.stringify({ entries: entries.length, react, vue, globals }));
`;

test('a route is its path with the parameters named', async () => {
  // A module of the package finds its neighbours from where it is installed.
  const { routeOf } = await import(pathToFileURL(join(APP, 'node_modules/beamline-rum/dist/react.js')));
  const check = (path, params, route) => assert.equal(routeOf(path, params), route);
  check('/', {}, '/');
  check('/lamp/comet', null, '/lamp/comet');
  check('/lamp/comet', { id: 'comet' }, '/lamp/:id');
  check('/lamp/caf%C3%A9/', { id: 'café' }, '/lamp/:id/');
  check('/a/b/c', { rest: ['b', 'c'] }, '/a/:rest');
  check('/a/b/c', { '*': 'b/c' }, '/a/:*');
  check('/shop/7/7', { shop: '7', id: '7' }, '/shop/:id');
  check('/lamp/%', { id: undefined, other: '' }, '/lamp/%');
});

test('in Node, every entry may be imported, and the frameworks render', () => {
  const output = execFileSync('node', ['--no-warnings', '--input-type=module', '--eval', PROBE], { cwd: APP, encoding: 'utf8', timeout: 20_000 });
  assert.deepEqual(JSON.parse(output), { entries: 8, react: 'words', vue: '<p>words</p>', globals: [] });
});

test("served by Vite's development server", async (t) => {
  const { createServer } = await tool('vite');
  const page = html('<script type="module" src="/src/react.jsx"></script>');
  /** In place of a file index.html in the root. */
  const index = {
    name: 'index',
    configureServer: ({ middlewares, transformIndexHtml }) =>
      void middlewares.use(async ({ url, headers }, response, next) => {
        if (!headers.accept?.includes('text/html')) return next();
        response.setHeader('content-type', 'text/html').end(await transformIndexHtml(url, page));
      }),
  };
  const server = await createServer({
    root: APP,
    cacheDir: join(folder, 'vite-dev'),
    logLevel: 'error',
    appType: 'custom',
    plugins: [index],
    optimizeDeps: { entries: ['src/react.jsx'] },
    server: { host: '127.0.0.1', port: 0 },
  });
  t.after(() => server.close());
  await server.listen();
  const tab = await visit(`http://127.0.0.1:${server.httpServer.address().port}`, 'vite-dev');
  await browse(tab);
  await arrive(tab, 'vite-dev', ROUTES['react.jsx']);
  assert.match((await componentError('vite-dev')).component_stack, /^Broken < BeamlineErrorBoundary < Lamp < /);
});

test('built and served by Next.js, rendered on the server and taken over by the client', async (t) => {
  const root = join(APP, 'next');
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  execFileSync(program('next'), ['build', root], { env, stdio: 'pipe' });
  t.after(() => rm(join(root, '.next'), { recursive: true }));
  const port = await freePort();
  const server = spawn(program('next'), ['start', root, '--hostname', '127.0.0.1', '--port', String(port)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  t.after(() => (server.kill('SIGTERM'), ended));
  let output = '';
  for await (const chunk of server.stdout) if ((output += chunk).includes('Ready in')) break;

  const url = `http://127.0.0.1:${port}`;
  const response = await fetch(url);
  assert.equal(response.status, 200);
  const rendered = await response.text();
  assert.ok(rendered.includes('<button>Act</button>'), 'the page is rendered on the server');

  const page = await visit(url, 'next');
  await browse(page);
  await arrive(page, 'next', { 'page_view /': 1, ...LAMPS });
  assert.deepEqual((await page.troubles()).errors, []);
});
