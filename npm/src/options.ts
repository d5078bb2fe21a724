/** How Beamline measures this page. Only {@link Options.key} is required; a wrong value is ignored, never thrown. */
export interface Options {
  /** The site key, as the Beamline service knows it. */
  key: string;
  /**
   * Where beacons are posted.
   *
   * @defaultValue `/api/v1/metrics/rum` on the page's own origin
   */
  endpoint?: string;
  /** The application's release, such as `4.2.0` or a commit. At most 256 bytes. */
  release?: string;
  /** The deployment environment, such as `production`. At most 256 bytes. */
  env?: string;
  /**
   * Share of sessions that are measured, from 0 to 1. A session is measured as a whole or not at all, and the service counts each
   * measured one for all it stands for.
   *
   * @defaultValue `1`
   */
  sampleRate?: number;
  /**
   * Send a session outside the sample when an error happens in it or one of its vitals is poor: its last events, and what comes
   * after them. The service stores it apart and counts it nowhere, so that the sample stays one.
   *
   * @defaultValue `true`
   */
  keepFailed?: boolean;
  /**
   * Start a page view by itself: for the first page, and whenever the path changes through the History API.
   * When `false`, only {@link trackPageView} counts page views; the vitals are measured either way.
   *
   * @defaultValue `true`
   */
  autoPageViews?: boolean;
  /**
   * Measure every soft navigation as a visit with vitals of its own, where the browser knows soft navigations (Chromium 151 and
   * later). When `false`, all vitals belong to the load of the page.
   *
   * @defaultValue `false`
   */
  softNavigations?: boolean;
  /**
   * Milliseconds since the navigation began after which LCP is sent without waiting for its end, which is the user's first click or
   * key press, or the page being left. What is painted later still corrects it.
   *
   * @defaultValue none: LCP is sent when it is final
   */
  lcpTimeLimit?: number;
  /**
   * Record clicks of the user, with the element's selector and accessible name. The value of an input is never read.
   *
   * @defaultValue `true`
   */
  autoClicks?: boolean;
  /**
   * Record fetch and XMLHttpRequest calls of the page, and other resources that are slow or fail. Same-origin requests get a `traceparent`
   * header (W3C Trace Context), so that they can be found in the backend's traces.
   *
   * @defaultValue `true`
   */
  autoRequests?: boolean;
  /**
   * Other origins whose requests get a `traceparent` header, such as `https://api.example`. They must allow it in their CORS answers.
   *
   * @defaultValue none
   */
  traceOrigins?: (string | RegExp)[];
  /**
   * Milliseconds from which on a resource (image, script, style, …) is recorded. One that failed always is.
   *
   * @defaultValue `1000`
   */
  slowResourceMs?: number;
  /**
   * Milliseconds from which on a long animation frame is recorded, with the script that ran longest in it.
   *
   * @defaultValue `200`
   */
  longFrameMs?: number;
  /**
   * Record what the page writes with `console.error` as errors.
   *
   * @defaultValue `false`
   */
  consoleErrors?: boolean;
  /**
   * Whether the user agreed to be measured. `pending` keeps what happens in memory until {@link setConsent} is called; `denied` keeps
   * nothing, stores nothing, sends nothing and loads nothing.
   *
   * @defaultValue `granted`
   */
  consent?: Consent;
  /**
   * Sees every event before it is sent, as `docs/protocol.md` has it. What it returns is sent instead; `null` or `false` drops the event.
   * An event at which it throws is dropped. Personal data in texts is already replaced.
   *
   * @example
   * ```ts
   * init({ key: 'your-site-key', beforeSend: (event) => (event.type === 'error' && /ResizeObserver/.test(String(event.message)) ? null : event) });
   * ```
   */
  beforeSend?: (event: RumEvent) => RumEvent | null | false;
  /**
   * Obey Global Privacy Control and Do Not Track: with either set, nothing is measured, stored or sent.
   *
   * @defaultValue `true`
   */
  respectPrivacySignals?: boolean;
  /**
   * What the core runs on. With `auto` that is WebAssembly, or the same core in JavaScript where WebAssembly is refused: by a content
   * security policy without `'wasm-unsafe-eval'`, or by a browser that has none. Such a policy is tried, and reports it, once in a
   * session; with `js` it is never tried. With `wasm` the core does not run where it is refused.
   *
   * @defaultValue `auto`
   */
  engine?: 'auto' | 'wasm' | 'js';
  /**
   * Explain on the console what is wrong with the options and what failed. Never set it for users.
   *
   * @defaultValue `false`
   */
  debug?: boolean;
}

/** Whether the user agreed to be measured. */
export type Consent = 'granted' | 'denied' | 'pending';

/** An event on its way out. The other members depend on the type. */
export interface RumEvent {
  type: 'page_view' | 'page_leave' | 'vital' | 'error' | 'action' | 'request' | 'long_frame' | 'measure';
  /** When it happened, milliseconds since the Unix epoch by the user's clock. */
  at_ms: number;
  [member: string]: unknown;
}

/** Who uses the page, in words that mean nothing to others: ids, a plan, a role. Never a name or an address. */
export interface User {
  id?: string;
  tenant?: string;
  [fact: string]: string | number | boolean | undefined;
}

/** Own facts about an event: at most 32, keys up to 64 and values up to 512 bytes. */
export type Attributes = Record<string, string | number | boolean>;
