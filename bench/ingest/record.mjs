// Records the corpus anew: `node bench/ingest/record.mjs`, with the npm package built and the sample shop installed (`cargo xtask build`).
//
// A real Chromium visits the shop of examples/shop; what its SDK sends is kept. The first 20 events of each visit are then written as one
// beacon of 20 events, four of 5 and twenty of 1, so that every size carries the same events. The envelope is that of the beacon in
// which the first of the events came. Bodies are kept as text; whoever replays them compresses them as the browser does.

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startBrowser } from '../../tests/browser/harness/browser.mjs';
import { shop } from '../../tests/browser/harness/shopping.mjs';
import { startSite } from '../../tests/browser/harness/site.mjs';

const SHOP = fileURLToPath(new URL('../../examples/shop', import.meta.url));
const CORPUS = fileURLToPath(new URL('./corpus', import.meta.url));
const SIZES = [1, 5, 20];
const MOST = Math.max(...SIZES);
const VISITS = 3;

const undo = [];
const bundle = await mkdtemp(join(tmpdir(), 'beamline-corpus-'));
const browser = await startBrowser();
try {
  const site = await startSite({ after: (step) => undo.push(step) }, { folders: { '/': bundle } });
  execFileSync('node', ['build.mjs'], { cwd: SHOP, env: { ...process.env, OUT_DIR: bundle, BEAMLINE_URL: site.url } });
  const visits = [];
  for (let n = 0; n < VISITS; n++) visits.push(await visit(site));
  for (const size of SIZES) {
    const beacons = visits.flatMap((events) => chunks(events.slice(0, MOST), size)).map(together);
    await writeFile(join(CORPUS, `${size}.jsonl`), beacons.map((beacon) => `${JSON.stringify(beacon)}\n`).join(''));
    console.log(`${size}.jsonl: ${beacons.length} beacons of ${size} events`);
  }
} finally {
  await browser.close();
  for (const step of undo) step();
  await rm(bundle, { recursive: true });
}

/** What one new visitor does until enough events came: each with the beacon that brought it. */
async function visit(site) {
  const page = await browser.openFreshPage();
  const before = site.beacons.length;
  const hidden = await shop(page, site.url);
  await hidden.undo();
  await page.click('[href="/"]');
  await page.waitForSelector('.lamps');
  await page.click('[href="/lamp/tide"]');
  await page.waitForSelector('.detail');
  await page.click('.detail [data-do=add]');
  await site.eventsOnce(() => sent(site, before).length >= MOST, 60_000);
  await page.browserContext().close();
  return sent(site, before);
}

/** Every event that came after the first `before` beacons, with its beacon. */
function sent(site, before) {
  return site.beacons.slice(before).flatMap(({ body }) => body.events.map((event) => ({ event, body })));
}

function chunks(list, size) {
  return Array.from({ length: Math.floor(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size));
}

/** One beacon of events that may have come in several: the views are those that the events are of. */
function together(parts) {
  const views = [];
  const events = parts.map(({ event, body }) => {
    const view = body.views[event.view ?? 0];
    let index = views.findIndex(({ id }) => id === view.id);
    if (index < 0) index = views.push(view) - 1;
    return { ...event, view: index };
  });
  return { ...parts[0].body, sent_at_ms: parts.at(-1).body.sent_at_ms, views, events };
}
