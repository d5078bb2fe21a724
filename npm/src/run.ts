/**
 * Runs the core: turns what the stub recorded into what the core takes, and does what the core cannot do from WebAssembly.
 *
 * Every way into the core goes through `deliver`, so that no exception and no panic reaches the page.
 */

import { __wbg_set_wasm, compute, name, receive, start } from 'rum-sdk';
import { beaconUrl, newId, readFault, storedSession, storeSession, viewOf } from './early.js';
import { Kind } from './kind.js';
import type { Options } from './options.js';
import type { Page, Signal } from './signal.js';
import { LOAD_STATES, SUBPARTS, interactionType } from './vitals/names.js';
import { Operation } from './vitals/operation.js';
import { NAVIGATION_KINDS, pageState, rememberResources } from './vitals/page.js';
import { METRICS, type MetricName, type Report, type Visit, ofPage } from './vitals/watch.js';
import { Watches } from './vitals/watches.js';

/** What the core borrows from the page. The same type is in `rum-sdk/src/browser/page.rs`. */
interface Lent {
  storedSession(): string | undefined;
  storeSession(record: string): void;
  /** `true` when the browser took the beacon for good; otherwise its outcome is delivered. */
  post(number: number, body: string): boolean;
  timerRan(): void;
}

const core = { compute, name };

/** Takes the page over from the stub, with the exports of an instance whose imports are `imports`. */
export const run = (page: Page, exports: WebAssembly.Exports): void => {
  __wbg_set_wasm(exports);
  const { options } = page;
  const deliver = deliverer(page);
  start(options, lend(page, deliver), ...landing(page), performance.now(), Date.now());
  page.sent = true;
  page.lost = 0;
  if (options.debug) void import('./debug.js').then((debug) => debug.explain(options), () => {});

  const vitals = watchVitals(page, deliver);
  let isLive = false;
  let shown = '';
  const route = (href: string, at?: number): void => {
    if (href !== shown) deliver(Kind.Route, [], (shown = href), at);
  };
  page.sink = (signal) => {
    const [source, data, at, visibility, href] = signal;
    route(href, at);
    switch (source) {
      case 'visibilitychange':
        vitals.visibilityChanged(data);
        if (visibility === 'hidden') deliver(Kind.Hidden);
        return;
      case 'keydown':
      case 'click':
        // What a script does is not the user's doing.
        if (!data.isTrusted) return;
        vitals.acted();
        break;
      case 'pageshow':
        if (!data.persisted) return;
        deliver(Kind.Restore, [], href, data.timeStamp);
        return vitals.restored(data.timeStamp, isLive);
      case 'event':
        return vitals.events(data);
      case 'shutdown':
        vitals.visibilityChanged({ isTrusted: true, timeStamp: at }, true);
        deliver(Kind.Hidden);
        vitals.stop();
        page.sink = () => {};
        return;
    }
    translate(signal, deliver, options);
  };
  for (const signal of page.queue.splice(0)) {
    try {
      page.sink?.(signal);
    } catch {
      // It costs its own event, as in `record`.
    }
  }
  isLive = true;
  // From here on INP has its own observer.
  vitals.events(page.observer?.takeRecords() ?? []);
  page.observer?.disconnect();
  watchHistory(route);
};

/** Watches every vital, and delivers what is due. */
const watchVitals = (page: Page, deliver: Deliver): Watches => {
  const vitals = new Watches();
  for (const [source, data, at, visibility] of page.queue) {
    if (visibility === 'hidden') vitals.hiddenAt(source === 'begin' ? 0 : (data?.timeStamp ?? at));
  }
  rememberResources();
  const { softNavigations: reportSoftNavs, lcpTimeLimit: timeLimit } = page.options;
  METRICS.forEach((metric, number) => {
    let last: Visit | undefined;
    let id = '';
    const report = (report: Report): void => {
      const { visit, value, delta, parts } = report;
      const previous = last === visit ? value - delta : NaN;
      if (last !== visit) id = newId();
      last = visit;
      // The core has no use for the paint's time, nor for which script of which frame it was.
      const [time, , ...rest] = parts;
      const numbers = metric === 'INP' ? [time, ...rest.slice(0, 7), rest[10]] : parts;
      deliver(Kind.Vital, [number, value, previous, visit.start, ...numbers] as number[], textOf([id, visit.kind, ...textsOf(metric, report)]));
    };
    vitals.add(metric, { core, options: { reportSoftNavs, timeLimit }, isAttributed: true, report });
  });
  return vitals;
};

