/**
 * Runs the core: turns what the stub recorded into what the core takes, and does what the core cannot do from WebAssembly.
 *
 * Every way into the core goes through `deliver`, so that no exception and no panic reaches the page.
 */

import { __wbg_set_wasm, compute, receive, start } from 'rum-sdk';
import { Clicks, act } from './collect/actions.js';
import { tellFault, watchReports } from './collect/errors.js';
import { watchFrames } from './collect/frames.js';
import { watchRequests } from './collect/requests.js';
import { Scroll } from './collect/scroll.js';
import { newId, scrubbed, storedSession, storeSession, viewOf } from './early.js';
import { Kind } from './kind.js';
import type { Consent } from './options.js';
import { type Deliver, joined, pairs, record, textOf } from './record.js';
import type { Page, Signal } from './signal.js';
import { Transport } from './transport.js';
import { LOAD_STATES, SUBPARTS, interactionType } from './vitals/names.js';
import { Operation } from './vitals/operation.js';
import { NAVIGATION_KINDS, attempt, pageState, rememberResources } from './vitals/page.js';
import { METRICS, type MetricName, type Report, type Visit, ofPage } from './vitals/watch.js';
import { Watches } from './vitals/watches.js';

/** What the core borrows from the page. The same type is in `rum-sdk/src/browser/page.rs`. */
interface Lent {
  storedSession(): string | undefined;
  storeSession(record: string): void;
  /** What the page makes of an event: `undefined` to leave it, an empty text to drop it, or another one. */
  edit(event: string): string | undefined;
  /** `true` when the browser took the beacon for good; otherwise its outcome is delivered. */
  post(number: number, body: string): boolean;
  /** Delivers `Kind.Timer` so many milliseconds from now, instead of what was asked for before; never without a number. */
  wake(inMs?: number): void;
}

const core = { compute };

/** In the order of `Consent` in `rum-sdk/src/signal.rs`. */
const CONSENT: Consent[] = ['denied', 'pending', 'granted'];

/** What the user agreed to; whatever is no word of ours is no agreement. */
const consentOf = ({ options: { consent = 'granted' } }: Page): number => Math.max(CONSENT.indexOf(consent), 0);

