import { bytes } from './inlined.js';
import { load } from './load.js';
import { run } from './run.js';
import type { Page } from './signal.js';

/** Takes the page over from the stub, with the copy of the module that a script carries. */
export const start = async (page: Page): Promise<void> =>
  run(page, await load(page.options, (imports) => WebAssembly.instantiate(bytes(), imports)));
