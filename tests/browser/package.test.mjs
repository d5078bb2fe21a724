// The packed npm package: what is in it, and what importing it does where there is no page.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const NPM = fileURLToPath(new URL('../../npm/', import.meta.url));
const SHOP = fileURLToPath(new URL('../../examples/shop/', import.meta.url));

test('the tarball holds the built files, their types and the licences, and nothing else', () => {
  const tarballs = readdirSync(NPM).filter((name) => name.endsWith('.tgz'));
  assert.equal(tarballs.length, 1);
  const files = execFileSync('tar', ['tzf', NPM + tarballs[0]], { encoding: 'utf8' }).trim().split('\n').sort();
  const built = ['inline.js', 'core.js', 'debug.js', 'early.js', 'index.d.ts', 'index.inline.js', 'index.js', 'inlined.js', 'noop.js', 'options.d.ts', 'rum.wasm', 'stub.d.ts'];
  assert.deepEqual(
    files,
    ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', ...built.map((name) => `dist/${name}`), 'package.json'].map((name) => `package/${name}`).sort(),
  );
});

const PROBE = `
  const before = Object.keys(globalThis).sort().join();
  const sdk = await import('beamline-rum');
  sdk.init({ key: 'k' });
  sdk.trackPageView('page');
  sdk.trackError(new Error('e'), { a: 1 });
  sdk.trackUserAction('action', 'category', 1);
  sdk.flush();
  sdk.shutdown();
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
