/**
 * The types of npm `web-vitals` 6.2.3, and those for FID of 4.2.4, so that code written for it compiles unchanged. Times are
 * milliseconds; points in time are on the page's clock, `performance.now()`.
 */

import type {
  Entry,
  EventTiming,
  InteractionContentfulPaint,
  LargestPaint,
  LayoutShift,
  LayoutShiftAttribution,
  NavigationTiming,
  PaintTiming,
  PerformanceLongAnimationFrameTiming,
  PerformanceScriptTiming,
  PerformanceSoftNavigation,
} from './entries.js';

export type {
  InteractionContentfulPaint,
  LayoutShift,
  LayoutShiftAttribution,
  PerformanceLongAnimationFrameTiming,
  PerformanceScriptTiming,
  PerformanceSoftNavigation,
};

/** What a callback receives. Later reports of the same metric instance pass the same object again, with new values. */
export interface Metric {
  name: 'CLS' | 'FCP' | 'INP' | 'LCP' | 'TTFB';
  /** Milliseconds; of CLS a score without unit. */
  value: number;
  /** Of `value`, by the metric's {@link MetricRatingThresholds | thresholds}. */
  rating: 'good' | 'needs-improvement' | 'poor';
  /** How much `value` grew since the last report; all of it in the first. */
  delta: number;
  /** One for each metric instance: another after a return from the back/forward cache and for each soft navigation. */
  id: string;
  /** The browser's own entries that `value` was computed from; empty when there was none. */
  entries: Entry[];
  /**
   * How the user came to the page: as Navigation Timing has it, or `back-forward-cache`, `prerender`, `restore` for a page that the
   * browser had discarded, `soft-navigation` for a change of address without a load.
   */
  navigationType: 'navigate' | 'reload' | 'back-forward' | 'back-forward-cache' | 'prerender' | 'restore' | 'soft-navigation';
  /** The navigation that was measured. */
  navigationId: number;
  /** The interaction that led to a soft navigation; absent for all others. */
  navigationInteractionId?: number;
  /** When the navigation began: other than 0 for a soft one. */
  navigationStartTime?: number;
  /** The address that was measured, which may not be the present one. */
  navigationURL?: string;
}

/** Any metric. */
export type MetricType = CLSMetric | FCPMetric | INPMetric | LCPMetric | TTFBMetric;

/** Any metric with attribution. */
export type MetricWithAttribution =
  | CLSMetricWithAttribution
  | FCPMetricWithAttribution
  | INPMetricWithAttribution
  | LCPMetricWithAttribution
  | TTFBMetricWithAttribution;

/** Values up to the first are good, values above the second are poor. */
export type MetricRatingThresholds = [number, number];

/** @deprecated Name the metric: `(metric: LCPMetric) => void`. */
export interface ReportCallback {
  (metric: MetricType): void;
}

/** Options of every metric. */
export interface ReportOpts {
  /**
   * Report every change, not only the final value.
   *
   * @defaultValue `false`
   */
  reportAllChanges?: boolean;
  /**
   * Of INP: shortest event that is looked at, in milliseconds. The browser allows no less than 16.
   *
   * @defaultValue `40`
   */
  durationThreshold?: number;
  /**
   * Measure soft navigations by themselves, where the browser knows them.
   *
   * @defaultValue `false`
   */
  reportSoftNavs?: boolean;
}

/** Options of every metric with attribution. */
export interface AttributionReportOpts extends ReportOpts {
  /** Names an element in its own way; the selector is taken where it returns nothing. */
  generateTarget?: (el: Node | null) => string | undefined;
}

/**
 * How far the document was: `loading` until it was parsed, `dom-interactive` until its scripts ran (all but `async` ones),
 * `dom-content-loaded` until everything it refers to was loaded, then `complete`.
 */
export type LoadState = 'loading' | 'dom-interactive' | 'dom-content-loaded' | 'complete';

/** Cumulative Layout Shift. */
export interface CLSMetric extends Metric {
  name: 'CLS';
  entries: LayoutShift[];
}

/** Of the largest shift in the session window that counts; empty without one. */
export interface CLSAttribution {
  /** Selector of the first element that moved and is still there. */
  largestShiftTarget?: string;
  largestShiftTime?: DOMHighResTimeStamp;
  /** Score. */
  largestShiftValue?: number;
  largestShiftEntry?: LayoutShift;
  /** The place of `largestShiftTarget` before and after. */
  largestShiftSource?: LayoutShiftAttribution;
  /** At that time. */
  loadState?: LoadState;
}

/** Cumulative Layout Shift with attribution. */
export interface CLSMetricWithAttribution extends CLSMetric {
  attribution: CLSAttribution;
}

/** First Contentful Paint. */
export interface FCPMetric extends Metric {
  name: 'FCP';
  entries: PaintTiming[];
}

/** The parts of FCP; together they are its value. */
export interface FCPAttribution {
  timeToFirstByte: number;
  firstByteToFCP: number;
  /** At the time of the paint. */
  loadState: LoadState;
  /** Absent after a return from the back/forward cache. */
  fcpEntry?: PaintTiming;
  /** Absent after a return from the back/forward cache. */
  navigationEntry?: NavigationTiming | PerformanceSoftNavigation;
}

/** First Contentful Paint with attribution. */
export interface FCPMetricWithAttribution extends FCPMetric {
  attribution: FCPAttribution;
}

/** First Input Delay, as `web-vitals` 4.2.4 had it. */
export interface FIDMetric extends Omit<Metric, 'name'> {
  name: 'FID';
  entries: EventTiming[];
}

