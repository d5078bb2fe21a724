/**
 * What is delivered to the core, and what goes with it. The same numbers are in `rum-sdk/src/browser/kind.rs`, where a test reads
 * this file.
 */
export const enum Kind {
  /** An error, see `Fault`. */
  Error = 0,
  /** The element that was clicked. */
  Click = 1,
  /** A key was pressed. */
  Key = 2,
  /** `[action, category, value]`. */
  Action = 3,
  /** `[name, href]`. */
  PageView = 4,
  /** The address, which may have changed. */
  Route = 5,
  /** Whether the page is hidden. */
  Visibility = 6,
  /** The page came back from the back/forward cache, with this address. */
  Restore = 7,
  /** `flush()`. */
  Flush = 8,
  /** `shutdown()`. */
  Shutdown = 9,
  /** The core's timer has run out. */
  Timer = 10,
  /** The browser is idle. */
  Idle = 11,
  /** What became of a request: `[number, status, retryAfter]`; status 0 is a network failure. */
  Settled = 12,
  /** `PerformanceEntry[]` of type `event`. */
  Interactions = 13,
  /** From here on: what a `PerformanceObserver` gives its callback. */
  Paint = 14,
  LargestPaint = 15,
  LayoutShift = 16,
  FirstInput = 17,
}
