/** Requests of the page: fetch and XMLHttpRequest one by one, other resources when they are slow or fail. */

import { newId } from '../early.js';
import type { Options } from '../options.js';
import { type Deliver, record } from '../record.js';
import { attempt, observe } from '../vitals/page.js';

/** A request on its way. */
interface Sent {
  initiator: 'fetch' | 'xmlhttprequest';
  method: string;
  url: string;
  start: number;
  trace?: string | undefined;
}

/** How long after its answer a request waits for the browser's own timing, milliseconds. */
const TIMING_WAIT_MS = 1000;
const SLOW_RESOURCE_MS = 1000;

/** Watches from now on, and says when a request starts. `tell` tells at once what was answered. */
export const watchRequests = (options: Options, deliver: Deliver, started: () => void): { tell(): void; stop(): void } => {
  const answered = new Map<Sent, () => void>();
  const tellSoon = (sent: Sent, status: number, failure?: string): void => {
    const told = performance.now();
    const tell = (): void =>
      void attempt(() => {
        if (answered.delete(sent)) request(deliver, sent, timingOf(sent), told - sent.start, status, failure);
      });
    answered.set(sent, tell);
    failure ? tell() : setTimeout(tell, TIMING_WAIT_MS);
  };
  const restore = [watchFetch(options, tellSoon, started), watchXhr(options, tellSoon, started)];
  const slow = options.slowResourceMs ?? SLOW_RESOURCE_MS;
  const observed = observe(['resource'], (entries) => {
    for (const entry of entries) {
      const { initiatorType: initiator, name: url, startTime: start, duration, responseStatus: status } = entry;
      if (/^(fetch|xmlhttprequest|beacon)$/.test(initiator) || !(duration >= slow || status >= 400)) continue;
      request(deliver, { initiator, method: '', url, start }, entry, duration, status);
    }
  });
  return {
    tell: () => answered.forEach((tell) => tell()),
    stop: () => {
      observed?.disconnect();
      for (const undo of restore) attempt(undo);
    },
  };
};

const request = (deliver: Deliver, sent: Sent, timing: any, took: number, status: number, failure?: string): void => {
  const { initiator, method, url, start, trace } = sent;
  const { duration = took, responseStart, startTime, transferSize, decodedBodySize } = timing ?? {};
  const path = attempt(() => new URL(url).pathname) ?? url;
  record(
    deliver,
    {
      type: 'request',
      numbers: {
        duration_ms: duration,
        ttfb_ms: responseStart > 0 ? responseStart - startTime : NaN,
        status: status || NaN,
        // Of other origins, browsers say 0.
        transfer_bytes: transferSize || NaN,
        decoded_bytes: decodedBodySize || NaN,
      },
      texts: { initiator, method, url, failure, trace_id: trace },
      crumb: ['request', [method, path, failure ?? (status || '')].join(' ').trim()],
    },
    start,
  );
};

/** The browser's own timing of a request. */
const timingOf = ({ url, start, initiator }: Sent): any =>
  (performance.getEntriesByName(url, 'resource') as any[]).filter((entry) => entry.startTime >= start - 1 && entry.initiatorType === initiator).pop();

const absolute = (url: unknown): string => new URL(String(url), document.baseURI).href;

/** Whether the backend of that address is to see the trace. */
const isTraced = ({ traceOrigins = [] }: Options, url: string): boolean => {
  const { origin } = new URL(url);
  return origin === location.origin || traceOrigins.some((wanted) => (wanted instanceof RegExp ? wanted.test(origin) : wanted === origin));
};

/** Sets the request's trace, unless it has one already; its id. https://www.w3.org/TR/trace-context/#traceparent-header */
const trace = (present: string | null, set: (header: string) => void): string | undefined => {
  if (!present) {
    present = `00-${newId()}${newId()}-${newId()}-01`;
    set(present);
  }
  return /^[\da-f]{2}-([\da-f]{32})-/.exec(present)?.[1];
};

type Tell = (sent: Sent, status: number, failure?: string) => void;

const watchFetch = (options: Options, tell: Tell, started: () => void): (() => void) => {
  const native = window.fetch;
  const watched = function (this: unknown, ...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    let sent: Sent | undefined;
    const traced = attempt(() => {
      started();
      const request = input instanceof Request ? input : undefined;
      const url = absolute(request?.url ?? input);
      sent = { initiator: 'fetch', method: String(init?.method ?? request?.method ?? 'GET').toUpperCase(), url, start: performance.now() };
      if (!isTraced(options, url) || (init?.mode ?? request?.mode) === 'no-cors') return undefined;
      const headers = new Headers(init?.headers ?? request?.headers);
      sent.trace = trace(headers.get('traceparent'), (header) => headers.set('traceparent', header));
      // Whatever else the caller's object has or inherits stays readable.
      return Object.create(init ?? null, { headers: { value: headers, enumerable: true } });
    });
    const answer: Promise<Response> = native.call(this as Window, input, traced ?? init);
    attempt(() =>
      answer.then(
        ({ status }) => tell(sent!, status),
        (error) => tell(sent!, 0, error?.name === 'AbortError' ? 'abort' : error?.name === 'TimeoutError' ? 'timeout' : 'network'),
      ).catch(() => {}),
    );
    return answer;
  };
  window.fetch = watched;
  return () => {
    if (window.fetch === watched) window.fetch = native;
  };
};

const watchXhr = (options: Options, tell: Tell, started: () => void): (() => void) => {
  const { prototype } = XMLHttpRequest;
  const { open, send, setRequestHeader } = prototype;
  const opened = new WeakMap<XMLHttpRequest, [method: string, url: string, traceparent: string | null]>();
  prototype.open = function (this: XMLHttpRequest, ...call: any[]) {
    attempt(() => opened.set(this, [String(call[0]).toUpperCase(), absolute(call[1]), null]));
    return (open as any).apply(this, call);
  };
  prototype.send = function (this: XMLHttpRequest, body) {
    attempt(() => {
      const [method, url, traceparent] = opened.get(this)!;
      started();
      const sent: Sent = { initiator: 'xmlhttprequest', method, url, start: performance.now() };
      if (isTraced(options, url)) sent.trace = trace(traceparent, (header) => setRequestHeader.call(this, 'traceparent', header));
      let failure: string | undefined;
      for (const [type, name] of [['abort', 'abort'], ['timeout', 'timeout'], ['error', 'network']] as const) {
        this.addEventListener(type, () => (failure = name), { once: true });
      }
      this.addEventListener('loadend', () => attempt(() => tell(sent, this.status, failure)), { once: true });
    });
    return send.call(this, body);
  };
  prototype.setRequestHeader = function (this: XMLHttpRequest, name, value) {
    attempt(() => name.toLowerCase() === 'traceparent' && (opened.get(this)![2] = value));
    return setRequestHeader.call(this, name, value);
  };
  const ours = { open: prototype.open, send: prototype.send, setRequestHeader: prototype.setRequestHeader };
  const natives = { open, send, setRequestHeader };
  return () => {
    for (const name of ['open', 'send', 'setRequestHeader'] as const) {
      if (prototype[name] === ours[name]) (prototype as any)[name] = natives[name];
    }
  };
};
