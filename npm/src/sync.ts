import { record } from './capture.js';
import { prepare } from './early.js';
import { bytes } from './inlined.js';
import { fallBack, isToBeTried, linked } from './load.js';
import type { Options } from './options.js';
import { run } from './run.js';
import { begin } from './stub.js';

export type * from './options.js';
export * from './api.js';

/**
 * As `init` of `beamline-rum`, with everything in one file: the core runs before `init` returns, which takes some milliseconds. Only
 * where the browser does not compile the module at once, the core comes a little later, from another file of the package.
 */
export const init = (options: Options): void =>
  begin(options, async (page) => {
    prepare(page, record);
    try {
      const { exports, failure } = compileNow(options);
      run(page, exports ?? (await fallBack(options, failure)));
    } catch (error) {
      page.fail(error);
    }
  });

const compileNow = (options: Options): { exports?: WebAssembly.Exports; failure?: unknown } => {
  try {
    return isToBeTried(options) ? new WebAssembly.Instance(new WebAssembly.Module(bytes()), linked) : {};
  } catch (failure) {
    return { failure };
  }
};
