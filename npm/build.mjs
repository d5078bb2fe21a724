/**
 * Makes `dist/` from `src/` and what wasm-bindgen wrote: `node npm/build.mjs <directory with rum_sdk_bg.js and rum_sdk_bg.wasm>`.
 *
 * `cargo xtask build` compiles, binds and calls this. The last line printed is the sizes as JSON.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const bound = resolve(process.argv[2] ?? join(here, 'build'));
const dist = join(here, 'dist');
const tool = (name) => join(here, 'node_modules/.bin', name);

/** Named one by one: with `--all-features`, Binaryen writes import sections that browsers refuse. */
const FEATURES = [
  '--mvp-features',
  '--enable-bulk-memory',
  '--enable-bulk-memory-opt',
  '--enable-sign-ext',
  '--enable-mutable-globals',
  '--enable-nontrapping-float-to-int',
];
/** The lowest addresses are the far end of the stack, which nothing is placed at, so that offsets may be folded. Going flat twice pays. */
const FLAT = ['--flatten', '--rereloop', '-Oz'];
const OPTIMISATION = ['--low-memory-unused', ...FLAT, ...FLAT, '-Oz', '--strip-debug', '--strip-producers', '--strip-target-features'];

/** What a page loads with the default entry in production. */
const DEFAULT_ENTRY = ['index.js', 'early.js', 'core.js', 'rum.wasm'];
const DECLARATIONS = ['index.d.ts', 'options.d.ts', 'stub.d.ts'];

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const wasm = optimise();
await bundle(wasm);
declare();
for (const license of ['LICENSE-MIT', 'LICENSE-APACHE']) {
  const source = join(here, '..', license);
  if (existsSync(source)) copyFileSync(source, join(here, license));
}
console.log(JSON.stringify(sizes()));

function optimise() {
  const file = join(dist, 'rum.wasm');
  execFileSync(tool('wasm-opt'), [join(bound, 'rum_sdk_bg.wasm'), ...OPTIMISATION, ...FEATURES, '-o', file], { stdio: 'inherit' });
  return readFileSync(file);
}

/**
 * One call per kind of file, since a page loads each by itself: shared chunks would only add requests. The files refer to each
 * other by their final names.
 */
async function bundle(wasm) {
  const [imported] = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
  const names = ['index', 'index.inline', 'early', 'core', 'inline', 'inlined', 'debug', 'noop'];
  for (const name of names) {
    await build({
      entryPoints: [join(here, 'src', `${name}.ts`)],
      outfile: join(dist, `${name}.js`),
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      external: names.map((other) => `./${other}.js`),
      define: {
        IMPORT_MODULE: JSON.stringify(imported.module),
        WASM_HEX: JSON.stringify(name === 'inlined' ? wasm.toString('hex') : ''),
      },
      alias: { 'rum-sdk': join(bound, 'rum_sdk_bg.js') },
      logLevel: 'warning',
    });
  }
}

/** The types of the public API; those of the inner modules stay inside. */
function declare() {
  const all = mkdtempSync(join(tmpdir(), 'beamline-rum-'));
  try {
    const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--stripInternal', '--outDir', all];
    execFileSync(tool('tsc'), ['-p', join(here, 'tsconfig.json'), ...flags], { stdio: 'inherit' });
    for (const name of DECLARATIONS) copyFileSync(join(all, name), join(dist, name));
  } finally {
    rmSync(all, { recursive: true });
  }
}

function sizes() {
  const files = readdirSync(dist)
    .filter((name) => !name.endsWith('.d.ts'))
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(dist, name));
      const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
      return {
        name,
        raw: bytes.length,
        gzip: gzipSync(bytes, { level: 9 }).length,
        brotli: brotliCompressSync(bytes, quality).length,
      };
    });
  const stub = Math.max(...files.filter(({ name }) => name.startsWith('index')).map(({ raw }) => raw));
  const default_entry_brotli = files.filter(({ name }) => DEFAULT_ENTRY.includes(name)).reduce((sum, { brotli }) => sum + brotli, 0);
  return { files, default_entry_brotli, stub };
}
