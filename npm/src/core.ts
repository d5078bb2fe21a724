import { load } from './load.js';
import { run } from './run.js';
import type { Page } from './signal.js';

/** Takes the page over from the stub, with the module from the file next to this one. */
export const start = async (page: Page): Promise<void> =>
  run(page, await load(page.options, (imports) => WebAssembly.instantiateStreaming(fetch(new URL('./rum.wasm', import.meta.url)), imports)));
