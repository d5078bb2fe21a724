/**
 * Performance entries as browsers give them, where TypeScript's own declarations lack them. They are ordinary exports: a global
 * declaration would clash with those of other packages. Times are milliseconds on the page's clock, `performance.now()`.
 */

/** What the soft navigations draft adds to every entry. */
interface InNavigation {
  /** The navigation the entry belongs to; absent in browsers without soft navigations. */
  navigationId?: number;
}

/** Any entry. */
export type Entry = PerformanceEntry & InNavigation;

/** https://w3c.github.io/paint-timing/ */
export type PaintTiming = PerformancePaintTiming & InNavigation;

/** https://w3c.github.io/largest-contentful-paint/ */
export type LargestPaint = LargestContentfulPaint & InNavigation;

/** https://w3c.github.io/navigation-timing/ */
export type NavigationTiming = PerformanceNavigationTiming &
  InNavigation & {
    /** When a prerendered page was shown; 0 without prerendering, absent in browsers without it. */
    readonly activationStart?: number;
  };

/** https://w3c.github.io/event-timing/ */
export type EventTiming = PerformanceEventTiming &
  InNavigation & {
    /** The same for all events of one interaction; 0 when the event is of none. */
    readonly interactionId: number;
    /** The element's selector, which outlives the element; absent in most browsers. */
    readonly targetSelector?: string;
  };

/** https://wicg.github.io/layout-instability/#sec-layout-shift */
export interface LayoutShift extends Entry {
  /** Score: the share of the viewport that moved, times how far. */
  value: number;
  /** At most five elements, those with the largest moved area. */
  sources: LayoutShiftAttribution[];
  /** Whether the user did something in the 500 ms before, which excuses the shift. */
  hadRecentInput: boolean;
}

/** https://wicg.github.io/layout-instability/#sec-layout-shift-attribution */
export interface LayoutShiftAttribution {
  /** `null` once it is removed from the document. */
  node: Node | null;
  previousRect: DOMRectReadOnly;
  currentRect: DOMRectReadOnly;
}

/** https://github.com/WICG/soft-navigations */
export interface InteractionContentfulPaint extends Entry {
  readonly interactionId: number;
  readonly largestContentfulPaint?: LargestContentfulPaint;
}

/** https://github.com/WICG/soft-navigations */
export interface PerformanceSoftNavigation extends Entry {
  /** The interaction that led to the navigation. */
  readonly interactionId: number;
  readonly navigationType?: 'push' | 'reload' | 'replace' | 'traverse';
  readonly paintTime?: number;
  readonly presentationTime?: number;
  readonly getLargestInteractionContentfulPaint?: () => InteractionContentfulPaint | null;
}

/** https://w3c.github.io/long-animation-frames/#sec-PerformanceLongAnimationFrameTiming */
export interface PerformanceLongAnimationFrameTiming extends Entry {
  readonly startTime: DOMHighResTimeStamp;
  readonly duration: DOMHighResTimeStamp;
  readonly name: string;
  readonly entryType: string;
  /** When the frame's rendering began; 0 when nothing was rendered. */
  readonly renderStart: DOMHighResTimeStamp;
  readonly styleAndLayoutStart: DOMHighResTimeStamp;
  /** For how long the frame kept input waiting. */
  readonly blockingDuration: DOMHighResTimeStamp;
  readonly firstUIEventTimestamp: DOMHighResTimeStamp;
  /** Those that ran for more than 5 ms. */
  readonly scripts: PerformanceScriptTiming[];
}

/** https://w3c.github.io/long-animation-frames/#sec-PerformanceScriptTiming */
export interface PerformanceScriptTiming extends Entry {
  readonly startTime: DOMHighResTimeStamp;
  readonly duration: DOMHighResTimeStamp;
  readonly name: string;
  readonly entryType: string;
  readonly invokerType: 'classic-script' | 'module-script' | 'event-listener' | 'user-callback' | 'resolve-promise' | 'reject-promise';
  /** Who called it, such as `BUTTON#buy.onclick`. */
  readonly invoker: string;
  /** After compiling. */
  readonly executionStart: DOMHighResTimeStamp;
  readonly sourceURL: string;
  readonly sourceFunctionName: string;
  /** Characters from the start of the file; -1 when unknown. */
  readonly sourceCharPosition: number;
  /** In synchronous waits, such as `alert`. */
  readonly pauseDuration: DOMHighResTimeStamp;
  readonly forcedStyleAndLayoutDuration: DOMHighResTimeStamp;
  readonly window?: Window;
  readonly windowAttribution: 'self' | 'descendant' | 'ancestor' | 'same-page' | 'other';
}
