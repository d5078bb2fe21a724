/**
 * Makes `dist/` from `src/` and what wasm-bindgen wrote: `node npm/build.mjs npm/build`, where each module has a directory of its own
 * with `rum_sdk_bg.js` and `rum_sdk_bg.wasm`.
 *
 * `cargo xtask build` compiles, binds and calls this. The last line printed is the sizes as JSON.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
const OPTIMISATION = ['--low-memory-unused', ...FLAT, ...FLAT, '-Oz', '--strip-producers', '--strip-target-features'];
/** For the translation to JavaScript: what came after the first WebAssembly is written in its terms. */
const LOWERING = ['--signext-lowering', '--llvm-nontrapping-fptoint-lowering', '--llvm-memory-copy-fill-lowering'];

/**
 * Members of our own objects, which get short names: those that are long and often used. None of them may be a member of anything of
 * the browser's or of what the package exports.
 */
const OWN = `
  acted actedIn addEvents addLongFrames attribute begin drain each firstHidden frames hiddenAt interactions isAttributed isFinal isKnown
  isLate isObserving isOver isSoft isWaiting largest longFrames named navigation observed ofPage paintOfInteraction parts
  processed reported restored restoredAt settle settleNow settleWhenIdle shared shifts softly standing storeSession storedSession
  unhidden visibilityChanged visit waiting
`.trim().split(/\s+/);

/** The WebAssembly modules, and the name under which the sources import the glue of each. */
const GLUE = { agent: 'rum-sdk', 'web-vitals': 'rum-sdk/web-vitals' };
/**
 * The files of the package, each bundled from its source. Those with a core may use that module's glue and bytes. The others are
 * fetched from next to it, except for those that are `held` in it. A script is not a module. The names of
 * readable ones stay, since developer tools show those of components.
 */
const FILES = {
  'index.js': { source: 'index.ts' },
  'index.inline.js': { source: 'index.inline.ts' },
  'early.js': { source: 'early.ts' },
  'core.js': { source: 'core.ts', core: 'agent' },
  'inline.js': { source: 'inline.ts', core: 'agent' },
  'inlined.js': { source: 'inlined.ts', core: 'agent' },
  'fallback.js': { source: 'fallback.ts' },
  'wasm2js.js': { source: '../build/agent/wasm2js.js' },
  'sync.js': { source: 'sync.ts', core: 'agent', held: ['early.js', 'inlined.js'] },
  'plain.js': { source: 'plain.ts' },
  'core.plain.js': { source: 'core.plain.ts', core: 'agent' },
  'beamline.js': { source: 'script.ts', held: ['index.js'], isScript: true },
  'head.js': { source: 'head.ts', isScript: true },
  'early-script.js': { source: 'early-script.ts' },
  'react.js': { source: 'react.ts', isReadable: true },
  'vue.js': { source: 'vue.ts', isReadable: true },
  'debug.js': { source: 'debug.ts' },
  'noop.js': { source: 'noop.ts' },
  'web-vitals.js': { source: 'web-vitals/standard.ts' },
  'web-vitals.attribution.js': { source: 'web-vitals/attribution.ts' },
  'vitals.js': { source: 'web-vitals/vitals.ts', core: 'web-vitals' },
  'web-vitals.noop.js': { source: 'web-vitals/noop.ts' },
};
/** Packages that those for frameworks are built on. They take this package by its name, so that the application's tools choose the entry. */
const NEIGHBOURS = ['beamline-rum', 'react', 'vue'];
/** What a page loads with the default entry in production. */
const DEFAULT_ENTRY = ['index.js', 'early.js', 'core.js', 'rum.wasm'];
/** What a page loads that uses the drop-in with attribution. */
const DROP_IN = ['web-vitals.attribution.js', 'vitals.js'];
const DECLARATIONS = [
  'index.d.ts',
  'options.d.ts',
  'api.d.ts',
  'plain.d.ts',
  'sync.d.ts',
  'early-script.d.ts',
  'react.d.ts',
  'vue.d.ts',
  'web-vitals/standard.d.ts',
  'web-vitals/attribution.d.ts',
  'web-vitals/thresholds.d.ts',
  'web-vitals/types.d.ts',
  'web-vitals/entries.d.ts',
];

for (const name of DECLARATIONS) {
  const api = readFileSync(join(here, 'src', name.replace('.d.ts', '.ts')), 'utf8');
  const taken = OWN.find((own) => new RegExp(`\\b${own}\\??:`).test(api));
  if (taken) throw new Error(`src/${name} exports a member \`${taken}\`, which OWN would rename`);
}
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
mkdirSync(join(bound, 'meta'), { recursive: true });
const wasm = Object.fromEntries(Object.keys(GLUE).map((module) => [module, optimise(module)]));
writeFileSync(join(dist, 'rum.wasm'), wasm.agent);
translate('agent');
for (const name of Object.keys(FILES)) await bundle(name);
declare();
for (const license of ['LICENSE-MIT', 'LICENSE-APACHE']) {
  const source = join(here, '..', license);
  if (existsSync(source)) copyFileSync(source, join(here, license));
}
console.log(JSON.stringify(sizes()));

/** Optimises the module. With the names of its functions it is kept for the table of bytes by feature; shipped is the same without. */
function optimise(module) {
  const [bare, named, file] = ['rum_sdk_bg.wasm', 'named.wasm', 'optimised.wasm'].map((name) => join(bound, module, name));
  execFileSync(tool('wasm-opt'), [bare, ...OPTIMISATION, ...FEATURES, '--debuginfo', '-o', named], { stdio: 'inherit' });
  const shipped = withoutCustomSections(readFileSync(named));
  writeFileSync(file, shipped);
  return shipped;
}

