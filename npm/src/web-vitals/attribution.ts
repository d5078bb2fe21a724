/** The drop-in for npm `web-vitals/attribution`. */

import type {
  AttributionReportOpts,
  CLSMetricWithAttribution,
  FCPMetricWithAttribution,
  FIDMetricWithAttribution,
  INPAttributionReportOpts,
  INPMetricWithAttribution,
  LCPAttributionReportOpts,
  LCPMetricWithAttribution,
  Metric,
  TTFBMetricWithAttribution,
} from './types.js';
import { cls, fcp, fid, inp, lcp, ttfb } from './attribute.js';
import { measure, rememberResources } from './vitals.js';

export type * from './types.js';
export * from './thresholds.js';

/** Cumulative Layout Shift: the largest burst of unexpected movement, a score without unit. Reported whenever the page is hidden. */
export const onCLS = (onReport: (metric: CLSMetricWithAttribution) => void, opts?: AttributionReportOpts): void => measure('CLS', onReport, opts, cls);

/** First Contentful Paint, in milliseconds. Reported once; never when the page was hidden before it. */
export const onFCP = (onReport: (metric: FCPMetricWithAttribution) => void, opts?: AttributionReportOpts): void => measure('FCP', onReport, opts, fcp);

/** First Input Delay, in milliseconds. Reported at the first input; never when the page was hidden before it. */
export function onFID(onReport: (metric: FIDMetricWithAttribution) => void, opts?: AttributionReportOpts): void;
/** As above, for a function that takes every metric: `Metric` does not name this one, as in `web-vitals` since 5. */
export function onFID(onReport: (metric: Metric) => void, opts?: AttributionReportOpts): void;
export function onFID(onReport: (metric: never) => void, opts?: AttributionReportOpts): void {
  measure('FID', onReport as (metric: any) => void, opts, fid);
}

/** Interaction to Next Paint: about the slowest interaction, in milliseconds. Reported whenever the page is hidden. */
export const onINP = (onReport: (metric: INPMetricWithAttribution) => void, opts?: INPAttributionReportOpts): void => measure('INP', onReport, opts, inp);

/** Largest Contentful Paint, in milliseconds. Reported at the first input or when the page is hidden. */
export const onLCP = (onReport: (metric: LCPMetricWithAttribution) => void, opts?: LCPAttributionReportOpts): void => {
  rememberResources(opts?.resourceBufferSize);
  measure('LCP', onReport, opts, lcp);
};

/** Time to First Byte, in milliseconds. Reported as soon as it is known. */
export const onTTFB = (onReport: (metric: TTFBMetricWithAttribution) => void, opts?: AttributionReportOpts): void => measure('TTFB', onReport, opts, ttfb);
