import type { Options } from './options.js';
import { beginWith } from './stub.js';

export * from './api.js';

/** As in `index.ts`, for tools that do not keep the WebAssembly file next to its script. */
export const init = (options: Options): void => beginWith(() => import('./inline.js'), options);
