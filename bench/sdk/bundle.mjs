// Bundles each agent's entry the same way.

import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** What boomerang's own build leaves out of a release: `strip_code` in its Gruntfile.js. */
const DEBUGGING = /\/\* BEGIN_DEBUG \*\/[\s\S]*?\/\* END_DEBUG \*\/|BOOMR\.(?:debug|info|warn|error)\(.*\);|debugLog\(.*\);/g;

/** Puts scripts that are no modules together, and minifies them. */
async function concatenate({ id, packages: [name], scripts }, outdir) {
  const files = [...scripts.map((file) => join(here, 'node_modules', name, file)), join(here, 'agents', `${id}.js`)];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const { code } = await transform(texts.join('\n;\n').replace(DEBUGGING, ''), { minify: true, target: 'es2022' });
  await writeFile(join(outdir, 'entry.js'), code);
}

/** Bundles the agents into a folder each under `folder`. */
export async function bundleAll(agents, folder) {
  await rm(folder, { recursive: true, force: true });
  for (const agent of agents) {
    const { id, packages, scripts } = agent;
    const outdir = join(folder, id);
    await mkdir(outdir, { recursive: true });
    if (scripts) {
      await concatenate(agent, outdir);
      continue;
    }
    await build({
      // Names of chunks depend on it.
      absWorkingDir: here,
      entryPoints: { entry: join(here, 'agents', `${id}.mjs`) },
      outdir,
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      target: 'es2022',
      // `module` holds only without others; without it OpenTelemetry's packages are twice as large.
      conditions: ['production', 'module'],
      define: {
        'process.env.NODE_ENV': '"production"',
        // Documented by Sentry for smaller bundles: leaves out what it writes to the console while developing.
        __SENTRY_DEBUG__: 'false',
      },
      logLevel: 'warning',
    });
    // esbuild does not copy files named by `new URL(…, import.meta.url)`. Vite and webpack do.
    if (packages.includes('beamline-rum')) await copyFile(createRequire(import.meta.url).resolve('beamline-rum/rum.wasm'), join(outdir, 'rum.wasm'));
  }
}

/** Bytes of some files of an agent, together, each compressed by itself as it is served. */
export async function sizeOf(folder, files) {
  const sizes = { minified: 0, gzip: 0, brotli: 0 };
  for (const name of files) {
    const bytes = await readFile(join(folder, name));
    sizes.minified += bytes.length;
    sizes.gzip += gzipSync(bytes, { level: 9 }).length;
    sizes.brotli += brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length;
  }
  return sizes;
}

/** A digest of every bundle: measurements of other bundles are not to be mixed with those of these. */
export async function digestOf(folder) {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)).sort()) {
    hash.update(name.slice(folder.length)).update(await readFile(name));
  }
  return hash.digest('hex').slice(0, 16);
}

/** The versions of what is installed, by package name. */
export async function versionsOf(agents) {
  const names = [...new Set(agents.flatMap(({ packages }) => packages)), 'esbuild'];
  const version = async (name) => JSON.parse(await readFile(join(here, 'node_modules', name, 'package.json'))).version;
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await version(name)])));
}
