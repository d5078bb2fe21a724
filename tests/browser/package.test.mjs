// The packed npm package: what is in it, and what importing it does where there is no page.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const NPM = fileURLToPath(new URL('../../npm/', import.meta.url));
const SHOP = fileURLToPath(new URL('../../examples/shop/', import.meta.url));

test('the tarball holds the built files, their types and the licences, and nothing else', () => {
  const tarballs = readdirSync(NPM).filter((name) => name.endsWith('.tgz'));
  assert.equal(tarballs.length, 1);
  const files = execFileSync('tar', ['tzf', NPM + tarballs[0]], { encoding: 'utf8' }).trim().split('\n').sort();
  const scripts = [
    ...['index', 'index.inline', 'early', 'core', 'inline', 'inlined', 'debug', 'noop', 'fallback', 'sync', 'plain', 'core.plain'],
    ...['beamline', 'head', 'early-script', 'react', 'vue', 'web-vitals', 'web-vitals.attribution', 'web-vitals.noop', 'vitals'],
  ];
  const types = [
    ...['index', 'options', 'api', 'plain', 'sync', 'early-script', 'react', 'vue'],
    ...['standard', 'attribution', 'entries', 'thresholds', 'types'].map((name) => `web-vitals/${name}`),
  ];
  const built = ['rum.wasm', 'wasm2js.js', ...scripts.flatMap((name) => [`${name}.js`, `${name}.js.map`]), ...types.map((name) => `${name}.d.ts`)];
  assert.deepEqual(
    files,
    ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', ...built.map((name) => `dist/${name}`), 'package.json'].map((name) => `package/${name}`).sort(),
  );
});

test('every file that package.json exports is there', () => {
  const paths = (target) => (typeof target === 'string' ? [target] : Object.values(target).flatMap(paths));
  const { exports } = JSON.parse(readFileSync(`${SHOP}node_modules/beamline-rum/package.json`, 'utf8'));
  assert.deepEqual(paths(exports).filter((path) => !existsSync(`${SHOP}node_modules/beamline-rum/${path}`)), []);
});

test('every entry has the same functions, with and without a page', async () => {
  const [wanted, ...others] = await Promise.all(['index', 'index.inline', 'sync', 'plain', 'noop'].map((name) => import(`${NPM}dist/${name}.js`)));
  for (const module of others) assert.deepEqual(Object.keys(module).sort(), Object.keys(wanted).sort());
});

test('the drop-in has the functions and thresholds of npm web-vitals, with and without a page', async () => {
  const dist = `${SHOP}node_modules/beamline-rum/dist`;
  const [standard, attribution, noop] = await Promise.all(['', '.attribution', '.noop'].map((kind) => import(`${dist}/web-vitals${kind}.js`)));
  const reference = { ...(await import('web-vitals')), ...(await import('web-vitals-4')) };
  for (const module of [standard, attribution, noop]) {
    assert.deepEqual(Object.keys(module).sort(), Object.keys(reference).sort());
    for (const [name, value] of Object.entries(reference)) {
      if (typeof value === 'function') assert.equal(typeof module[name], 'function', name);
      else assert.deepEqual(module[name], value, name);
    }
  }
});

test('every script has a source map that names its sources and carries them', () => {
  for (const name of readdirSync(`${NPM}dist`).filter((name) => name.endsWith('.js') && name !== 'wasm2js.js')) {
    const script = readFileSync(`${NPM}dist/${name}`, 'utf8');
    assert.ok(script.endsWith(`//# sourceMappingURL=${name}.map\n`), name);
    const map = JSON.parse(readFileSync(`${NPM}dist/${name}.map`, 'utf8'));
    assert.ok(map.sources.length > 0 && map.sources.length === map.sourcesContent.length, name);
    assert.deepEqual(map.sources.filter((source) => source.startsWith('/')), [], name);
  }
});

const TSC = `${NPM}node_modules/.bin/tsc`;
for (const [what, project] of [
  ["the drop-in's types and those of npm web-vitals stand for each other", 'tsconfig.json'],
  ["the drop-in's types for FID and those of npm web-vitals 4 stand for each other", 'tsconfig.fid.json'],
  ['a program written for npm web-vitals compiles with the drop-in', 'tsconfig.swapped.json'],
]) {
  test(what, () => {
    const { status, stdout } = spawnSync(TSC, ['-p', project], { cwd: fileURLToPath(new URL('types/', import.meta.url)), encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });
}

const PROBE = `
  const before = Object.keys(globalThis).sort().join();
  const sdk = await import('beamline-rum');
  sdk.init({ key: 'k' });
  sdk.trackPageView('page');
  sdk.trackError(new Error('e'), { a: 1 });
  sdk.trackUserAction('action', 'category', 1);
  sdk.flush();
  sdk.shutdown();
  for (const entry of ['inline', 'js']) (await import('beamline-rum/' + entry)).init({ key: 'k' });
  if (!(await import('beamline-rum/early')).earlyScript) throw new Error('no script');
  const vitals = await import('beamline-rum/web-vitals');
  vitals.onLCP(() => {});
  const attributed = await import('beamline-rum/web-vitals/attribution');
  attributed.onINP(() => {}, { reportAllChanges: true });
  if (Object.keys(globalThis).sort().join() !== before) throw new Error('a global appeared');
`;

test('in Node, importing and calling it does nothing and lets the process end', () => {
  const output = execFileSync('node', ['--input-type=module', '--eval', PROBE], { cwd: SHOP, encoding: 'utf8', stdio: 'pipe', timeout: 20_000 });
  assert.equal(output, '');
});

test('in a worker thread, importing and calling it does nothing', async () => {
  const module = JSON.stringify(`${SHOP}node_modules/beamline-rum/dist/noop.js`);
  const worker = new Worker(`import(${module}).then((sdk) => { sdk.init({ key: 'k' }); sdk.flush(); });`, { eval: true });
  const code = await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
  assert.equal(code, 0);
});
