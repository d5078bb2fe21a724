/**
 * Runs the core: turns what the stub recorded into what the core takes, and does what the core cannot do from WebAssembly.
 *
 * Every way into the core goes through `deliver`, so that no exception and no panic reaches the page.
 */

import * as glue from 'rum-sdk';
import { beaconUrl, readFault, storedSession, storeSession, viewOf } from './early.js';
import { Kind } from './kind.js';
import type { Options } from './options.js';
import type { Page, Signal } from './signal.js';

/**
 * What is delivered: numbers and texts in the order `rum-sdk/src/delivery.rs` reads them. An absent number is `NaN`, an absent text
 * is empty.
 */
type Delivery = [kind: Kind, numbers: ArrayLike<number>, texts: string, at: number, target: unknown];

/** What the core borrows from the page. The same type is in `rum-sdk/src/browser/page.rs`. */
interface Lent {
  storedSession(): string | undefined;
  storeSession(record: string): void;
  /** `true` when the browser took the beacon for good; otherwise its outcome is delivered. */
  post(number: number, body: string): boolean;
  timerRan(): void;
  wakeWhenIdle(): void;
}

const EVENT = ['startTime', 'duration', 'processingStart', 'processingEnd', 'interactionId'];

/** What is observed, and the numbers of an entry that are delivered. */
const OBSERVED: [type: string, kind: Kind, properties: string[]][] = [
  ['paint', Kind.Paint, ['startTime']],
  ['largest-contentful-paint', Kind.LargestPaint, ['startTime']],
  ['layout-shift', Kind.LayoutShift, ['startTime', 'value', 'hadRecentInput']],
  ['first-input', Kind.FirstInput, EVENT],
];

const NAVIGATION = [
  'activationStart',
  'workerStart',
  'fetchStart',
  'domainLookupStart',
  'domainLookupEnd',
  'connectStart',
  'connectEnd',
  'requestStart',
  'responseStart',
  'responseEnd',
  'domInteractive',
  'domContentLoadedEventStart',
  'domContentLoadedEventEnd',
  'domComplete',
  'loadEventEnd',
];

/** Instantiates the module and takes the page over from the stub. */
export const run = async (page: Page, bytes: BufferSource): Promise<void> => {
  const { instance } = await WebAssembly.instantiate(bytes, { [IMPORT_MODULE]: glue.imports });
  glue.__wbg_set_wasm(instance.exports);
  const deliver = deliverer(page);
  glue.start(page.options, lend(page, deliver), ...landing(page), performance.now(), Date.now());
  page.sent = true;
  page.lost = 0;
  if (page.options.debug) void import('./debug.js').then((debug) => debug.explain(page.options), () => {});

  const observers = observe(deliver);
  /** All the browser still has, then the end. The order decides whether a last slow interaction is seen. */
  const leave = (at: number): void => {
    deliver(Kind.HiddenSince, [], '', at);
    for (const [observer, take] of observers) take(observer.takeRecords());
    if (page.observer) deliver(Kind.Interactions, numbersOf(page.observer.takeRecords(), EVENT));
    deliver(Kind.Hidden, [performance.interactionCount ?? NaN]);
  };

  let shown = '';
  const route = (href: string, at?: number): void => {
    if (href !== shown) deliver(Kind.Route, [], (shown = href), at);
  };
  page.sink = (signal) => {
    const [source, data, at, visibility, href] = signal;
    route(href, at);
    if (source === 'visibilitychange') {
      if (visibility === 'hidden') leave(data.timeStamp);
    } else if (source === 'shutdown') {
      leave(performance.now());
      for (const [observer] of observers) observer.disconnect();
      page.observer?.disconnect();
      page.sink = () => {};
    } else {
      translate(signal, deliver, page.options);
    }
  };
  for (const signal of page.queue.splice(0)) page.sink(signal);
  watchHistory(route);
};

type Deliver = (kind: Kind, numbers?: number[], texts?: string, at?: number, target?: unknown) => void;

