/** The text of `head.ts`, minified; set by `build.mjs`. */
declare const HEAD_SCRIPT: string;
/** Its hash; set by `build.mjs`. */
declare const HEAD_SCRIPT_HASH: string;

/**
 * A script to put into the page itself, first in `<head>`, so that nothing before the package's own start is lost: errors, rejections,
 * clicks, calls of the API, slow events, and when the page was hidden. At most 1,500 bytes.
 *
 * It only records. `init`, of whatever entry, takes the record over. Until then the API, without `init`, is the global `beamline`.
 *
 * @example On a server that renders the page, with a nonce of its content security policy:
 * ```ts
 * import { earlyScript } from 'beamline-rum/early';
 *
 * const head = (nonce: string): string => `<head><script nonce="${nonce}">${earlyScript}</script>`;
 * ```
 */
export const earlyScript: string = HEAD_SCRIPT;

/**
 * What lets exactly this text run under a content security policy, instead of a nonce: `script-src 'self' 'sha256-…'`, quotes included.
 *
 * @example
 * ```ts
 * import { earlyScriptHash } from 'beamline-rum/early';
 *
 * const policy = `script-src 'self' 'wasm-unsafe-eval' ${earlyScriptHash}`;
 * ```
 */
export const earlyScriptHash: string = HEAD_SCRIPT_HASH;
