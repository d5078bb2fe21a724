// What one visit sends, and what of it arrives: the same clicks, failures and route for every agent.

import { hide } from '../../tests/browser/harness/browser.mjs';
import { pause, startBench } from './browser.mjs';
import { PAGE } from './servers.mjs';

/** Clicks in this order. The second's request ends in a rejection that nobody handles, the fourth throws, the fifth is a route. */
const CLICKS = ['click-basket', 'click-stock', 'click-sort', 'click-voucher', 'click-route'];
/** What the page throws, rejects with and goes to; boomerang writes a space as `*20`. */
const PLANTED = { error: /planted(?: |\*20)error/, rejection: /planted(?: |\*20)rejection/, route: /planted-route/ };
/** A user's pace. Agents are up before the first click, and have the time of the last to send what is due. */
const PACE = { beforeClicksMs: 3000, betweenClicksMs: 600, beforeHidingMs: 1500, afterHidingMs: 1500, afterLeavingMs: 1500 };

/** Makes `visits` visits with each agent, at the same time in browsers of their own: nothing here is a matter of time. */
export async function measureVisits(agents, bundles, visits, say) {
  const series = await Promise.all(Array.from({ length: visits }, (_, index) => visitWithEach(agents, bundles, index === 0 ? say : () => {})));
  return agents.map(({ id }, index) => ({ id, visits: series.map((summaries) => summaries[index]) }));
}

async function visitWithEach(agents, bundles, say) {
  const bench = await startBench();
  try {
    const summaries = [];
    for (const agent of agents) {
      say(`visit: ${agent.name}`);
      bench.use(agent, bundles);
      bench.collector.clear();
      await visit(bench);
      summaries.push(summary(agent, bench.collector.requests, bench.collector.bytesRead()));
    }
    return summaries;
  } finally {
    await bench.close();
  }
}

async function visit(bench) {
  const { tab, close } = await bench.openPage();
  await tab.goto(PAGE);
  await pause(PACE.beforeClicksMs);
  for (const id of CLICKS) {
    await tab.click(`#${id}`);
    await pause(PACE.betweenClicksMs);
  }
  await pause(PACE.beforeHidingMs);
  await hide(tab);
  await pause(PACE.afterHidingMs);
  // Closing the browser's tab by the driver would end the page without telling it.
  await tab.goto(`${PAGE}other`);
  await pause(PACE.afterLeavingMs);
  await close();
}

/** Counts of a visit. */
function summary({ sees }, requests, bytesRead) {
  const sent = requests.filter(({ method }) => method !== 'OPTIONS');
  const text = sent.map(({ path, text }) => `${path}\n${text}`).join('\n');
  return {
    requests: sent.length,
    preflights: requests.length - sent.length,
    payload: sent.reduce((sum, { bytes }) => sum + bytes, 0),
    wire: bytesRead,
    error: PLANTED.error.test(text),
    rejection: PLANTED.rejection.test(text),
    route: PLANTED.route.test(text),
    clicks: sees.clicks?.(text) ?? 0,
    vitals: Object.entries(sees.vitals).filter(([, pattern]) => pattern.test(text)).map(([name]) => name),
  };
}
