/** The same API where there is no page to measure: server-side rendering and workers. */

const nothing = (): void => {};
const time = (): (() => void) => nothing;

export {
  nothing as flush,
  nothing as init,
  nothing as reset,
  nothing as setAttributes,
  nothing as setConsent,
  nothing as setFlags,
  nothing as setUser,
  nothing as shutdown,
  time,
  nothing as track,
  nothing as trackError,
  nothing as trackPageView,
  nothing as trackUserAction,
};
