/** What browsers have and TypeScript's own declarations lack. */

interface Navigator {
  /** https://w3c.github.io/gpc/ */
  readonly globalPrivacyControl?: boolean;
  /** https://wicg.github.io/netinfo/ */
  readonly connection?: { readonly effectiveType?: string };
}

interface Document {
  /** https://wicg.github.io/nav-speculation/prerendering.html */
  readonly prerendering?: boolean;
  readonly wasDiscarded?: boolean;
}

interface PerformanceObserverInit {
  /** https://w3c.github.io/event-timing/ */
  durationThreshold?: number;
}

interface Performance {
  readonly interactionCount?: number;
}

interface Uint8ArrayConstructor {
  fromHex?(hex: string): Uint8Array<ArrayBuffer>;
}

/** What the copies of the package on one page share. */
declare var __beamlinePage: import('./signal.js').Page | undefined;

/** The API of a page without modules. */
declare var beamline: Partial<typeof import('./index.js')> | undefined;

/** The name of the module the WebAssembly module imports from; set by `build.mjs`. */
declare const IMPORT_MODULE: string;

/** What wasm-bindgen makes of `rum-sdk/src/browser/agent.rs`. */
declare module 'rum-sdk' {
  /** The functions it imports, by their short names. */
  export const imports: WebAssembly.ModuleImports;
  export function __wbg_set_wasm(exports: WebAssembly.Exports): void;
  export function start(options: object, page: object, numbers: number[], texts: string, now: number, epoch: number): void;
  export function receive(
    kind: number,
    numbers: ArrayLike<number>,
    texts: string,
    at: number,
    now: number,
    epoch: number,
  ): boolean;
  export function compute(operation: number, watch: number, numbers: ArrayLike<number>, answer: number[]): void;
}

/** What wasm-bindgen makes of `rum-sdk/src/browser/vitals.rs`. */
declare module 'rum-sdk/web-vitals' {
  /** The functions it imports, by their short names. */
  export const imports: WebAssembly.ModuleImports;
  export function __wbg_set_wasm(exports: WebAssembly.Exports): void;
  export function compute(operation: number, watch: number, numbers: ArrayLike<number>, answer: number[]): void;
}
