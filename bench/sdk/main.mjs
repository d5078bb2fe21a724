// Measures browser agents side by side: `node main.mjs --state FOLDER --out FILE [--parts bytes,visit,behaviour,cost] [--loads 15]
// [--minutes 6]`, run by `cargo xtask bench sdk`.
//
// What was measured is kept in the state folder, each part by itself, so that a part can be measured again, and the long one in pieces.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AGENTS, FLOOR } from './agents.mjs';
import { bundleAll, digestOf, versionsOf } from './bundle.mjs';
import { measureBehaviour } from './measure-behaviour.mjs';
import { measureBytes } from './measure-bytes.mjs';
import { measureCost } from './measure-cost.mjs';
import { measureVisits } from './measure-visit.mjs';
import { findings } from './tables.mjs';

const { values } = parseArgs({
  options: {
    state: { type: 'string' },
    out: { type: 'string' },
    parts: { type: 'string', default: 'bytes,visit,behaviour,cost' },
    loads: { type: 'string', default: '15' },
    minutes: { type: 'string', default: '600' },
  },
});
const everyone = [FLOOR, ...AGENTS];
const bundles = join(values.state, 'bundles');
const file = join(values.state, 'measured.json');
const say = (text) => console.log(`  ${text}`);

const VISITS = 3;
const started = performance.now();

const PARTS = {
  bytes: () => measureBytes(AGENTS, bundles, say),
  visit: () => measureVisits(AGENTS, bundles, VISITS, say),
  behaviour: () => measureBehaviour(everyone, bundles, say),
  async cost(samples = []) {
    const deadline = started + Number(values.minutes) * 60_000;
    const save = () => keep('cost', samples);
    await measureCost(everyone, bundles, samples, { loads: Number(values.loads), deadline, save, say });
    return samples;
  },
};

await mkdir(values.state, { recursive: true });
say(`bundle ${AGENTS.length} agents`);
await bundleAll(everyone, bundles);
const digest = await digestOf(bundles);
const kept = await readFile(file, 'utf8').then(JSON.parse, () => ({}));
const measured = kept.digest === digest ? kept : { digest };
if (kept.digest && kept.digest !== digest) say('other bundles than last time: everything is measured anew');
for (const part of values.parts.split(',').filter(Boolean)) {
  if (!PARTS[part]) throw new Error(`there is no part \`${part}\`; there are ${Object.keys(PARTS).join(', ')}`);
  await keep(part, await PARTS[part](measured[part]));
}
await rm(values.out, { force: true });
await writeFile(values.out, JSON.stringify(findings(measured, AGENTS, await versionsOf(AGENTS))));

async function keep(part, what) {
  measured[part] = what;
  await writeFile(file, JSON.stringify(measured));
}
