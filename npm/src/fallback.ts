/** Finds a core that can run where the usual way failed. Fetched only then. */

import type { Options } from './options.js';
import { rememberRefusal } from './refusal.js';

/**
 * The exports of a core: WebAssembly from the copy that a script carries, unless the page may not run any; else the same module in
 * JavaScript. `failure` is how the usual way failed; without one it was not tried, since `engine` or the session says so.
 *
 * @throws what went wrong, when nothing else is left
 */
export const exports = async ({ engine, consent }: Options, linked: WebAssembly.Imports, failure: unknown): Promise<WebAssembly.Exports> => {
  if (failure && !isRefusal(failure)) {
    try {
      const { bytes } = await import('./inlined.js');
      return (await WebAssembly.instantiate(bytes(), linked)).instance.exports;
    } catch (error) {
      failure = error;
    }
  }
  if (engine === 'wasm') throw failure;
  if (isRefusal(failure) && consent !== 'pending') rememberRefusal();
  return (await import('./wasm2js.js')).instantiate(linked);
};

/** Whether the page may not run WebAssembly: by its content security policy, or because the browser has none. */
const isRefusal = (failure: unknown): boolean => !globalThis.WebAssembly || failure instanceof WebAssembly.CompileError;