/** The texts of a report, in the order of `rum-sdk/src/collect/vital.rs`. */
const textsOf = (metric: MetricName, { loadState, target, entries: [entry], parts, longFrames }: Report): unknown[] => {
  const texts = [LOAD_STATES[loadState!], target];
  if (metric === 'LCP') return [target, entry?.url];
  if (metric === 'FID') texts.push(entry.name);
  if (metric === 'INP' && entry) {
    const { sourceURL, invoker } = longFrames?.[parts[9]!]?.scripts[parts[10]!] ?? {};
    texts.push(interactionType(entry), SUBPARTS[parts[11]!], sourceURL, invoker);
  }
  return texts;
};

type Deliver = (kind: Kind, numbers?: number[], texts?: string, at?: number, target?: unknown) => void;

/** Gives the core one thing at a time, also when the page calls us from inside a call of ours. */
const deliverer = (page: Page): Deliver => {
  const waiting: (() => boolean)[] = [];
  let busy = false;
  let alive = true;
  const stop = (error: unknown): void => {
    alive = false;
    page.fail(error);
  };
  return (kind, numbers = [], texts = '', at = performance.now(), target) => {
    waiting.push(() => receive(kind, numbers, texts, target, at, performance.now(), Date.now()));
    if (busy || !alive) return;
    busy = true;
    for (let next; alive && (next = waiting.shift()); ) {
      try {
        if (!next()) stop('the core stopped');
      } catch (error) {
        // A hostile getter costs its own event; a panic costs the core.
        if (globalThis.WebAssembly && error instanceof WebAssembly.RuntimeError) stop(error);
        else if (page.options.debug) console.warn('beamline:', error);
      }
    }
    busy = false;
  };
};

const translate = (signal: Signal, deliver: Deliver, options: Options): void => {
  const [source, data, at, , href, target] = signal;
  switch (source) {
    case 'click':
      if (options.autoClicks !== false) deliver(Kind.Click, [], '', data.timeStamp, target);
      return;
    case 'view':
      return deliver(Kind.PageView, [], textOf([data[0], href]), at);
    case 'action':
      return deliver(Kind.Action, [typeof data[2] === 'number' ? data[2] : NaN], textOf(data.slice(0, 2)), at);
    case 'flush':
      return deliver(Kind.Flush);
  }
  const fault = readFault(signal);
  if (fault) {
    const { name, message, stack, file, line, column, attributes = {} } = fault;
    const texts = textOf([fault.source, name, message, stack, file, ...Object.entries(attributes).flat()]);
    deliver(Kind.Error, [line ?? NaN, column ?? NaN], texts, at);
  }
};

/** U+001F is between texts, so it cannot be in one. */
const textOf = (values: unknown[]): string => values.map((value) => String(value ?? '').replaceAll('\x1f', ' ')).join('\x1f');

const landing = (page: Page): [numbers: number[], texts: string] => {
  const begun = page.queue.find(([source]) => source === 'begin');
  const [kind] = ofPage(core, Operation.Visit);
  const { connection, language } = navigator;
  return [
    [innerWidth, innerHeight, Number(page.sent === true), page.lost, ...pageState()],
    textOf([begun?.[4] ?? location.href, document.referrer, viewOf(page), connection?.effectiveType, language, NAVIGATION_KINDS[kind!]]),
  ];
};

const lend = (page: Page, deliver: Deliver): Lent => ({
  storedSession,
  storeSession,
  post: (number, body) => post(page, body, (status, retryAfter) => deliver(Kind.Settled, [number, status, retryAfter])),
  timerRan: () => deliver(Kind.Timer),
});

const post = (page: Page, body: string, settled: (status: number, retryAfter: number) => void): boolean => {
  const url = beaconUrl(page.options);
  try {
    // A text is sent as text/plain, which needs no preflight.
    if (navigator.sendBeacon(url, body)) return true;
  } catch {
    // Some privacy tools take it away.
  }
  new Promise<Response>((resolve) => resolve(fetch(url, { method: 'POST', body, keepalive: true, credentials: 'omit' }))).then(
    (response) => settled(response.status, Number(response.headers.get('Retry-After'))),
    () => settled(0, 0),
  );
  return false;
};

const watchHistory = (changed: (href: string) => void): void => {
  for (const name of ['pushState', 'replaceState'] as const) {
    const native = history[name];
    history[name] = function (...state) {
      native.apply(this, state);
      changed(location.href);
    };
  }
  addEventListener('popstate', () => changed(location.href), true);
  // A change that nothing else was recorded after.
  changed(location.href);
};
