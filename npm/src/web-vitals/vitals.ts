/** The measuring itself, for both entries: a page that imports both loads and starts it once. */

import * as glue from 'rum-sdk/web-vitals';
import { bytes } from '../inlined.js';
import type { Metric, ReportOpts } from './types.js';

let core: typeof glue | undefined;

/** The core, started by the first call, before it returns. It throws where the page may not run WebAssembly. */
const start = (): typeof glue => {
  if (!core) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes()), { [IMPORT_MODULE]: glue.imports });
    glue.__wbg_set_wasm(exports);
    core = glue;
  }
  return core;
};

/** Measures one metric and reports it to `onReport`. */
export const measure = (name: Metric['name'] | 'FID', onReport: (metric: never) => void, opts: ReportOpts = {}): void => {
  start().tell(onReport.length, name.length, Object.keys(opts).map(Number));
};