/** A module without its sections of the number 0: https://webassembly.github.io/spec/core/binary/modules.html#sections */
function withoutCustomSections(module) {
  const kept = [module.subarray(0, 8)];
  for (let at = 8, end; at < module.length; at = end) {
    let [size, shift, from] = [0, 0, at + 1];
    do size |= (module[from] & 127) << (7 * shift++);
    while (module[from++] & 128);
    end = from + size;
    if (module[at] !== 0) kept.push(module.subarray(at, end));
  }
  return Buffer.concat(kept);
}

/** Writes the module as JavaScript that exports `instantiate`. */
function translate(module) {
  const [optimised, lowered, script] = ['optimised.wasm', 'lowered.wasm', 'wasm2js.js'].map((name) => join(bound, module, name));
  execFileSync(tool('wasm-opt'), [optimised, ...FEATURES, ...LOWERING, '-o', lowered], { stdio: 'inherit' });
  // In the form for Emscripten the imports are an argument.
  execFileSync(tool('wasm2js'), [lowered, '--emscripten', '-O', '-o', script], { stdio: 'inherit' });
  const text = readFileSync(script, 'utf8');
  const trap = "throw new Error('abort')";
  if (!text.includes(trap)) throw new Error(`wasm2js does not trap by \`${trap}\``);
  // The core is given up on what WebAssembly would throw.
  writeFileSync(script, `${text.replace(trap, 'throw new (globalThis.WebAssembly?.RuntimeError ?? Error)()')}\nexport { instantiate };\n`);
}

/**
 * One call per file, since a page loads each by itself: shared chunks would only add requests. The files refer to each other by
 * their final names.
 */
async function bundle(name) {
  const { source, core, held = [], isScript, isReadable } = FILES[name];
  const { metafile } = await build({
    entryPoints: [join(here, 'src', source)],
    outfile: join(dist, name),
    bundle: true,
    minifySyntax: true,
    minifyWhitespace: true,
    minifyIdentifiers: !isReadable,
    // Nobody wrote what the translation came from.
    sourcemap: name !== 'wasm2js.js',
    format: 'esm',
    // esbuild's own wrapping brings a `require` along wherever there is an `import()`.
    ...(isScript && { banner: { js: '(()=>{' }, footer: { js: '})();' } }),
    target: 'es2022',
    external: [...NEIGHBOURS, ...Object.keys(FILES).filter((other) => !held.includes(other)).map((other) => `./${other}`)],
    define: {
      ...(core && { IMPORT_MODULE: JSON.stringify(importModule(wasm[core])), WASM_HEX: JSON.stringify(wasm[core].toString('hex')) }),
      ...(name === 'early-script.js' && headScript()),
    },
    mangleProps: new RegExp(`^(${OWN.join('|')})$`),
    mangleCache: Object.fromEntries(OWN.map((name, index) => [name, index.toString(36).replace(/^\d/, '$$$&')])),
    alias: core && { [GLUE[core]]: join(bound, core, 'rum_sdk_bg.js') },
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(join(bound, 'meta', `${name}.json`), JSON.stringify(metafile));
}

/** The script for `<head>`, which is bundled before, as text. */
function headScript() {
  const text = withoutMap(readFileSync(join(dist, 'head.js'), 'utf8')).trim();
  const hash = createHash('sha256').update(text).digest('base64');
  return { HEAD_SCRIPT: JSON.stringify(text), HEAD_SCRIPT_HASH: JSON.stringify(`'sha256-${hash}'`) };
}

/** A file without the comment that names its source map. Bundlers drop it, and only developer tools follow it. */
function withoutMap(text) {
  return text.replace(/\/\/# sourceMappingURL=.*\n$/, '');
}

/** The one module that all imports are from. */
function importModule(bytes) {
  const [imported] = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  return imported?.module ?? '';
}

/** The types of the public API; those of the inner modules stay inside. */
function declare() {
  const all = mkdtempSync(join(tmpdir(), 'beamline-rum-'));
  try {
    const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--stripInternal', '--outDir', all];
    execFileSync(tool('tsc'), ['-p', join(here, 'tsconfig.json'), ...flags], { stdio: 'inherit' });
    mkdirSync(join(dist, 'web-vitals'));
    for (const name of DECLARATIONS) copyFileSync(join(all, name), join(dist, name));
  } finally {
    rmSync(all, { recursive: true });
  }
}

function sizes() {
  const files = [...Object.keys(FILES), 'rum.wasm']
    .sort()
    .map((name) => {
      const file = readFileSync(join(dist, name));
      const bytes = name.endsWith('.js') ? Buffer.from(withoutMap(file.toString())) : file;
      const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
      return {
        name,
        raw: bytes.length,
        gzip: gzipSync(bytes, { level: 9 }).length,
        brotli: brotliCompressSync(bytes, quality).length,
      };
    });
  const head = files.find(({ name }) => name === 'head.js');
  const stub = Math.max(...files.filter(({ name }) => name.startsWith('index')).map(({ raw }) => raw));
  const together = (names) => files.filter(({ name }) => names.includes(name)).reduce((sum, { brotli }) => sum + brotli, 0);
  return { files, default_entry_brotli: together(DEFAULT_ENTRY), drop_in_brotli: together(DROP_IN), stub, head: head.raw, head_brotli: head.brotli };
}
