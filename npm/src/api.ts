/** What every entry has besides its own `init`. */

export type { Attributes, Options } from './options.js';
export { flush, shutdown, trackError, trackPageView, trackUserAction } from './stub.js';
