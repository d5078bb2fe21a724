import { run } from './run.js';
import type { Page } from './signal.js';

/** The first bytes of every WebAssembly module, `\0asm`. */
const MAGIC = 0x6d736100;

/** The module from the file next to this one; where a bundler or server did not keep it there, from the inlined copy. */
const bytes = async (): Promise<BufferSource> => {
  try {
    const response = await fetch(new URL('./rum.wasm', import.meta.url));
    const buffer = await response.arrayBuffer();
    if (new DataView(buffer).getUint32(0, true) === MAGIC) return buffer;
  } catch {
    // The copy it is.
  }
  return (await import('./inlined.js')).bytes();
};

/** Takes the page over from the stub. */
export const start = async (page: Page): Promise<void> => run(page, await bytes());
