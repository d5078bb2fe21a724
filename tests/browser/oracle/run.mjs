// Every scenario in one engine, each as a test.

import { after, before, test } from 'node:test';

import { startEngine } from '../harness/engines.mjs';
import { assertAlike } from './compare.mjs';
import { SCENARIOS } from './scenarios/index.mjs';
import { startOracleSite } from './site.mjs';

/** Declares the oracle test of the engine `name`. */
export function testEngine(name) {
  let engine;
  before(async () => (engine = await startEngine(name)));
  after(() => engine.close());

  const only = process.env.ORACLE_ONLY;
  for (const scenario of SCENARIOS.filter((candidate) => !only || new RegExp(only).test(candidate.name))) {
    test(`${name}: ${scenario.name}`, (t) => run(t, engine, scenario));
  }
}

async function run(t, engine, scenario) {
  const site = await startOracleSite(t, scenario);
  const tab = await engine.openTab();
  t.after(() => tab.dispose());
  await (scenario.visit ?? visit)(tab, site.url, scenario, site);
  const last = scenario.closes ? undefined : await tab.evaluate(() => oracle.snapshot());
  if (last) site.keep(last);
  const { documents: count = 1 } = scenario;
  const documents = await site.documentsOnce(typeof count === 'function' ? count(last) : count);
  if (process.env.ORACLE_SHOW) console.dir(documents.map(({ reports }) => reports.filter(({ library }) => library === 'theirs').map(({ metric }) => metric)), { depth: 9 });
  assertAlike(documents, scenario);
  scenario.proves?.(evidence(documents));
}

/** Opens the page, does what the scenario does on it, and hides it. */
async function visit(tab, url, { path = '/', steps = () => {} }) {
  await tab.goto(url + path);
  await tab.evaluate(() => oracle.started());
  await steps(tab);
  await tab.evaluate(() => oracle.settled());
  await tab.hide();
}

/** What the reference reported, for a scenario to show that it was about what it says. */
function evidence(documents) {
  const metrics = (name) =>
    documents.flatMap(({ reports }) => reports.filter(({ library, metric }) => library === 'theirs' && metric.name === name).map(({ metric }) => metric));
  return { documents, supports: documents[0].supports, metrics, last: (name) => metrics(name).at(-1) };
}