/** Takes the page over from the stub, with the exports of an instance whose imports are `imports`. */
export const run = (page: Page, exports: WebAssembly.Exports): void => {
  __wbg_set_wasm(exports);
  const { options } = page;
  if (options.debug) explain(page);
  const deliver = deliverer(page);
  const transport = new Transport(page, (number, status, retryAfter) => deliver(Kind.Settled, [number, status, retryAfter]));
  start(options, lend(page, transport, deliver), ...landing(page), performance.now(), Date.now());
  page.sent = true;
  page.lost = 0;

  const vitals = watchVitals(page, deliver);
  const scroll = new Scroll();
  const clicks = new Clicks(deliver);
  const requests = options.autoRequests === false ? undefined : watchRequests(options, deliver, () => clicks.answered());
  const frames = watchFrames(options, deliver);
  const endReports = watchReports(options, deliver);
  const facts = new Facts(deliver);
  let isLive = false;
  let shown = '';
  const scrolled = (): void => deliver(Kind.Scrolled, [scroll.take()]);
  const route = (href: string, at?: number): void => {
    if (href === shown) return;
    if (shown) scrolled();
    clicks.answered();
    deliver(Kind.Route, [], textOf([(shown = href)]), at);
  };
  const leave = (at?: number): void => {
    requests?.tell();
    scrolled();
    deliver(Kind.Hidden, [], '', at);
  };
  page.sink = (signal) => {
    const [source, data, at, visibility, href, target] = signal;
    route(href, at);
    switch (source) {
      case 'visibilitychange':
        vitals.visibilityChanged(data);
        if (visibility !== 'hidden') return deliver(Kind.Shown, [], '', at);
        leave(at);
        return transport.hidden();
      case 'keydown':
      case 'click':
        // What a script does is not the user's doing.
        if (!data.isTrusted) return;
        vitals.acted();
        if (source === 'click' && options.autoClicks !== false) clicks.clicked(data, target, isLive);
        return;
      case 'pageshow':
        if (!data.persisted) return;
        deliver(Kind.Restore, [], textOf([href]), data.timeStamp);
        return vitals.restored(data.timeStamp, isLive);
      case 'event':
        return vitals.events(data);
      case 'consent':
        if (data[0] === 'denied') transport.erase();
        deliver(Kind.Consent, [consentOf(page)]);
        if (data[0] === 'granted') transport.resend();
        return;
      case 'user':
      case 'attributes':
      case 'flags':
        return facts.set(source, data[0]);
      case 'reset':
        facts.set('user', null);
        return deliver(Kind.Reset);
      case 'shutdown':
        vitals.visibilityChanged({ isTrusted: true, timeStamp: at }, true);
        leave(at);
        for (const end of [() => vitals.stop(), () => scroll.stop(), () => requests?.stop(), () => frames?.disconnect(), endReports]) attempt(end);
        page.sink = () => {};
        return;
    }
    if (source === 'view') scrolled();
    translate(signal, deliver);
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
  if (options.autoClicks !== false) {
    addEventListener('submit', (event) => attempt(() => event.isTrusted && act(deliver, 'submit', event.target, event.timeStamp)), true);
  }
  // A page that is hidden already is left without another word.
  addEventListener('pagehide', () => attempt(() => {
    if (document.visibilityState !== 'hidden') return;
    leave();
    transport.hidden();
  }), true);
  if (consentOf(page) === 2) transport.resend();
};

/** What every event has: who the user is, own attributes, variants. */
class Facts {
  private readonly known: Record<string, Record<string, unknown>> = {};

  constructor(private readonly deliver: Deliver) {}

  set(source: 'user' | 'attributes' | 'flags', facts: object | null): void {
    this.known[source] = source === 'user' ? { ...facts } : { ...this.known[source], ...facts };
    const { user = {}, attributes = {}, flags = {} } = this.known;
    const named = (prefix: string, facts: object): [string, unknown][] => Object.entries(facts).map(([name, value]) => [prefix + name, value]);
    const all = [...named('user.', user), ...named('flag.', flags), ...named('', attributes)];
    const texts = pairs(Object.fromEntries(all));
    const isId = (at: number): boolean => /^user\.(id|tenant)$/.test(texts[at - 1] ?? '') && /^[\w-]+$/.test(texts[at]!);
    // Whose purpose is to name somebody stays as it is, however many digits it has. The service does the same.
    this.deliver(Kind.Attributes, [], joined(texts.map((text, at) => (isId(at) ? text : scrubbed(text)))));
  }
}

/** Has everything explained on the console, what comes before the explanation is there too. */
const explain = (page: Page): void => {
  const early: Parameters<NonNullable<Page['inspect']>>[] = [];
  page.inspect = (...seen) => void early.push(seen);
  void import('./debug.js').then((debug) => {
    debug.explain(page);
    for (const seen of early) page.inspect?.(...seen);
  }, () => (page.inspect = undefined));
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
      const texts = joined([id, visit.kind, ...textsOf(metric, report).map((text) => scrubbed(String(text ?? '')))]);
      deliver(Kind.Vital, [number, value, previous, visit.start, ...numbers] as number[], texts);
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

/** Gives the core one thing at a time, also when the page calls us from inside a call of ours. */
const deliverer = (page: Page): Deliver => {
  const waiting: (() => boolean)[] = [];
  let busy = false;
  let alive = true;
  const stop = (error: unknown): void => {
    alive = false;
    page.fail(error);
  };
  return (kind, numbers = [], texts = '', at = performance.now()) => {
    waiting.push(() => receive(kind, numbers, texts, at, performance.now(), Date.now()));
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

const translate = (signal: Signal, deliver: Deliver): void => {
  const [source, data, at, , href] = signal;
  switch (source) {
    case 'view':
      return deliver(Kind.PageView, [], textOf([data[0], href]), at);
    case 'action': {
      const [action, category, value] = data;
      const name = String(action ?? '');
      if (!name) return;
      const texts = { action: name, category: String(category ?? '') };
      return record(deliver, { type: 'action', numbers: { value: numberOf(value) }, texts, crumb: ['custom', name] }, at);
    }
    case 'measure': {
      const [name, value, attributes, unit] = data;
      if (!name || !Number.isFinite(value)) return;
      return record(deliver, { type: 'measure', numbers: { value }, texts: { name: String(name), unit: String(unit ?? '') }, attributes }, at);
    }
    case 'flush':
      return deliver(Kind.Flush);
  }
  tellFault(signal, deliver);
};

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : NaN);

const landing = (page: Page): [numbers: number[], texts: string] => {
  const begun = page.queue.find(([source]) => source === 'begin');
  const [kind] = ofPage(core, Operation.Visit);
  const { connection, language } = navigator;
  return [
    [innerWidth, innerHeight, Number(page.sent === true), page.lost, Number(document.visibilityState !== 'hidden'), consentOf(page), ...pageState()],
    joined([
      ...[begun?.[4] ?? location.href, document.referrer].map(scrubbed),
      ...[viewOf(page), connection?.effectiveType, language, NAVIGATION_KINDS[kind!]],
    ]),
  ];
};

const lend = (page: Page, transport: Transport, deliver: Deliver): Lent => {
  let timer: ReturnType<typeof setTimeout>;
  return {
    storedSession: () => (consentOf(page) === 2 ? storedSession() : undefined),
    storeSession,
    edit: (event) => {
      const { beforeSend } = page.options;
      let edited: string | undefined;
      if (typeof beforeSend === 'function') {
        try {
          edited = JSON.stringify(beforeSend(JSON.parse(event)) || '').replace(/^[^{].*/, '');
        } catch {
          // What could not be looked at may be what must not be seen.
          return '';
        }
      }
      page.inspect?.('event', edited ?? event);
      return edited;
    },
    post: (number, body) => transport.post(number, body),
    wake: (inMs) =>
      void attempt(() => {
        clearTimeout(timer);
        if (inMs !== undefined) timer = setTimeout(() => deliver(Kind.Timer), inMs);
      }),
  };
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
