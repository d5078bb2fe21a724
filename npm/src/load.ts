import { imports } from 'rum-sdk';
import type { Options } from './options.js';
import { wasRefused } from './refusal.js';

/**
 * What the module imports. The name is another one for every build, so that a file of another build, as a cache may keep it, cannot be
 * instantiated.
 */
export const linked: WebAssembly.Imports = { [IMPORT_MODULE]: imports };

/** Whether WebAssembly is to be tried. */
export const isToBeTried = ({ engine }: Options): boolean => engine !== 'js' && (engine === 'wasm' || !wasRefused());

/** The exports of the core: of what `instantiate` does, or, where that cannot be, of what is found instead. */
export const load = async (
  options: Options,
  instantiate: (imports: WebAssembly.Imports) => Promise<WebAssembly.WebAssemblyInstantiatedSource>,
): Promise<WebAssembly.Exports> => {
  let failure: unknown;
  try {
    if (isToBeTried(options)) return (await instantiate(linked)).instance.exports;
  } catch (error) {
    failure = error;
  }
  return fallBack(options, failure);
};

/** The exports of a core that can run where the usual way failed, or was not tried. */
export const fallBack = async (options: Options, failure: unknown): Promise<WebAssembly.Exports> =>
  (await import('./fallback.js')).exports(options, linked, failure);
