import type { Options } from './options.js';
import { beginWith } from './stub.js';

export type * from './options.js';
export * from './api.js';

/**
 * As `init` of `beamline-rum`, with a core in JavaScript instead of WebAssembly, for pages whose content security policy is not to
 * allow any. It measures and sends the same, and takes some 25 % more bytes.
 */
export const init = (options: Options): void => beginWith(() => import('./core.plain.js'), options);
