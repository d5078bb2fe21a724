/** The same API where there is no page to measure: server-side rendering and workers. */

const nothing = (): void => {};

export { nothing as flush, nothing as init, nothing as shutdown, nothing as trackError, nothing as trackPageView, nothing as trackUserAction };
