/**
 * What runs before the core: listens, queues, and loads the core when the page is done loading.
 *
 * It is part of every page's own load, so it stays small: the build refuses more than 1,500 bytes.
 */

import type { Attributes, Options } from './options.js';
import type { Page, Signal, Source } from './signal.js';

const MAX_QUEUED = 200;

const EVENTS = 'error unhandledrejection click keydown visibilitychange pageshow'.split(' ') as Source[];

/**
 * The part that is loaded after the page.
 *
 * @internal
 */
interface Core {
  /** Takes the queue and every signal from now on. */
  start(page: Page): Promise<void>;
}

const page = { queue: [], lost: 0 } as unknown as Page;

/** Runs `task`; nothing of ours may reach the page as an exception. */
const attempt = (task: () => void): void => {
  try {
    task();
  } catch (error) {
    if (page.options?.debug) console.warn('beamline:', error);
  }
};

const record = (source: Source, data?: unknown, target?: EventTarget): void =>
  attempt(() => {
    const signal: Signal = [source, data, performance.now(), document.visibilityState, location.href, target];
    if (page.sink) page.sink(signal);
    else {
      page.queue.length < MAX_QUEUED ? page.queue.push(signal) : page.lost++;
      if (source === 'visibilitychange') page.leave?.(page);
    }
  });

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
 * Starts the stub. `loadEarly` fetches what can send the queue, `loadCore` all the rest. The first call counts.
 *
 * @internal
 */
export const begin = (options: Options, loadEarly: () => Promise<Pick<Page, 'leave'>>, loadCore: () => Promise<Core>): void =>
  attempt(() => {
    if (page.options) return;
    page.options = options;
    if (!options.key) throw 'init needs a key';
    if (options.respectPrivacySignals !== false && (navigator.globalPrivacyControl || navigator.doNotTrack === '1')) return;
    for (const type of EVENTS) addEventListener(type, (event) => record(type, event, event.composedPath()[0]), true);
    page.fail = (error) => {
      page.sink = undefined;
      record('failure', error);
    };
    const start = (): void => {
      loadCore().then((core) => core.start(page)).catch(page.fail);
    };
    const whenShown = (): void => {
      record('begin');
      loadEarly().then((early) => (page.leave = early.leave), () => {});
      const whenIdle = (): void => {
        (window.requestIdleCallback ?? setTimeout)(start, { timeout: 2000 } as IdleRequestOptions & number);
      };
      document.readyState === 'complete' ? whenIdle() : addEventListener('load', whenIdle);
    };
    // A page that is rendered ahead of time is measured once it is shown.
    document.prerendering ? document.addEventListener('prerenderingchange', whenShown) : whenShown();
    // Last, since browsers and privacy tools may have no observers at all.
    if (PerformanceObserver.supportedEntryTypes.includes('event')) {
      page.observer = new PerformanceObserver((list) => record('event', list.getEntries()));
      // Without an observer, browsers keep only events of 104 ms and more for a later one. And where the browser does not count
      // interactions, the core has to, and needs to see all of them.
      page.observer.observe({ type: 'event', buffered: true, durationThreshold: 'interactionCount' in performance ? 40 : 0 });
    }
  });
