/** What the vitals read of the page. Everything is read when it is needed: entries and documents change. */

const NAVIGATION = [
  'activationStart',
  'workerStart',
  'fetchStart',
  'domainLookupStart',
  'domainLookupEnd',
  'connectStart',
  'connectEnd',
  'requestStart',
  'responseStart',
  'responseEnd',
  'domInteractive',
  'domContentLoadedEventStart',
  'domContentLoadedEventEnd',
  'domComplete',
  'loadEventEnd',
];

/** `type` of a navigation entry, in the order of `NavigationKind`. */
const TYPES = ['navigate', 'reload', 'back_forward', 'prerender'];

/** What a load is called, in the order of `NavigationKind`. */
export const NAVIGATION_KINDS = ['navigate', 'reload', 'back-forward', 'prerender', 'restore'];

/** What `task` returns, or `undefined` where it fails: the page may have put anything in the browser's place. */
export const attempt = <T>(task: () => T): T | undefined => {
  try {
    return task();
  } catch {
    return undefined;
  }
};

/** The entries of that type that the browser still has. */
export const entriesOf = (type: string): any[] => attempt(() => performance.getEntriesByType(type)) ?? [];

/** The page's own `navigation` entry, whether it can be believed or not. */
export const navigationEntry = (): any => entriesOf('navigation')[0];

/** The document and its navigation as they are now, in the order of `PageState`. */
export const pageState = (): number[] => {
  const navigation = navigationEntry();
  const { readyState, prerendering, wasDiscarded } = document;
  return [
    performance.now(),
    readyState === 'loading',
    !!prerendering,
    !!wasDiscarded,
    ...(navigation ? [TYPES.indexOf(navigation.type), ...NAVIGATION.map((name) => navigation[name])] : []),
  ].map(Number);
};

export const isHidden = (): boolean => document.visibilityState === 'hidden';

/** The numbers of entries, one after the other. A property that an entry does not have is `NaN`. */
export const numbersOf = (entries: any[], properties: string[]): number[] =>
  entries.flatMap((entry) => properties.map((property) => Number(entry[property])));

const isSupported = (type: string): boolean => !!attempt(() => PerformanceObserver.supportedEntryTypes.includes(type));

/** Whether the browser has one of those entry types. */
export const hasAny = (types: string[]): boolean => types.some(isSupported);

/** Observes; what it still has can be taken. */
export interface Observed {
  drain(): void;
  disconnect(): void;
}

/** R3: observes those types that the browser has, or nothing. Entries of several types are sorted by their end. */
export const observe = (types: string[], take: (entries: any[]) => void, init?: object): Observed | undefined =>
  attempt(() => {
    const supported = types.filter(isSupported);
    if (!supported.length) return undefined;
    const sorted = (entries: PerformanceEntryList): void =>
      void attempt(() => {
        if (supported.length > 1) entries.sort((a, b) => a.startTime + a.duration - (b.startTime + b.duration));
        if (entries.length) take(entries);
      });
    // Some browsers call back from inside `observe`.
    const observer = new PerformanceObserver((list) => queueMicrotask(() => sorted(list.getEntries())));
    for (const type of supported) observer.observe({ type, buffered: true, ...init });
    return { drain: () => sorted(observer.takeRecords()), disconnect: () => observer.disconnect() };
  });

/** The last resources, since the browser's own list of them may be full. */
const remembered: any[] = [];
let resources: Observed | undefined;

/** Remembers that many of the last resources, from now on. */
export const rememberResources = (most = 50): void => {
  resources ??= observe(['resource'], (entries) => {
    remembered.push(...entries);
    remembered.splice(0, remembered.length - most);
  });
};

/** The resources with that address, the remembered ones last. */
export const resourcesOf = (url: string): any[] =>
  url ? [...entriesOf('resource'), ...remembered].filter(({ name }) => name === url) : [];

/** The source of a layout shift that names it: the first that is an element. */
export const sourceOf = ({ sources = [] }: any): any => sources.find(({ node }: any) => node?.nodeType === 1) ?? sources[0];

/** R6: when the page was first hidden, as far as is known now. */
export const firstHidden = (): number => {
  const activated = navigationEntry()?.activationStart || 0;
  const entry = entriesOf('visibility-state').find(({ name, startTime }) => name === 'hidden' && startTime >= activated);
  return entry?.startTime ?? (isHidden() ? 0 : Infinity);
};
