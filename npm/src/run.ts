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

type Delivery = [kind: Kind, payload: unknown, at: number];

/** Instantiates the module and takes the page over from the stub. */
export const run = async (page: Page, bytes: BufferSource): Promise<void> => {
  const { instance } = await WebAssembly.instantiate(bytes, { [IMPORT_MODULE]: glue });
  glue.__wbg_set_wasm(instance.exports);
  const deliver = deliverer(page);
  const sink = (kind: Kind) => (value?: unknown) => deliver([kind, value, performance.now()]);

  const begun = page.queue.find(([source]) => source === 'begin');
  const hidden = page.queue.find(([source, , , visibility]) => source === 'visibilitychange' && visibility === 'hidden');
  const started = glue.start(page.options, {
    view: page.view,
    viewSent: page.sent === true,
    firstHidden: begun?.[3] === 'hidden' ? 0 : (hidden?.[1].timeStamp ?? Infinity),
    lost: page.lost,
    sink,
    whenIdle: () => (window.requestIdleCallback ?? setTimeout)(sink(Kind.Idle), { timeout: 1000 } as IdleRequestOptions & number),
    // What the page has not yet been told about interactions.
    interactions: () => page.observer?.takeRecords() ?? [],
    post: (number: number, body: string): boolean => post(page, number, body, sink(Kind.Settled)),
  });
  if (!started) throw new Error('the core refused to start');

  page.sent = true;
  page.lost = 0;
  page.sink = (signal) => {
    const delivery = translate(signal);
    if (delivery) deliver(delivery);
  };
  for (const signal of page.queue.splice(0)) page.sink(signal);
  watchHistory(sink(Kind.Route));
};

/** Gives the core one thing at a time, also when the page calls us from inside a call of ours. */
const deliverer = (page: Page): ((delivery: Delivery) => void) => {
  const waiting: Delivery[] = [];
  let busy = false;
  let alive = true;
  const stop = (error: unknown): void => {
    alive = false;
    page.fail(error);
  };
  return (delivery) => {
    waiting.push(delivery);
    if (busy || !alive) return;
    busy = true;
    for (let next; alive && (next = waiting.shift()); ) {
      try {
        if (!glue.receive(...next)) stop('the core stopped');
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
  const [source, data, at, visibility, target] = signal;
  switch (source) {
    case 'click':
      return data.isTrusted ? [Kind.Click, target, data.timeStamp] : undefined;
    case 'keydown':
      return data.isTrusted ? [Kind.Key, undefined, data.timeStamp] : undefined;
    case 'visibilitychange':
      return [Kind.Visibility, visibility === 'hidden', data.timeStamp];
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
    case 'shutdown':
      return [Kind.Shutdown, undefined, at];
    default: {
      const fault = readFault(signal);
      return fault && [Kind.Error, fault, at];
    }
  }
};

/** `true` when the browser took it for good; otherwise `settled` is told. */
const post = (page: Page, number: number, body: string, settled: (outcome: unknown) => void): boolean => {
  const url = beaconUrl(page.options);
  // A text is sent as text/plain, which needs no preflight.
  if (navigator.sendBeacon?.(url, body)) return true;
  fetch(url, { method: 'POST', body, keepalive: true, credentials: 'omit' }).then(
    (response) => settled([number, response.status, Number(response.headers.get('Retry-After'))]),
    () => settled([number, 0, 0]),
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
