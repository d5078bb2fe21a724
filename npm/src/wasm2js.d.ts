/** The module of the core, translated to JavaScript by `build.mjs`. */

/**
 * What `WebAssembly.instantiate` would have given.
 *
 * @throws TypeError when it belongs to another build than `imports` does
 */
export function instantiate(imports: WebAssembly.Imports): WebAssembly.Exports;
