import type { MetricRatingThresholds } from './types.js';

/** Score; https://web.dev/articles/cls */
export const CLSThresholds: MetricRatingThresholds = [0.1, 0.25];
/** Milliseconds; https://web.dev/articles/fcp */
export const FCPThresholds: MetricRatingThresholds = [1800, 3000];
/** Milliseconds; https://web.dev/articles/fid */
export const FIDThresholds: MetricRatingThresholds = [100, 300];
/** Milliseconds; https://web.dev/articles/inp */
export const INPThresholds: MetricRatingThresholds = [200, 500];
/** Milliseconds; https://web.dev/articles/lcp */
export const LCPThresholds: MetricRatingThresholds = [2500, 4000];
/** Milliseconds; https://web.dev/articles/ttfb */
export const TTFBThresholds: MetricRatingThresholds = [800, 1800];
