/**
 * What is delivered to the core, and what goes with it. The same numbers are in `rum-sdk/src/kind.rs`, where a test compares them
 * with these.
 */
export const enum Kind {
  /** An error, see `Fault`. */
  Error = 0,
  /** The element that was clicked. */
  Click = 1,
  /** The user clicked or pressed a key. */
  Input = 2,
  /** `[action, category, value]`. */
  Action = 3,
  /** `[name, href]`. */
  PageView = 4,
  /** The address, which may have changed. */
  Route = 5,
  /** The address of a page that came back from the back/forward cache. */
  Restore = 6,
  /** The page was hidden. */
  HiddenSince = 7,
  /** The page is hidden and all entries were delivered; with `performance.interactionCount`. */
  Hidden = 8,
  /** `flush()`. */
  Flush = 9,
  /** The core's timer has run out. */
  Timer = 10,
  /** The browser is idle. */
  Idle = 11,
  /** `[number, status, retryAfter]` of a request; status 0 is a network failure. */
  Settled = 12,
  /** `PerformanceEntry[]`, as in those below. */
  Paint = 13,
  LargestPaint = 14,
  LayoutShift = 15,
  FirstInput = 16,
  Interactions = 17,
}
