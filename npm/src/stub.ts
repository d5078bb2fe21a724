/** How every entry starts. */

import { attempt, listen, record, shared, whenShown } from './capture.js';
import type { Options } from './options.js';
import type { Core, Page } from './signal.js';

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
    page.options = options = { ...options };
    if (!options.key) throw 'init needs a key';
    if (options.respectPrivacySignals !== false && (navigator.globalPrivacyControl || navigator.doNotTrack === '1')) {
      page.queue = [];
      page.sink = () => {};
      return;
    }
    listen();
    const go = (): void => {
      page.resume = undefined;
      start(page).catch(() => {});
    };
    whenShown(() => (page.options.consent === 'denied' ? (page.resume = go) : go()));
  });

/**
 * Starts measuring, with a core that is loaded when the page is done loading.
 *
 * @internal
 */
export const beginWith = (loadCore: () => Promise<Core>, options: Options): void =>
  begin(options, (page) => import('./early.js').then((early) => early.startWhenIdle(page, record, loadCore)));
