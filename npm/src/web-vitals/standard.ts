/** The drop-in for npm `web-vitals`. */

import type {
  CLSMetric,
  FCPMetric,
  FIDMetric,
  INPMetric,
  INPReportOpts,
  LCPMetric,
  LCPReportOpts,
  Metric,
  ReportOpts,
  TTFBMetric,
} from './types.js';
import { measure } from './vitals.js';

export type * from './types.js';
export * from './thresholds.js';

/** Cumulative Layout Shift: the largest burst of unexpected movement, a score without unit. Reported whenever the page is hidden. */
export const onCLS = (onReport: (metric: CLSMetric) => void, opts?: ReportOpts): void => measure('CLS', onReport, opts);

/** First Contentful Paint, in milliseconds. Reported once; never when the page was hidden before it. */
export const onFCP = (onReport: (metric: FCPMetric) => void, opts?: ReportOpts): void => measure('FCP', onReport, opts);

/** First Input Delay, in milliseconds. Reported at the first input; never when the page was hidden before it. */
export function onFID(onReport: (metric: FIDMetric) => void, opts?: ReportOpts): void;
/** As above, for a function that takes every metric: `Metric` does not name this one, as in `web-vitals` since 5. */
export function onFID(onReport: (metric: Metric) => void, opts?: ReportOpts): void;
export function onFID(onReport: (metric: never) => void, opts?: ReportOpts): void {
  measure('FID', onReport as (metric: any) => void, opts);
}

/** Interaction to Next Paint: about the slowest interaction, in milliseconds. Reported whenever the page is hidden. */
export const onINP = (onReport: (metric: INPMetric) => void, opts?: INPReportOpts): void => measure('INP', onReport, opts);

/** Largest Contentful Paint, in milliseconds. Reported at the first input or when the page is hidden. */
export const onLCP = (onReport: (metric: LCPMetric) => void, opts?: LCPReportOpts): void => measure('LCP', onReport, opts);

/** Time to First Byte, in milliseconds. Reported as soon as it is known. */
export const onTTFB = (onReport: (metric: TTFBMetric) => void, opts?: ReportOpts): void => measure('TTFB', onReport, opts);
