/**
 * What is delivered to the core, and what goes with it. The same numbers are in `rum-sdk/src/kind.rs`, where a test compares them
 * with these.
 */
export const enum Kind {
  /** An error, see `Fault`. */
  Error = 0,
  /** The element that was clicked. */
  Click = 1,
  /** `[action, category, value]`. */
  Action = 2,
  /** `[name, href]`. */
  PageView = 3,
  /** The address, which may have changed. */
  Route = 4,
  /** The address of a page that came back from the back/forward cache. The vitals are told after it. */
  Restore = 5,
  /** The page is hidden, and all vitals were told. */
  Hidden = 6,
  /** `flush()`. */
  Flush = 7,
  /** The core's timer has run out. */
  Timer = 8,
  /** `[number, status, retryAfter]` of a request; status 0 is a network failure. */
  Settled = 9,
  /** A vital that is due, see `watchVitals`. */
  Vital = 10,
}
