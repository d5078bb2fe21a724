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

/** Own facts about an error: at most 32, keys up to 64 and values up to 512 bytes. */
export type Attributes = Record<string, string | number | boolean>;
