// As in `equal.ts`, for what only npm `web-vitals` 4.2.4 has.

import type * as ours from 'beamline-rum/web-vitals';
import type * as oursAttributed from 'beamline-rum/web-vitals/attribution';
import type * as theirs from 'web-vitals-4/attribution';
import type { Same } from './same.js';

/** What every metric has since. */
type News = 'navigationType' | 'navigationId' | 'navigationInteractionId' | 'navigationStartTime' | 'navigationURL';

export const same: 'both ways'[] = [
  '' as Same<Omit<ours.FIDMetric, News>, Omit<theirs.FIDMetric, News>>,
  '' as Same<Omit<ours.FIDMetricWithAttribution, News>, Omit<theirs.FIDMetricWithAttribution, News>>,
  '' as Same<ours.FIDAttribution, theirs.FIDAttribution>,
  '' as Same<typeof ours.FIDThresholds, typeof theirs.FIDThresholds>,
];

const takesEvery = (metric: ours.Metric): void => console.log(metric.value);
export const measureFid = ({ onFID }: typeof ours, { onFID: onFIDWithAttribution }: typeof oursAttributed): void => {
  onFID(takesEvery);
  onFID(({ name, entries: [input] }) => console.log(name satisfies 'FID', input?.processingStart));
  onFIDWithAttribution(({ attribution: { eventType } }) => console.log(eventType), { reportAllChanges: true });
};
