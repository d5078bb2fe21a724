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

/** Makes `visits` visits with each agent. */
export async function measureVisits(agents, bundles, visits, say) {
  const bench = await startBench();
  try {
    const rows = [];
    for (const agent of agents) {
      say(`visit: ${agent.name}`);
      const seen = [];
      for (let count = 0; count < visits; count++) {
        bench.use(agent, bundles);
        bench.collector.clear();
        await visit(bench);
        seen.push({ requests: bench.collector.requests.slice(), bytesRead: bench.collector.bytesRead() });
      }
      rows.push({ id: agent.id, visits: seen.map((one) => summary(agent, one)) });
    }
    return rows;
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
  await close();
  await pause(PACE.afterLeavingMs);
}

/** Counts of a visit. */
function summary({ sees }, { requests, bytesRead }) {
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
