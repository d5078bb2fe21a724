/**
 * What is recorded before anything else is loaded: by the entries of the package, and by the script for `<head>` before them.
 *
 * It is part of every page's own load, so it stays small: the build refuses a script for `<head>` of more than 1,500 bytes.
 */

import type { Page, Signal, Source } from './signal.js';

const MAX_QUEUED = 200;

const EVENTS = 'error unhandledrejection click keydown visibilitychange pageshow'.split(' ') as Source[];

/** The record of this page. It is the page's own, so that all copies of the package on it share one. */
export const shared = (): Page => (globalThis.__beamlinePage ??= { queue: [], lost: 0 } as unknown as Page);

/** Runs `task`; nothing of ours may reach the page as an exception. */
export const attempt = (task: () => void): void => {
  try {
    task();
  } catch (error) {
    if (shared().options?.debug) console.warn('beamline:', error);
  }
};

/** Records one signal, or hands it to the core. */
export const record = (source: Source, data?: unknown, target?: EventTarget): void =>
  attempt(() => {
    const page = shared();
    if (page.options?.consent === 'denied' && source !== 'consent') return;
    const signal: Signal = [source, data, performance.now(), document.visibilityState, location.href, target];
    if (page.sink) page.sink(signal);
    else {
      page.queue.length < MAX_QUEUED ? page.queue.push(signal) : page.lost++;
      if (source === 'visibilitychange') page.leave?.(page);
    }
  });

/** Runs `task` once the page is shown: one that is rendered ahead of time is measured from there on. */
export const whenShown = (task: () => void): void =>
  document.prerendering ? document.addEventListener('prerenderingchange', task) : task();

/** Listens from now on; once for a page. */
export const listen = (): void => {
  const page = shared();
  if (page.listens) return;
  page.listens = true;
  for (const type of EVENTS) addEventListener(type, (event) => record(type, event, event.composedPath()[0]), true);
  whenShown(() => record('begin'));
  // Browsers and privacy tools may have no observers at all.
  attempt(() => {
    if (PerformanceObserver.supportedEntryTypes.includes('event')) {
      page.observer = new PerformanceObserver((list) => record('event', list.getEntries()));
      // Without an observer, browsers keep only events of 104 ms and more for a later one. And where the browser does not count
      // interactions, the core has to, and needs to see all of them.
      page.observer.observe({ type: 'event', buffered: true, durationThreshold: 'interactionCount' in performance ? 40 : 0 });
    }
  });
};
