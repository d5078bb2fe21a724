import type { Options } from './options.js';
import { begin } from './stub.js';

export { flush, shutdown, trackError, trackPageView, trackUserAction } from './stub.js';

/** As in `index.ts`, for tools that do not keep the WebAssembly file next to its script. */
export const init = (options: Options): void => begin(options, () => import('./early.js'), () => import('./inline.js'));
