// What a team writes that uses npm `web-vitals`. It is compiled as it is, and with the import leading to `beamline-rum/web-vitals`.

import { CLSThresholds, type Metric, type MetricRatingThresholds, type MetricType, onCLS, onFCP, onINP, onLCP, onTTFB, type ReportOpts } from 'web-vitals';
import {
  type INPAttribution,
  type LoadState,
  type MetricWithAttribution,
  onCLS as onCLSWithAttribution,
  onFCP as onFCPWithAttribution,
  onINP as onINPWithAttribution,
  onLCP as onLCPWithAttribution,
  onTTFB as onTTFBWithAttribution,
} from 'web-vitals/attribution';

const sent: string[] = [];

const send = ({ name, value, delta, id, rating, navigationType, navigationURL }: Metric): void => {
  sent.push(JSON.stringify({ name, value, delta, id, rating, navigationType, navigationURL }));
};
const everyChange: ReportOpts = { reportAllChanges: true, reportSoftNavs: true };
for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(send, everyChange);
onINP(send, { durationThreshold: 16 });

const exhaustive: Record<Metric['name'], number> = { CLS: 0, FCP: 0, INP: 0, LCP: 0, TTFB: 0 };
const count = (metric: MetricType): void => void exhaustive[metric.name]++;
onTTFB(count);

const [good, poor]: MetricRatingThresholds = CLSThresholds;
onCLS(({ value, entries }) => {
  const shifted: Node[] = entries.flatMap(({ sources, hadRecentInput }) => (hadRecentInput ? [] : sources.flatMap(({ node }) => node ?? [])));
  if (value > good && value <= poor) sent.push(shifted.map(({ nodeName }) => nodeName).join());
});

const generateTarget = (element: Node | null): string | undefined => (element instanceof Element ? element.id : undefined);
onCLSWithAttribution(
  ({ attribution: { largestShiftTarget, largestShiftTime, largestShiftValue, largestShiftSource, loadState } }) => {
    const state: LoadState | undefined = loadState;
    sent.push([largestShiftTarget, largestShiftTime?.toFixed(), largestShiftValue?.toFixed(4), largestShiftSource?.currentRect.width, state].join());
  },
  { generateTarget },
);
onFCPWithAttribution(({ attribution }) => sent.push(String(attribution.timeToFirstByte + attribution.firstByteToFCP)));
const describe = ({ interactionTarget, inputDelay, longestScript, longAnimationFrameEntries: frames }: INPAttribution): string =>
  [
    interactionTarget,
    inputDelay,
    longestScript?.subpart,
    longestScript?.entry.sourceURL,
    frames.map(({ blockingDuration, scripts }) => blockingDuration + scripts.length),
  ].join();
onINPWithAttribution(({ attribution, entries: [event] }) => sent.push(describe(attribution), String(event?.interactionId)), {
  durationThreshold: 0,
  includeProcessedEventEntries: true,
});
onLCPWithAttribution(
  ({ attribution: { lcpEntry, lcpResourceEntry, resourceLoadDelay, elementRenderDelay } }) => {
    const entry: LargestContentfulPaint | undefined = lcpEntry;
    sent.push([entry?.element?.tagName, lcpResourceEntry?.initiatorType, resourceLoadDelay + elementRenderDelay].join());
  },
  { resourceBufferSize: 100, generateTarget },
);
onTTFBWithAttribution(({ attribution: { navigationEntry, requestDuration } }) => sent.push(`${navigationEntry?.name} ${requestDuration}`));
onTTFBWithAttribution((metric: MetricWithAttribution) => sent.push(metric.name));
