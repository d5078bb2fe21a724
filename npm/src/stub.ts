/** The API of every entry. What it is told waits in the page's record until the core runs. */

import { attempt, listen, record, shared, whenShown } from './capture.js';
import type { Attributes, Options } from './options.js';
import type { Core, Page } from './signal.js';

/**
 * Names the page that is shown, such as `product` or `checkout`. The view that began by itself takes the name if it has none yet
 * and the address is still the same; otherwise a new page view begins. Call it after the address changed.
 */
export const trackPageView = (name: string): void => record('view', [name]);

/**
 * Reports an error that was caught.
 *
 * @param error - what was thrown, of any type
 * @param context - own facts to find it by; never put personal data here
 */
export const trackError = (error: unknown, context?: Attributes): void => record('caught', [error, context]);

/**
 * Reports something the user did.
 *
 * @param action - what was done, such as `add_to_cart`
 * @param category - own grouping, such as `shop`
 * @param value - own number, in a unit of your own
 */
export const trackUserAction = (action: string, category?: string, value?: number): void =>
  record('action', [action, category, value]);

/** Sends what is waiting, without waiting for the next batch. */
export const flush = (): void => record('flush');

/** Reports the vitals as they are, sends what is waiting, and measures nothing more on this page. */
export const shutdown = (): void => record('shutdown');

/**
 * Starts measuring; `start` does the rest, once the page is shown. The first call on a page counts, whichever copy of the package it is
 * made to.
 *
 * @internal
 */
export const begin = (options: Options, start: (page: Page) => Promise<void>): void =>
  attempt(() => {
    const page = shared();
    if (page.options) return;
    page.options = options;
    if (!options.key) throw 'init needs a key';
    if (options.respectPrivacySignals !== false && (navigator.globalPrivacyControl || navigator.doNotTrack === '1')) {
      page.queue = [];
      page.sink = () => {};
      return;
    }
    listen();
    whenShown(() => start(page).catch(() => {}));
  });

/**
 * Starts measuring, with a core that is loaded when the page is done loading.
 *
 * @internal
 */
export const beginWith = (loadCore: () => Promise<Core>, options: Options): void =>
  begin(options, (page) => import('./early.js').then((early) => early.startWhenIdle(page, record, loadCore)));
