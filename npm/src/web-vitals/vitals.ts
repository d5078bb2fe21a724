/** The measuring itself, for both entries: a page that imports both loads and starts it once. */

import { __wbg_set_wasm, compute, imports } from 'rum-sdk/web-vitals';
import { bytes } from '../inlined.js';
import { Fid } from '../vitals/fid.js';
import { Operation } from '../vitals/operation.js';
import { attempt, navigationEntry } from '../vitals/page.js';
import { type MetricName, type Report, type Visit, type WatchOptions, ofPage } from '../vitals/watch.js';
import { Watches } from '../vitals/watches.js';
import { watchFirstInputs } from './first-input.js';

export { rememberResources, sourceOf } from '../vitals/page.js';
export { SOFT } from '../vitals/watch.js';
export { LOAD_STATES, SUBPARTS, interactionType } from '../vitals/names.js';

/** Makes the attribution of a report. */
export type Attribute = (report: Report) => object;

const RATINGS = ['good', 'needs-improvement', 'poor'];

const core = { compute };

const watches = new Watches();

/** Those of FID. */
const firstInputs: Fid[] = [];

/** Loads the module, and listens for what concerns all metrics; `false` where the page may not run WebAssembly. */
const start = (): boolean =>
  !!attempt(() => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes()), { [IMPORT_MODULE]: imports });
    __wbg_set_wasm(exports);
    const acted = (event: Event): void => void (event.isTrusted && watches.acted());
    addEventListener('visibilitychange', (event) => watches.visibilityChanged(event), true);
    addEventListener('keydown', acted, true);
    addEventListener('click', acted, true);
    addEventListener('pageshow', (event) => event.persisted && restored(event.timeStamp), true);
    return true;
  });

const restored = (at: number): void => {
  watches.restored(at);
  for (const watch of firstInputs) watchFirstInputs((entry) => attempt(() => watch.take([entry])));
};

let hasStarted: boolean | undefined;

/** Runs `task` once the page is shown: a page that is rendered ahead of time is measured from there on (R5). */
const whenShown = (task: () => void): void => {
  document.prerendering ? addEventListener('prerenderingchange', task, { capture: true, once: true }) : task();
};

/** The `navigation` entry, if it can be believed now. */
export const believed = (): any => (ofPage(core, Operation.Visit).length > 1 ? navigationEntry() : undefined);

const newMetric = (name: MetricName, { kind, start, hard, soft }: Visit): any => ({
  name,
  id: `v6-${Date.now()}-${Math.floor(Math.random() * (9e12 - 1)) + 1e12}`,
  navigationType: kind,
  // `web-vitals` had no such fields when it still had FID.
  ...(name !== 'FID' && {
    navigationId: soft?.navigationId || hard?.navigationId || 0,
    navigationInteractionId: soft?.interactionId,
    navigationURL: soft?.name || hard?.name,
    navigationStartTime: start,
  }),
});

/** Measures one metric and reports it to `onReport`. */
export const measure = (name: MetricName, onReport: (metric: any) => void, opts?: WatchOptions, attribute?: Attribute): void =>
  void attempt(() =>
    whenShown(() => {
      hasStarted ??= start();
      if (!hasStarted) return;
      let last: Visit | undefined;
      let metric: any;
      const report = (report: Report): void => {
        const { visit, value, delta, rating, entries } = report;
        if (last !== visit) metric = newMetric(name, visit);
        last = visit;
        if (name === 'FCP' && entries[0]?.navigationId) metric.navigationId = entries[0].navigationId;
        Object.assign(metric, { value, delta, rating: RATINGS[rating], entries });
        if (attribute) metric.attribution = attribute(report);
        try {
          onReport(metric);
        } catch (error) {
          // The page's own mistake is the page's to see, and must not cost another report.
          setTimeout(() => {
            throw error;
          });
        }
      };
      const watch = watches.add(name, { core, options: { ...opts }, isAttributed: !!attribute, report });
      if (watch instanceof Fid) firstInputs.push(watch);
    }),
  );
