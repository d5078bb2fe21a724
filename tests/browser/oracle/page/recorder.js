// The first script of every oracle page: writes down what both libraries report, and what the page has seen so far.
//
// A classic script, so that it runs before anything else. What it writes down is plain data, which can leave the page.

window.oracle = (() => {
  const DEADLINE_MS = 15_000;
  const supportedTypes = globalThis.PerformanceObserver?.supportedEntryTypes ?? [];
  const id = `${Date.now()}-${Math.random()}`;
  const reports = [];
  const troubles = [];
  const state = { started: false, restores: 0, sequence: 0 };
  const seen = { interactions: new Set(), shifts: 0, largest: [], softNavigations: 0, longFrames: 0 };

  // Scenarios take some of these away from the page.
  const { PerformanceEntry, PerformanceObserver, Node } = window;
  const [requestFrame, requestIdle, requestTask] = [requestAnimationFrame, window.requestIdleCallback ?? setTimeout, setTimeout].map((of) => of.bind(window));
  const cancelTask = clearTimeout.bind(window);
  const now = performance.now.bind(performance);
  const sendBeacon = navigator.sendBeacon.bind(navigator);
  const { get: visibility } = Object.getOwnPropertyDescriptor(Document.prototype, 'visibilityState');
  const isVisible = () => visibility.call(document) === 'visible';

  const supports = {
    TTFB: true,
    FCP: supportedTypes.includes('paint'),
    LCP: supportedTypes.includes('largest-contentful-paint'),
    CLS: supportedTypes.includes('layout-shift'),
    INP: 'interactionId' in (window.PerformanceEventTiming?.prototype ?? {}),
    FID: supportedTypes.includes('first-input'),
    longFrames: supportedTypes.includes('long-animation-frame'),
    visibilityEntries: supportedTypes.includes('visibility-state'),
    softNavigations: 'getLargestInteractionContentfulPaint' in (window.PerformanceSoftNavigation?.prototype ?? {}),
    prerender: HTMLScriptElement.supports?.('speculationrules') ?? false,
    restoreReasons: 'notRestoredReasons' in PerformanceNavigationTiming.prototype,
    touch: 'ontouchstart' in window,
  };

  const numbers = new Map();
  /** The same number for the same object, on this page. */
  function number(object) {
    if (!numbers.has(object)) numbers.set(object, numbers.size);
    return numbers.get(object);
  }

  function describe(value) {
    if (value === undefined || typeof value === 'function' || (typeof value === 'number' && !Number.isFinite(value))) return `«${value}»`;
    if (value === null || typeof value !== 'object') return value;
    if (value instanceof PerformanceEntry) return describeEntry(value);
    if (value instanceof Node) return `«node ${number(value)} ${value.nodeName}»`;
    if (Array.isArray(value)) return value.map(describe);
    if (Object.getPrototypeOf(value) !== Object.prototype) return `«${value.constructor?.name} ${number(value)}»`;
    return Object.fromEntries(Object.keys(value).map((key) => [key, describe(value[key])]));
  }

  /** The browser's own object, told from others by its number; the rest is for whoever reads a failure. */
  function describeEntry(entry) {
    const { entryType, name, startTime, duration } = entry;
    const layout = 'styleAndLayoutStart' in entry ? { styleAndLayoutStart: entry.styleAndLayoutStart } : {};
    return { live: number(entry), class: entry.constructor.name, entryType, name, startTime, duration, ...layout };
  }

  /** The callback of one instance: writes down what it is given, as that is now. */
  function record(library, instance) {
    return (metric) => {
      reports.push({
        library,
        instance,
        metric: describe(metric),
        object: number(metric),
        plain: Object.isExtensible(metric) && Object.getPrototypeOf(metric) === Object.prototype,
        at: now(),
        frame: document.timeline.currentTime,
      });
      check();
    };
  }

  /** Calls both libraries, theirs first, with the same options: one object each, as two teams would. */
  function start({ theirs, ours, instances }) {
    instances.forEach(([name, options], index) => {
      theirs[name](record('theirs', index), ...(options ? [{ ...options }] : []));
      ours[name](record('ours', index), ...(options ? [{ ...options }] : []));
    });
    const thresholds = (library) => Object.entries(library).filter(([name]) => name.endsWith('Thresholds')).sort();
    Object.assign(state, { started: true, thresholds: { theirs: thresholds(theirs), ours: thresholds(ours) } });
    check();
  }

  const waiting = new Set();
  const when = (condition) => new Promise((resolve, reject) => {
    const give = () => reject(new Error(`still waiting for ${condition}; seen: ${JSON.stringify({ ...seen, interactions: seen.interactions.size })}`));
    const timer = requestTask(give, DEADLINE_MS);
    waiting.add({ condition, resolve: () => resolve(cancelTask(timer)) });
    check();
  });
  function check() {
    for (const waiter of waiting) {
      if (!waiter.condition()) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  }

  const frame = () => new Promise((resolve) => requestFrame(() => resolve()));
  const idle = () => new Promise((resolve) => requestIdle(() => resolve()));
  const task = () => new Promise((resolve) => requestTask(() => resolve()));

  /** Resolves when what has happened is painted, and idle callbacks asked for until then have run. Nobody waits on a hidden page. */
  async function settled() {
    await task();
    if (!isVisible()) return;
    await frame();
    await frame();
    await idle();
    await task();
  }

  /** Waits for what an engine without the feature cannot show, there just until the page is at rest. */
  const whenSeen = (feature, condition) => (supports[feature] ? when(condition) : Promise.resolve()).then(settled);

  function observe(type, take, options) {
    if (!supportedTypes.includes(type)) return;
    new PerformanceObserver((list) => {
      list.getEntries().forEach(take);
      check();
    }).observe({ type, buffered: true, ...options });
  }
  const takeInteraction = ({ interactionId }) => interactionId && seen.interactions.add(interactionId);
  observe('event', takeInteraction, { durationThreshold: 16 });
  observe('first-input', takeInteraction);
  observe('layout-shift', () => (seen.shifts += 1));
  observe('largest-contentful-paint', (entry) => seen.largest.push(entry.id || (entry.element?.localName ?? '')));
  observe('soft-navigation', () => (seen.softNavigations += 1));
  observe('long-animation-frame', () => (seen.longFrames += 1));

  addEventListener('pageshow', ({ persisted, isTrusted }) => {
    if (persisted && isTrusted) state.restores += 1;
    check();
  });
  addEventListener('error', ({ message, target }) => troubles.push(`error: ${message ?? target}`));
  addEventListener('unhandledrejection', ({ reason }) => troubles.push(`unhandled: ${reason}`));
  for (const level of ['log', 'info', 'warn', 'error', 'debug', 'trace']) {
    console[level] = (...texts) => troubles.push(`${level}: ${texts.join(' ')}`);
  }
  // A document that is left tells the site what it knows, after the libraries, whose listeners capture on the window.
  document.addEventListener('visibilitychange', ({ isTrusted }) => {
    if (isTrusted && !isVisible()) sendBeacon('/documents', JSON.stringify(snapshot()));
  });

  function snapshot() {
    state.sequence += 1;
    return { id, ...state, supports, reports, troubles };
  }

  return {
    start,
    state,
    snapshot,
    settled,
    /** Once both libraries were called. */
    started: () => when(() => state.started),
    /** Once this many interactions were delivered. */
    interacted: (count) => whenSeen('INP', () => seen.interactions.size >= count),
    /** Once this many layout shifts were delivered. */
    shifted: (count) => whenSeen('CLS', () => seen.shifts >= count),
    /** Once the largest paint is of the element with this id, or of this tag; with no name, once there is one. */
    largest: (name) => whenSeen('LCP', () => seen.largest.length > 0 && seen.largest.at(-1) === (name ?? seen.largest.at(-1))),
    /** Once this many soft navigations were delivered. */
    navigatedSoftly: (count) => whenSeen('softNavigations', () => seen.softNavigations >= count),
    /** Once both libraries have reported this metric this often. */
    reported: (name, count = 1) =>
      whenSeen(name, () => ['theirs', 'ours'].every((by) => reports.filter(({ library, metric }) => library === by && metric.name === name).length >= count)),
    /** Keeps the main thread busy. */
    block(ms) {
      const end = now() + ms;
      while (now() < end);
    },
    /** Moves the page down by a box at its top. */
    push(height = 80) {
      const box = document.createElement('div');
      box.style.height = `${height}px`;
      document.body.prepend(box);
    },
    /** Makes both libraries believe that the page was hidden or shown, by an event that is not trusted. */
    pretend(visibilityState) {
      Object.defineProperty(document, 'visibilityState', { value: visibilityState, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    },
  };
})();