/** Of the first input. */
export interface FIDAttribution {
  /** Selector; empty when the element is gone. */
  eventTarget: string;
  eventTime: number;
  /** Such as `pointerdown`. */
  eventType: string;
  eventEntry: EventTiming;
  /** At the time of the input. */
  loadState: LoadState;
}

/** First Input Delay with attribution. */
export interface FIDMetricWithAttribution extends FIDMetric {
  attribution: FIDAttribution;
}

/** Options of INP. */
export interface INPReportOpts extends ReportOpts {
  durationThreshold?: number;
}

/** Options of INP with attribution. */
export interface INPAttributionReportOpts extends AttributionReportOpts {
  durationThreshold?: number;
  /**
   * Fill {@link INPAttribution.processedEventEntries}.
   *
   * @defaultValue `false`
   */
  includeProcessedEventEntries?: boolean;
}

/** Interaction to Next Paint. */
export interface INPMetric extends Metric {
  name: 'INP';
  entries: EventTiming[];
}

/** The script that took most of an interaction. */
export interface INPLongestScriptSummary {
  entry: PerformanceScriptTiming;
  /** In which part of the interaction it ran. */
  subpart: 'input-delay' | 'processing-duration' | 'presentation-delay';
  /** How much of it lay within the interaction, in milliseconds. */
  intersectingDuration: number;
}

/**
 * Of the interaction that counts, together with all events of its frame. Without an event entry, which shorter interactions do not
 * get, the optional ones are absent and the parts 0. The totals need long animation frames.
 */
export interface INPAttribution {
  /** Selector; empty when the element is gone. */
  interactionTarget?: string;
  /** When the user did it. */
  interactionTime?: DOMHighResTimeStamp;
  interactionType?: 'pointer' | 'keyboard';
  /** When the frame with its effect was shown, to 8 ms; never before the processing ended. */
  nextPaintTime?: DOMHighResTimeStamp;
  /** Empty unless `includeProcessedEventEntries` is set. */
  processedEventEntries: EventTiming[];
  /** From the input to the start of its first listener. */
  inputDelay: number;
  /** From there to the end of the last listener. */
  processingDuration: number;
  /** From there to the next paint. */
  presentationDelay: number;
  /** At the time of the interaction. */
  loadState: LoadState;
  /** Those that overlap with the interaction; empty in browsers without them. */
  longAnimationFrameEntries: PerformanceLongAnimationFrameTiming[];
  longestScript?: INPLongestScriptSummary;
  /** Of all scripts, without the layout they forced. */
  totalScriptDuration?: number;
  /** Of style and layout, forced or not. */
  totalStyleAndLayoutDuration?: number;
  /** From the end of the last long animation frame to the next paint. */
  totalPaintDuration?: number;
  /** What is left of the interaction. */
  totalUnattributedDuration?: number;
}

/** Interaction to Next Paint with attribution. */
export interface INPMetricWithAttribution extends INPMetric {
  attribution: INPAttribution;
}

/** Our own options of LCP, which `web-vitals` does not have. */
interface LCPTimeLimit {
  /**
   * Report LCP at the latest so long after the navigation began, in milliseconds, without waiting for an input or for the page to be
   * hidden.
   *
   * @defaultValue no limit
   */
  timeLimit?: number;
}

/** Options of LCP. */
export interface LCPReportOpts extends ReportOpts, LCPTimeLimit {}

/** Options of LCP with attribution. */
export interface LCPAttributionReportOpts extends AttributionReportOpts, LCPTimeLimit {
  /**
   * For how many more resources than the browser's 250 the page keeps entries, so that the one of LCP is among them.
   *
   * @defaultValue `50`
   */
  resourceBufferSize?: number;
}

/** Largest Contentful Paint. */
export interface LCPMetric extends Metric {
  name: 'LCP';
  entries: LargestPaint[];
}

/** The parts of LCP; the four durations together are its value. */
export interface LCPAttribution {
  /** Selector; absent when the element is gone. */
  target?: string;
  /** Of the image; absent for a text. */
  url?: string;
  timeToFirstByte: number;
  /** From the first byte of the document to the start of the resource's request; 0 without a resource. */
  resourceLoadDelay: number;
  /** 0 without a resource. */
  resourceLoadDuration: number;
  /** From the end of the resource, or from the first byte without one, to the paint. */
  elementRenderDelay: number;
  /** Absent after a return from the back/forward cache. */
  navigationEntry?: NavigationTiming | PerformanceSoftNavigation;
  /** Absent for a text, and where the browser no longer has it. */
  lcpResourceEntry?: PerformanceResourceTiming;
  /** Absent after a return from the back/forward cache. */
  lcpEntry?: LargestPaint;
}

/** Largest Contentful Paint with attribution. */
export interface LCPMetricWithAttribution extends LCPMetric {
  attribution: LCPAttribution;
}

/** Time to First Byte. */
export interface TTFBMetric extends Metric {
  name: 'TTFB';
  entries: NavigationTiming[] | PerformanceSoftNavigation[];
}

/** The parts of TTFB; together they are its value. All are 0 after a return from the back/forward cache. */
export interface TTFBAttribution {
  /** Until the browser began to work on the request: redirects, for the most part. */
  waitingDuration: number;
  /** Looking into the cache, and the start of the service worker. */
  cacheDuration: number;
  /** 0 when the address was known. */
  dnsDuration: number;
  /** 0 when there was a connection. */
  connectionDuration: number;
  /** From the request to the first byte of its response. */
  requestDuration: number;
  /** Absent after a return from the back/forward cache. */
  navigationEntry?: NavigationTiming | PerformanceSoftNavigation;
}

/** Time to First Byte with attribution. */
export interface TTFBMetricWithAttribution extends TTFBMetric {
  attribution: TTFBAttribution;
}
