import { bytes } from './inlined.js';
import { run } from './run.js';
import type { Page } from './signal.js';

/** Takes the page over from the stub. */
export const start = (page: Page): Promise<void> => run(page, bytes());
