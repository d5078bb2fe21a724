// What a page downloads until its agent works: the files that a real page asks for in load and some seconds after.

import { startBench, pause } from './browser.mjs';
import { sizeOf } from './bundle.mjs';
import { PAGE } from './servers.mjs';

/** Some agents fetch a part of themselves once the page is idle. */
const UNTIL_IDLE_MS = 4000;

export async function measureBytes(agents, bundles, say) {
  const bench = await startBench();
  try {
    const rows = [];
    for (const agent of agents) {
      say(`bytes: ${agent.name}`);
      bench.use(agent, bundles);
      const { tab, close } = await bench.openPage();
      await tab.goto(PAGE);
      await pause(UNTIL_IDLE_MS);
      await close();
      const files = [...new Set(bench.site.fetched)];
      rows.push({ id: agent.id, files: files.length, ...(await sizeOf(bench.site.folder, files)) });
    }
    return rows;
  } finally {
    await bench.close();
  }
}
