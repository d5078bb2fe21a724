/**
 * What comes between the stub and the core: loads the core when the page is done loading, and sends what the stub recorded when the
 * page is left before that, or when no core can run.
 */

import { beaconUrl } from './endpoint.js';
import { readFault } from './happening.js';
import type { Options } from './options.js';
import type { Core, Page, Signal, Source } from './signal.js';
import { storedSession, storeSession } from './storage.js';
import { scrubbed } from './text.js';

// The core has them from here, so that a page loads them once.
export { beaconUrl, readFault, scrubbed, storedSession, storeSession };

/** The id of the first page view, the same for whoever sends it first. */
export const viewOf = (page: Page): string => (page.view ??= newId());

type Record = (source: Source, data?: unknown) => void;

/** From here on the page has somebody who sends its queue. */
export const prepare = (page: Page, record: Record): void => {
  page.leave = leave;
  page.fail = (error) => {
    page.sink = undefined;
    record('failure', error);
  };
};

/** Loads and starts the core once the page has loaded and is idle. */
export const startWhenIdle = (page: Page, record: Record, loadCore: () => Promise<Core>): void => {
  prepare(page, record);
  const start = (): void => {
    loadCore().then((core) => core.start(page)).catch(page.fail);
  };
  const whenIdle = (): void => {
    (window.requestIdleCallback ?? setTimeout)(start, { timeout: 2000 } as IdleRequestOptions & number);
  };
  document.readyState === 'complete' ? whenIdle() : addEventListener('load', whenIdle);
};

const LONGEST_PAUSE_MS = 30 * 60_000;
const LONGEST_SESSION_MS = 4 * 3_600_000;
/** What browsers take at once, less than 64 KiB. */
const MOST_BYTES = 60 * 1024;

/** The query and fragment of every address in a JSON text. A position after it, as in a stack line, stays. */
const QUERIES = /(:\/\/[^\s?#"\\)]+)[?#][^\s"\\)]*?(?=(:\d+){0,2}[\s"\\)])/g;

/** If the page is hidden, sends the page view, the errors and the actions of the queue, and takes them out of it. */
export const leave = (page: Page): void => {
  const { options } = page;
  if (document.visibilityState !== 'hidden' || (options.consent ?? 'granted') !== 'granted') return;
  const now = Date.now();
  const wallClock = (at: number): number => Math.round(now - performance.now() + at);
  const { hasFailed, ...session } = currentSession(now);
  const sampleRate = options.sampleRate ?? 1;

  const events: object[] = page.sent ? [] : [{ type: 'page_view', at_ms: wallClock(0) }];
  page.sent = true;
  page.queue = page.queue.filter((signal) => {
    try {
      const event = readFault(signal) ?? readAction(signal, options);
      if (event) events.push({ at_ms: wallClock(signal[2]), ...(clean(event) as object) });
      return !event;
    } catch {
      // What refuses to be read costs its own event.
      return false;
    }
  });
  const isSampled = Number('0x' + session.id) / 2 ** 64 < sampleRate;
  const isKept = options.keepFailed !== false && (hasFailed || events.some(isFailure));
  if (!isSampled && !isKept) return;

  const lost = page.lost;
  page.lost = 0;
  const beacon = {
    v: 1,
    beacon_id: uuid(now),
    sent_at_ms: now,
    release: options.release,
    env: options.env,
    session: { ...session, sample_rate: isSampled ? sampleRate : 0 },
    lost: lost ? { dropped: lost } : undefined,
    views: [{ id: viewOf(page), started_at_ms: wallClock(0), url: scrubbed(location.href), referrer: scrubbed(document.referrer) || undefined }],
    events,
  };
  for (; events.length; events.pop()) {
    const body = JSON.stringify(beacon).replace(QUERIES, '$1');
    if (new Blob([body]).size <= MOST_BYTES) {
      navigator.sendBeacon(beaconUrl(options), body);
      return;
    }
  }
};

const isFailure = (event: { type?: string }): boolean => event.type === 'error';

/** The same without personal data in its texts. */
const clean = (value: unknown): unknown => {
  if (typeof value === 'string') return scrubbed(value);
  if (typeof value !== 'object' || !value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, clean(member)]));
};

const readAction = ([source, data]: Signal, { autoClicks }: Options): object | undefined => {
  if (source === 'action') {
    const [action, category = '', value] = data;
    const name = String(action);
    return name ? { type: 'action', action: name, category: String(category), value: Number.isFinite(value) ? value : undefined } : undefined;
  }
  if (source === 'click' && data.isTrusted && autoClicks !== false) return { type: 'action', action: source, category: 'auto' };
  return undefined;
};

/** The session that is stored, or a new one, which is stored. `rum-sdk/src/session.rs` has the same record and rules. */
const currentSession = (now: number): { id: string; started_at_ms: number; hasFailed: boolean } => {
  let [id, began, seen, ...failed] = (storedSession() ?? '').split('-') as [string, number, number, ...string[]];
  if (!(Math.abs(now - seen) < LONGEST_PAUSE_MS && Math.abs(now - began) < LONGEST_SESSION_MS)) {
    id = newId();
    began = now;
    failed = [];
  }
  storeSession([id, began, now, ...failed].join('-'));
  return { id, started_at_ms: Number(began), hasFailed: failed.length > 0 };
};

/** UUID version 7, RFC 9562 section 5.7. */
const uuid = (now: number): string => {
  const time = now.toString(16).padStart(12, '0');
  const random = hex() + hex() + hex();
  return [time.slice(0, 8), time.slice(8), '7' + random.slice(0, 3), '8' + random.slice(3, 6), random.slice(6, 18)].join('-');
};

/** Sixteen random hexadecimal digits. */
export const newId = (): string => hex() + hex();

/** Eight random hexadecimal digits. */
const hex = (): string => Math.random().toString(16).slice(2, 10).padEnd(8, '0');
