import type { Options } from './options.js';

/** What the stub records: events of the page by their own names, calls of the API, and two of its own. */
export type Source =
  | 'error'
  | 'unhandledrejection'
  | 'click'
  | 'keydown'
  | 'visibilitychange'
  | 'pageshow'
  | 'view'
  | 'caught'
  | 'action'
  | 'measure'
  | 'user'
  | 'attributes'
  | 'flags'
  | 'consent'
  | 'reset'
  | 'flush'
  | 'shutdown'
  /** Entries of type `event`. */
  | 'event'
  /** The page is measured from here on; its visibility is the one at the start. */
  | 'begin'
  /** The core cannot start, or broke down. */
  | 'failure';

/** One record. Elements are referred to only until the core runs, which is when the page has loaded. */
export type Signal = [
  source: Source,
  /** The event, the arguments of the call, or the entries. */
  data: any,
  /** On the page's clock, `performance.now()`. */
  at: number,
  visibility: DocumentVisibilityState,
  /** The page's address then. It changes under a single-page application. */
  href: string,
  /** The innermost element of the event. It cannot be asked for later. */
  target: EventTarget | undefined,
];

/** What the stub shares with the parts that are loaded later. */
export interface Page {
  /** The options of `init`, unchecked. */
  options: Options;
  /** The id of the first page view, once it has one: 16 hexadecimal digits. */
  view?: string;
  /** Whether the first page view was sent. */
  sent?: boolean;
  /** Whether its events are listened to. */
  listens?: true;
  /** What was recorded and not taken yet. */
  queue: Signal[];
  /** How many signals did not fit into the queue. */
  lost: number;
  /** Observes `event` entries, where the browser has them. */
  observer?: PerformanceObserver;
  /** Takes every signal once the core runs. */
  sink?: ((signal: Signal) => void) | undefined;
  /** Sends the queue without a core. */
  leave?: (page: Page) => void;
  /** Starts what waits for consent. */
  resume?: (() => void) | undefined;
  /** With `debug`: sees every event and beacon as JSON. */
  inspect?: ((what: 'event' | 'beacon', json: string) => void) | undefined;
  /** Gives the page back to the stub. */
  fail: (error: unknown) => void;
}

/** The part that is loaded after the page. */
export interface Core {
  /** Takes the queue and every signal from now on. */
  start(page: Page): Promise<void>;
}
