// Bundles the shop into dist/, or serves it: `node build.mjs [--serve]`.
//
// BEAMLINE_URL is where the service is, SHOP_PORT where the shop is served, OUT_DIR where the bundle goes.

import { copyFile, cp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const outdir = resolve(here, process.env.OUT_DIR ?? 'dist');

const options = {
  entryPoints: [join(here, 'src/shop.js'), join(here, 'src/shop.css')],
  outdir,
  bundle: true,
  minify: true,
  // The SDK's core is a chunk of its own, loaded when the page is idle.
  splitting: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['production'],
  define: {
    BEACON_ENDPOINT: JSON.stringify(new URL('/api/v1/metrics/rum', process.env.BEAMLINE_URL ?? 'http://127.0.0.1:8080').href),
  },
  logLevel: 'warning',
};

await rm(outdir, { recursive: true, force: true });
await cp(join(here, 'public'), outdir, { recursive: true });
// esbuild does not copy files named by `new URL(…, import.meta.url)`. Vite and webpack do.
await copyFile(createRequire(import.meta.url).resolve('beamline-rum/rum.wasm'), join(outdir, 'rum.wasm'));

if (process.argv.includes('--serve')) {
  const server = await context(options);
  // A route such as /lamp/comet is the same page.
  const { port } = await server.serve({ host: '127.0.0.1', port: Number(process.env.SHOP_PORT ?? 8090), servedir: outdir, fallback: join(outdir, 'index.html') });
  console.log(`http://127.0.0.1:${port}/`);
} else {
  await build(options);
}
