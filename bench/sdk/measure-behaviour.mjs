// What an agent does to the page besides costing time: shifts, listeners that keep it from the back/forward cache, what it stores.

import { pause, startBench } from './browser.mjs';
import { PAGE } from './servers.mjs';

const WATCHED_MS = 3000;
const DEADLINE_MS = 20_000;

export async function measureBehaviour(agents, bundles, say) {
  const bench = await startBench();
  try {
    const rows = [];
    for (const agent of agents) {
      say(`behaviour: ${agent.name}`);
      bench.use(agent, bundles);
      rows.push({ id: agent.id, ...(await look(bench)), restored: await isRestored(bench, 'no-cache'), restoredUnstored: await isRestored(bench, 'no-store') });
    }
    return rows;
  } finally {
    await bench.close();
  }
}

async function look(bench) {
  const { tab, context, close } = await bench.openPage();
  let lines = 0;
  tab.on('console', () => lines++);
  await tab.evaluateOnNewDocument(watch);
  await tab.goto(PAGE);
  await pause(WATCHED_MS);
  const seen = await tab.evaluate(() => ({ ...self.seen, local: localStorage.length, session: sessionStorage.length, onunload: Boolean(self.onunload) }));
  const cookies = (await context.cookies()).length;
  await close();
  return { ...seen, cookies, lines };
}

/** Runs in the page before anything of it. */
function watch() {
  const seen = { shifts: 0, unload: 0, beforeunload: 0 };
  self.seen = seen;
  new PerformanceObserver((list) => (seen.shifts += list.getEntries().length)).observe({ type: 'layout-shift', buffered: true });
  const { addEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (type === 'unload' || type === 'beforeunload') seen[type]++;
    return addEventListener.call(this, type, ...rest);
  };
}

/** Whether the page comes back from the cache when its user goes on to another one and back; if not, why. */
async function isRestored(bench, cacheControl) {
  bench.site.cacheControl = cacheControl;
  const { tab, close } = await bench.openPage();
  try {
    await tab.evaluateOnNewDocument(() => addEventListener('pageshow', ({ persisted }) => (self.isRestored = persisted)));
    await tab.goto(PAGE);
    await pause(WATCHED_MS);
    // By scripts of the page: the driver loses track of a document that comes back from the cache.
    await tab.evaluate(() => void setTimeout(() => (location.href = '/other')));
    await until(tab, () => location.pathname === '/other' && document.readyState === 'complete');
    await tab.evaluate(() => void setTimeout(() => history.back()));
    await until(tab, () => location.pathname === '/' && document.readyState === 'complete' && self.isRestored !== undefined);
    return await tab.evaluate(() => {
      if (self.isRestored) return 'yes';
      const { notRestoredReasons } = performance.getEntriesByType('navigation')[0];
      return `no: ${(notRestoredReasons?.reasons ?? []).map(({ reason }) => reason).join(', ') || 'no reason given'}`;
    });
  } finally {
    bench.site.cacheControl = 'no-cache';
    await close();
  }
}

/** Resolves once `condition` holds in the page. */
async function until(tab, condition) {
  const deadline = performance.now() + DEADLINE_MS;
  // A document that is being replaced cannot answer.
  while (!(await tab.evaluate(condition).catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms for ${condition}`);
    await pause(20);
  }
}
