/**
 * Runs the core: turns what the stub recorded into what the core takes, and does what the core cannot do from WebAssembly.
 *
 * Every way into the core goes through `deliver`, so that no exception and no panic reaches the page.
 */

import * as glue from 'rum-sdk';
import { beaconUrl } from './endpoint.js';
import { readFault } from './happening.js';
import { Kind } from './kind.js';
import type { Page, Signal } from './signal.js';
import { storage } from './storage.js';

type Delivery = [kind: Kind, payload: unknown, at: number];

/** What the core borrows from the page. The same type is in `rum-sdk/src/browser/page.rs`. */
interface Lent {
  view: string | undefined;
  viewSent: boolean;
  firstHidden: number;
  lost: number;
  href: string;
  referrer: string;
  wasDiscarded: boolean;
  storage: Storage | undefined;
  readonly width: number;
  readonly height: number;
  readonly connection: string | undefined;
  readonly language: string | undefined;
  /** `true` when the browser took the beacon for good; otherwise its outcome is delivered. */
  post(number: number, body: string): boolean;
  timerRan(): void;
  wakeWhenIdle(): void;
}

const OBSERVED: [type: string, kind: Kind][] = [
  ['paint', Kind.Paint],
  ['largest-contentful-paint', Kind.LargestPaint],
  ['layout-shift', Kind.LayoutShift],
  ['first-input', Kind.FirstInput],
];

/** Instantiates the module and takes the page over from the stub. */
export const run = async (page: Page, bytes: BufferSource): Promise<void> => {
  const { instance } = await WebAssembly.instantiate(bytes, { [IMPORT_MODULE]: glue });
  glue.__wbg_set_wasm(instance.exports);
  const deliver = deliverer(page);
  glue.start(page.options, lend(page, deliver), performance.now(), Date.now());
  page.sent = true;
  page.lost = 0;

  const observers = observe(deliver);
  if (page.observer) observers.push([page.observer, Kind.Interactions]);
  /** All the browser still has, then the end. The order decides whether a last slow interaction is seen. */
  const leave = (at: number): void => {
    deliver(Kind.HiddenSince, undefined, at);
    for (const [observer, kind] of observers) deliver(kind, observer.takeRecords());
    deliver(Kind.Hidden, performance.interactionCount);
  };

  page.sink = (signal) => {
    const [source, data, , visibility] = signal;
    if (source === 'visibilitychange') {
      if (visibility === 'hidden') leave(data.timeStamp);
    } else if (source === 'shutdown') {
      leave(performance.now());
      for (const [observer] of observers) observer.disconnect();
      page.sink = () => {};
    } else {
      const delivery = translate(signal);
      if (delivery) deliver(...delivery);
    }
  };
  for (const signal of page.queue.splice(0)) page.sink(signal);
  watchHistory((href) => deliver(Kind.Route, href));
};

type Deliver = (kind: Kind, payload?: unknown, at?: number) => void;

/** Gives the core one thing at a time, also when the page calls us from inside a call of ours. */
const deliverer = (page: Page): Deliver => {
  const waiting: Delivery[] = [];
  let busy = false;
  let alive = true;
  const stop = (error: unknown): void => {
    alive = false;
    page.fail(error);
  };
  return (kind, payload, at = performance.now()) => {
    waiting.push([kind, payload, at]);
    if (busy || !alive) return;
    busy = true;
    for (let next; alive && (next = waiting.shift()); ) {
      try {
        if (!glue.receive(...next, performance.now(), Date.now())) stop('the core stopped');
      } catch (error) {
        // A hostile getter costs its own event; a panic costs the core.
        if (error instanceof WebAssembly.RuntimeError) stop(error);
        else if (page.options.debug) console.warn('beamline:', error);
      }
    }
    busy = false;
  };
};

const translate = (signal: Signal): Delivery | undefined => {
  const [source, data, at, , target] = signal;
  switch (source) {
    case 'click':
      return data.isTrusted ? [Kind.Click, target, data.timeStamp] : undefined;
    case 'keydown':
      return data.isTrusted ? [Kind.Key, undefined, data.timeStamp] : undefined;
    case 'pageshow':
      return data.persisted ? [Kind.Restore, location.href, data.timeStamp] : undefined;
    case 'popstate':
      return [Kind.Route, location.href, at];
    case 'trackPageView':
      return [Kind.PageView, data, at];
    case 'trackUserAction':
      return [Kind.Action, data, at];
    case 'interactions':
      return [Kind.Interactions, data, at];
    case 'flush':
      return [Kind.Flush, undefined, at];
    default: {
      const fault = readFault(signal);
      // The core takes a flat list, which is cheaper to read.
      return fault && [Kind.Error, { ...fault, attributes: fault.attributes && Object.entries(fault.attributes).flat() }, at];
    }
  }
};

const lend = (page: Page, deliver: Deliver): Lent => {
  const begun = page.queue.find(([source]) => source === 'begin');
  const hidden = page.queue.find(([source, , , visibility]) => source === 'visibilitychange' && visibility === 'hidden');
  return {
    view: page.view,
    viewSent: page.sent === true,
    firstHidden: begun?.[3] === 'hidden' ? 0 : (hidden?.[1].timeStamp ?? Infinity),
    lost: page.lost,
    href: begun?.[1] ?? location.href,
    referrer: document.referrer,
    wasDiscarded: document.wasDiscarded === true,
    storage: storage(),
    get width() {
      return innerWidth;
    },
    get height() {
      return innerHeight;
    },
    get connection() {
      return navigator.connection?.effectiveType;
    },
    get language() {
      return navigator.language;
    },
    post: (number, body) => post(page, body, (status, retryAfter) => deliver(Kind.Settled, [number, status, retryAfter])),
    timerRan: () => deliver(Kind.Timer),
    wakeWhenIdle: () => {
      (window.requestIdleCallback ?? setTimeout)(() => deliver(Kind.Idle), { timeout: 1000 } as IdleRequestOptions & number);
    },
  };
};

/** One observer for each type, so that one the browser refuses costs no other. */
const observe = (deliver: Deliver): [PerformanceObserver, Kind][] => {
  const observers: [PerformanceObserver, Kind][] = [];
  for (const [type, kind] of OBSERVED) {
    try {
      if (!PerformanceObserver.supportedEntryTypes.includes(type)) continue;
      const observer = new PerformanceObserver((list) => deliver(kind, list.getEntries()));
      observer.observe({ type, buffered: true });
      observers.push([observer, kind]);
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
  // A change before the core ran.
  changed(location.href);
};
