// What an agent costs the page it is in: fresh loads of one page, with one agent each, at the processor's speed and at a quarter of it.

import { loadavg } from 'node:os';

import { pause, startBench } from './browser.mjs';
import { PAGE } from './servers.mjs';

export const RATES = [1, 4];
/** Agents go on working after the load; after this the page is looked at. */
const WATCHED_MS = 3000;
/** A click has been painted long before, also on a slow processor. */
const CLICK_MS = 400;

/**
 * Adds to `samples` what is missing of `loads` for each agent and rate. The agents take turns, and each round begins with another one, so
 * that what else the machine does meets all of them.
 */
export async function measureCost(agents, bundles, samples, { loads, deadline, save, say }) {
  for (let round = 0; round < loads; round++) {
    const turn = [...agents.slice(round % agents.length), ...agents.slice(0, round % agents.length)];
    const missing = RATES.flatMap((rate) => turn.map((agent) => ({ agent, rate }))).filter(
      ({ agent, rate }) => !samples.some((sample) => sample.id === agent.id && sample.rate === rate && sample.round === round),
    );
    if (missing.length === 0) continue;
    say(`cost: round ${round + 1} of ${loads}`);
    const bench = await startBench();
    try {
      for (const { agent, rate } of missing) {
        if (performance.now() > deadline) return say('the time is over; the next run goes on here');
        bench.use(agent, bundles);
        samples.push({ id: agent.id, rate, round, load: loadavg()[0], ...(await measureLoad(bench, rate)) });
        await save();
      }
    } finally {
      await bench.close();
    }
  }
}

async function measureLoad(bench, rate) {
  const { tab, close } = await bench.openPage();
  try {
    const cdp = await tab.createCDPSession();
    // Time of the thread, not of the clock: what else the machine does is not counted.
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    await cdp.send('Emulation.setCPUThrottlingRate', { rate });
    await tab.evaluateOnNewDocument(watch);
    await tab.goto(PAGE);
    await pause(WATCHED_MS);
    const { metrics } = await cdp.send('Performance.getMetrics');
    const metric = (name) => metrics.find((metric) => metric.name === name).value;
    const seen = await tab.evaluate(() => {
      const [begin, end] = self.agentTimes;
      return { ...self.seen, init: end - begin };
    });
    await tab.click('#click-basket');
    await pause(CLICK_MS);
    const inp = await tab.evaluate(() => self.seen.inp);
    await cdp.send('HeapProfiler.collectGarbage');
    await cdp.send('HeapProfiler.collectGarbage');
    const heap = await cdp.send('Runtime.getHeapUsage');
    return {
      ...seen,
      inp,
      script: metric('ScriptDuration') * 1000,
      task: metric('TaskDuration') * 1000,
      heap: heap.usedSize + heap.backingStorageSize,
    };
  } finally {
    await close();
  }
}

/** Runs in the page before anything of it. */
function watch() {
  const seen = { longTasks: 0, longest: 0, fcp: 0, lcp: 0, inp: 0 };
  self.seen = seen;
  const observe = (type, each, options) => new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true, ...options });
  observe('longtask', ({ duration }) => {
    seen.longTasks++;
    seen.longest = Math.max(seen.longest, duration);
  });
  observe('paint', ({ name, startTime }) => {
    if (name === 'first-contentful-paint') seen.fcp = startTime;
  });
  observe('largest-contentful-paint', ({ startTime }) => (seen.lcp = startTime));
  observe('first-input', ({ duration }) => (seen.inp = duration));
}
