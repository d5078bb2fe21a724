// Runs in the recorded page, before anything else does.

/**
 * Records the entries of the page as plain numbers, and the last report of every metric instance of the reference with entries replaced
 * by their place in the record. `window.recorded()` gives both.
 *
 * @param {object} reference `web-vitals/attribution`
 * @param {Function} onFID of web-vitals 4
 * @param {object} options for the reference
 */
export function installRecorder(reference, onFID, options) {
  const places = new Map();
  const record = { paints: [], largestPaints: [], shifts: [], events: [], longFrames: [], softNavigations: [], interactionPaints: [] };
  const pick = (entry, names) => Object.fromEntries(names.map((name) => [name, entry[name] ?? 0]));

  // A batch is a list of entries, sorted as the reference does if they are of several types.
  const observers = [];
  function watch(list, types, take, settings = {}) {
    const batch = (entries) => {
      if (entries.length === 0) return;
      if (types.length > 1) entries.sort((a, b) => a.startTime + a.duration - (b.startTime + b.duration));
      record[list].push(
        entries.map((entry) => {
          places.set(entry, places.size);
          return { place: places.get(entry), ...take(entry) };
        }),
      );
    };
    const observer = new PerformanceObserver((entries) => queueMicrotask(() => batch(entries.getEntries())));
    for (const type of types) observer.observe({ type, buffered: true, ...settings });
    observers.push(() => batch(observer.takeRecords()));
  }
  const script = (entry) => pick(entry, ['startTime', 'duration', 'forcedStyleAndLayoutDuration']);
  watch('paints', ['paint'], ({ name, startTime }) => ({ name, startTime }));
  watch('largestPaints', ['largest-contentful-paint'], ({ startTime, url }) => ({ startTime, url }));
  watch('shifts', ['layout-shift'], (entry) => pick(entry, ['startTime', 'value', 'hadRecentInput']));
  watch(
    'events',
    ['event', 'first-input'],
    (entry) => pick(entry, ['entryType', 'startTime', 'duration', 'processingStart', 'processingEnd', 'interactionId']),
    { durationThreshold: 40 },
  );
  watch('longFrames', ['long-animation-frame'], (entry) => ({
    ...pick(entry, ['startTime', 'duration', 'styleAndLayoutStart']),
    scripts: entry.scripts.map(script),
  }));
  watch('softNavigations', ['soft-navigation'], (entry) => pick(entry, ['startTime', 'interactionId', 'presentationTime', 'paintTime']));
  watch('interactionPaints', ['interaction-contentful-paint'], interactionPaint);
  function interactionPaint({ startTime, interactionId, largestContentfulPaint: inner }) {
    // The reference's result names the inner entry.
    if (inner) places.set(inner, places.size);
    return { startTime, interactionId, inner: inner && { place: places.get(inner), ...pick(inner, ['startTime', 'renderTime', 'url']) } };
  }

  const NAVIGATION = [
    ...['activationStart', 'workerStart', 'fetchStart', 'domainLookupStart', 'connectStart', 'connectEnd', 'responseStart'],
    ...['domInteractive', 'domContentLoadedEventStart', 'domComplete'],
  ];
  const resources = () => performance.getEntriesByType('resource');
  const navigation = () => pick(performance.getEntriesByType('navigation')[0], NAVIGATION);

  function longestScript({ entry, ...rest }, frames) {
    const same = (one) => one.startTime === entry.startTime && one.duration === entry.duration && one.name === entry.name;
    const frame = frames.findIndex(({ scripts }) => scripts.some(same));
    return { frame, script: frames[frame].scripts.findIndex(same), ...rest };
  }

  function plain(attribution) {
    const result = {};
    for (const [name, value] of Object.entries(attribution)) {
      if (Array.isArray(value)) result[name] = value.map((entry) => places.get(entry));
      else if (name === 'longestScript') result[name] = value && longestScript(value, attribution.longAnimationFrameEntries);
      else if (name === 'lcpResourceEntry') result[name] = resources().indexOf(value);
      else if (value instanceof PerformanceEntry) result[name] = places.get(value);
      else if (typeof value !== 'object') result[name] = value;
    }
    return result;
  }

  const reports = new Map();
  const report = ({ id, name, value, entries, navigationType, navigationStartTime = 0, attribution = {} }) =>
    reports.set(name + id, {
      metric: name,
      navigationType,
      navigationStartTime,
      value,
      entries: entries.map((entry) => places.get(entry)),
      isLoading: document.readyState === 'loading',
      navigation: navigation(),
      attribution: plain(attribution),
    });
  for (const on of ['onCLS', 'onFCP', 'onINP', 'onLCP', 'onTTFB']) {
    reference[on](report, { includeProcessedEventEntries: true, ...options });
  }
  onFID(report);

  window.softNavigations = () => record.softNavigations.length;
  window.recorded = () => {
    for (const drain of observers) drain();
    return {
      ...record,
      resources: resources().map((entry) => pick(entry, ['name', 'startTime', 'requestStart', 'responseEnd'])),
      interactionCount: performance.interactionCount,
      reports: [...reports.values()],
    };
  };
}
