import { linked } from './load.js';
import { run } from './run.js';
import type { Page } from './signal.js';
import { instantiate } from './wasm2js.js';

/** Takes the page over from the stub, with the core in JavaScript. */
export const start = async (page: Page): Promise<void> => run(page, instantiate(linked));
