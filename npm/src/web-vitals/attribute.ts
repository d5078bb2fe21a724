/** Attribution in the shape of npm `web-vitals/attribution`. */

import type { Report } from '../vitals/watch.js';
import { LOAD_STATES, SOFT, SUBPARTS, believed, interactionType, sourceOf } from './vitals.js';

/** The entry of the navigation, if there is one to believe. */
const navigationOf = ({ visit: { kind, soft } }: Report): any => (kind === SOFT ? soft : believed());

export const fcp = (report: Report): object => {
  const [timeToFirstByte, firstByteToFCP] = report.parts;
  const [fcpEntry] = report.entries;
  const navigationEntry = navigationOf(report);
  return {
    timeToFirstByte,
    firstByteToFCP,
    loadState: LOAD_STATES[report.loadState!],
    ...(navigationEntry && (fcpEntry || report.visit.kind === SOFT) && { navigationEntry }),
    ...(navigationEntry && fcpEntry && { fcpEntry }),
  };
};

export const lcp = (report: Report): object => {
  const [timeToFirstByte, resourceLoadDelay, resourceLoadDuration, elementRenderDelay] = report.parts;
  const parts = { timeToFirstByte, resourceLoadDelay, resourceLoadDuration, elementRenderDelay };
  const [lcpEntry] = report.entries;
  if (!lcpEntry) return parts;
  const navigationEntry = navigationOf(report);
  return {
    ...parts,
    target: report.target,
    lcpEntry,
    ...(lcpEntry.url && { url: lcpEntry.url }),
    ...(report.entry && { lcpResourceEntry: report.entry }),
    ...(navigationEntry && { navigationEntry }),
  };
};

export const cls = ({ entry, target, loadState }: Report): object => {
  const source = entry && sourceOf(entry);
  if (!source) return {};
  return {
    largestShiftTarget: target,
    largestShiftTime: entry.startTime,
    largestShiftValue: entry.value,
    largestShiftSource: source,
    largestShiftEntry: entry,
    loadState: LOAD_STATES[loadState!],
  };
};

export const inp = ({ value, entries: [first], parts, target, loadState, processed, longFrames }: Report): object => {
  const state = { loadState: LOAD_STATES[loadState!] };
  if (!first) {
    const none = { inputDelay: 0, processingDuration: 0, presentationDelay: value };
    return { processedEventEntries: [], longAnimationFrameEntries: [], ...none, ...state };
  }
  const [interactionTime, nextPaintTime, inputDelay, processingDuration, presentationDelay, ...more] = parts;
  const [totalScriptDuration, totalStyleAndLayoutDuration, totalPaintDuration, totalUnattributedDuration, ...longest] = more;
  const [frame, script, subpart, intersectingDuration] = longest;
  const entry = longFrames?.[frame!]?.scripts[script!];
  return {
    interactionTarget: target,
    interactionType: interactionType(first),
    interactionTime,
    nextPaintTime,
    processedEventEntries: processed,
    longAnimationFrameEntries: longFrames,
    inputDelay,
    processingDuration,
    presentationDelay,
    ...state,
    longestScript: entry && { entry, subpart: SUBPARTS[subpart!], intersectingDuration },
    totalScriptDuration,
    totalStyleAndLayoutDuration,
    totalPaintDuration,
    totalUnattributedDuration,
  };
};

export const ttfb = ({ entries: [navigationEntry], parts }: Report): object => {
  const [waitingDuration, cacheDuration, dnsDuration, connectionDuration, requestDuration] = parts;
  return { waitingDuration, cacheDuration, dnsDuration, connectionDuration, requestDuration, navigationEntry };
};

export const fid = ({ entries: [eventEntry], target = '', loadState }: Report): object => ({
  eventTarget: target,
  eventType: eventEntry.name,
  eventTime: eventEntry.startTime,
  eventEntry,
  loadState: LOAD_STATES[loadState!],
});
