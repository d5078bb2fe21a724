/** The API of every entry. What it is told waits in the page's record until the core runs. */

import { record, shared } from './capture.js';
import type { Attributes, Consent, User } from './options.js';
import type { Source } from './signal.js';

/** A function of the API: what it is called with is recorded. */
const api = (source: Source): any => (...data: unknown[]): void => record(source, data);

/**
 * Names the page that is shown, such as `product` or `checkout`. The view that began by itself takes the name if it has none yet
 * and the address is still the same; otherwise a new page view begins. Call it after the address changed.
 */
export const trackPageView: (name: string) => void = /* @__PURE__ */ api('view');

/**
 * Reports an error that was caught.
 *
 * @param error - what was thrown, of any type
 * @param context - own facts to find it by; never put personal data here
 */
export const trackError: (error: unknown, context?: Attributes) => void = /* @__PURE__ */ api('caught');

/**
 * Reports something the user did.
 *
 * @param action - what was done, such as `add_to_cart`
 * @param category - own grouping, such as `shop`
 * @param value - own number, in a unit of your own
 */
export const trackUserAction: (action: string, category?: string, value?: number) => void = /* @__PURE__ */ api('action');

/**
 * Reports a measure of your own, such as the value of an order.
 *
 * @param name - what is measured, such as `order_value`
 * @param value - the number
 * @param attributes - own facts to group it by
 * @param unit - what the number counts, such as `EUR`
 */
export const track: (name: string, value: number, attributes?: Attributes, unit?: string) => void = /* @__PURE__ */ api('measure');

/**
 * Measures how long something takes: the function it returns reports the milliseconds since.
 *
 * @example
 * ```ts
 * const done = time('search');
 * await search();
 * done({ index: 'products' });
 * ```
 */
export const time = (name: string): ((attributes?: Attributes) => void) => {
  const start = performance.now();
  return (attributes) => track(name, performance.now() - start, attributes, 'ms');
};

/** Says who uses the page, for every event from now on; `null` for nobody. */
export const setUser: (user: User | null) => void = /* @__PURE__ */ api('user');

/** Adds own facts to every event from now on. One that is `undefined` is taken away. */
export const setAttributes: (attributes: Partial<Attributes>) => void = /* @__PURE__ */ api('attributes');

/** Says which variants of experiments and feature flags the user sees, for every event from now on. */
export const setFlags: (flags: Partial<Attributes>) => void = /* @__PURE__ */ api('flags');

/** Says whether the user agrees to be measured. When it is withdrawn, what was stored is erased, and what waits is forgotten. */
export const setConsent = (consent: Consent): void => {
  const page = shared();
  if (page.options) page.options.consent = consent;
  record('consent', [consent]);
  if (consent !== 'denied') page.resume?.();
};

/** Begins another session without a user, such as after a logout. */
export const reset: () => void = /* @__PURE__ */ api('reset');

/** Sends what is waiting, without waiting for the next batch. */
export const flush: () => void = /* @__PURE__ */ api('flush');

/** Reports the vitals as they are, sends what is waiting, and measures nothing more on this page. */
export const shutdown: () => void = /* @__PURE__ */ api('shutdown');
