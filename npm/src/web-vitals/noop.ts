/** The same names where there is no page to measure: server-side rendering and workers. */

export * from './thresholds.js';

const nothing = (): void => {};

export { nothing as onCLS, nothing as onFCP, nothing as onFID, nothing as onINP, nothing as onLCP, nothing as onTTFB };