/** Gives the core one thing at a time, also when the page calls us from inside a call of ours. */
const deliverer = (page: Page): Deliver => {
  const waiting: Delivery[] = [];
  let busy = false;
  let alive = true;
  const stop = (error: unknown): void => {
    alive = false;
    page.fail(error);
  };
  return (kind, numbers = [], texts = '', at = performance.now(), target) => {
    waiting.push([kind, numbers, texts, at, target]);
    if (busy || !alive) return;
    busy = true;
    for (let next; alive && (next = waiting.shift()); ) {
      try {
        const [kind, numbers, texts, at, target] = next;
        if (!glue.receive(kind, numbers, texts, target, at, performance.now(), Date.now())) stop('the core stopped');
      } catch (error) {
        // A hostile getter costs its own event; a panic costs the core.
        if (error instanceof WebAssembly.RuntimeError) stop(error);
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
    case 'keydown':
      // What a script does is not the user's doing.
      if (!data.isTrusted) return;
      deliver(Kind.Input, [], '', data.timeStamp);
      if (source === 'click' && options.autoClicks !== false) deliver(Kind.Click, [], '', data.timeStamp, target);
      return;
    case 'pageshow':
      if (data.persisted) deliver(Kind.Restore, [], href, data.timeStamp);
      return;
    case 'view':
      return deliver(Kind.PageView, [], textOf([data[0], href]), at);
    case 'action':
      return deliver(Kind.Action, [typeof data[2] === 'number' ? data[2] : NaN], textOf(data.slice(0, 2)), at);
    case 'event':
      return deliver(Kind.Interactions, numbersOf(data, EVENT), '', at);
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

/** The properties of all entries in one list. A property that an entry does not have is `NaN`. */
const numbersOf = (entries: ArrayLike<any>, properties: string[]): number[] =>
  Array.from(entries).flatMap((entry) => properties.map((property) => Number(entry[property])));

const landing = (page: Page): [numbers: number[], texts: string] => {
  const begun = page.queue.find(([source]) => source === 'begin');
  const hidden = page.queue.find(([source, , , visibility]) => source === 'visibilitychange' && visibility === 'hidden');
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  const timing = numbersOf(navigation ? [navigation] : [], NAVIGATION);
  const hiddenEntry = performance
    .getEntriesByType('visibility-state')
    .find(({ name, startTime }) => name === 'hidden' && startTime >= (timing[0] || 0));
  return [
    [
      innerWidth,
      innerHeight,
      Number(page.sent === true),
      Number(document.wasDiscarded === true),
      begun?.[3] === 'hidden' ? 0 : (hidden?.[1].timeStamp ?? Infinity),
      hiddenEntry?.startTime ?? NaN,
      page.lost,
      ...timing,
    ],
    textOf([begun?.[4] ?? location.href, document.referrer, viewOf(page), navigation?.type, navigator.connection?.effectiveType, navigator.language]),
  ];
};

const lend = (page: Page, deliver: Deliver): Lent => ({
  storedSession,
  storeSession,
  post: (number, body) => post(page, body, (status, retryAfter) => deliver(Kind.Settled, [number, status, retryAfter])),
  timerRan: () => deliver(Kind.Timer),
  wakeWhenIdle: () => {
    (window.requestIdleCallback ?? setTimeout)(() => deliver(Kind.Idle), { timeout: 1000 } as IdleRequestOptions & number);
  },
});

type Observed = [observer: PerformanceObserver, take: (entries: PerformanceEntryList) => void];

/** One observer for each type, so that one the browser refuses costs no other. */
const observe = (deliver: Deliver): Observed[] => {
  const observers: Observed[] = [];
  for (const [type, kind, properties] of OBSERVED) {
    try {
      if (!PerformanceObserver.supportedEntryTypes.includes(type)) continue;
      const take = (entries: PerformanceEntryList): void => {
        const wanted = kind === Kind.Paint ? entries.filter(({ name }) => name === 'first-contentful-paint') : entries;
        if (wanted.length) deliver(kind, numbersOf(wanted, properties));
      };
      const observer = new PerformanceObserver((list) => take(list.getEntries()));
      observer.observe({ type, buffered: true });
      observers.push([observer, take]);
    } catch {
      // Without this type, its metric stays silent.
    }
  }
  return observers;
};

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
