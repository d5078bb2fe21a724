/**
 * Remembers for the session that WebAssembly was refused: a policy reports every attempt, so the next pages make none.
 *
 * Where the page may not store anything, merely asking throws; then every page tries again.
 */

/** `store.ts` erases it when consent is withdrawn. */
const KEY = 'beamline-js';

/** Whether WebAssembly was refused to a page of this session. */
export const wasRefused = (): boolean => {
  try {
    return !!sessionStorage.getItem(KEY);
  } catch {
    return false;
  }
};

/** Has it remembered. */
export const rememberRefusal = (): void => {
  try {
    sessionStorage.setItem(KEY, '1');
  } catch {
    // As above.
  }
};
