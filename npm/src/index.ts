import type { Options } from './options.js';
import { beginWith } from './stub.js';

export type * from './options.js';
export * from './api.js';

/**
 * Starts measuring this page. Call it once, as early as possible; later calls do nothing, and it never throws.
 *
 * It listens at once. The core is fetched when the page has loaded and is idle, and takes over what was seen until then.
 *
 * @example
 * ```ts
 * import { init } from 'beamline-rum';
 *
 * init({ key: 'your-site-key', release: '4.2.0', env: 'production' });
 * ```
 */
export const init = (options: Options): void => beginWith(() => import('./core.js'), options);
