// What a team writes that uses npm `web-vitals`. It is compiled as it is, and with the import leading to `beamline-rum/web-vitals`.
import { CLSThresholds, onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';
import { onCLS as onCLSWithAttribution, onFCP as onFCPWithAttribution, onINP as onINPWithAttribution, onLCP as onLCPWithAttribution, onTTFB as onTTFBWithAttribution, } from 'web-vitals/attribution';
const sent = [];
const send = ({ name, value, delta, id, rating, navigationType, navigationURL }) => {
    sent.push(JSON.stringify({ name, value, delta, id, rating, navigationType, navigationURL }));
};
const everyChange = { reportAllChanges: true, reportSoftNavs: true };
for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB])
    on(send, everyChange);
onINP(send, { durationThreshold: 16 });
const exhaustive = { CLS: 0, FCP: 0, INP: 0, LCP: 0, TTFB: 0 };
const count = (metric) => void exhaustive[metric.name]++;
onTTFB(count);
const [good, poor] = CLSThresholds;
onCLS(({ value, entries }) => {
    const shifted = entries.flatMap(({ sources, hadRecentInput }) => (hadRecentInput ? [] : sources.flatMap(({ node }) => node ?? [])));
    if (value > good && value <= poor)
        sent.push(shifted.map(({ nodeName }) => nodeName).join());
});
const generateTarget = (element) => (element instanceof Element ? element.id : undefined);
onCLSWithAttribution(({ attribution: { largestShiftTarget, largestShiftTime, largestShiftValue, largestShiftSource, loadState } }) => {
    const state = loadState;
    sent.push([largestShiftTarget, largestShiftTime?.toFixed(), largestShiftValue?.toFixed(4), largestShiftSource?.currentRect.width, state].join());
}, { generateTarget });
onFCPWithAttribution(({ attribution }) => sent.push(String(attribution.timeToFirstByte + attribution.firstByteToFCP)));
const describe = ({ interactionTarget, inputDelay, longestScript, longAnimationFrameEntries: frames }) => [
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
onLCPWithAttribution(({ attribution: { lcpEntry, lcpResourceEntry, resourceLoadDelay, elementRenderDelay } }) => {
    const entry = lcpEntry;
    sent.push([entry?.element?.tagName, lcpResourceEntry?.initiatorType, resourceLoadDelay + elementRenderDelay].join());
}, { resourceBufferSize: 100, generateTarget });
onTTFBWithAttribution(({ attribution: { navigationEntry, requestDuration } }) => sent.push(`${navigationEntry?.name} ${requestDuration}`));
onTTFBWithAttribution((metric) => sent.push(metric.name));
