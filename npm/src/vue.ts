import { init, trackError, trackPageView } from 'beamline-rum';
import type { App, ComponentPublicInstance, ObjectPlugin } from 'vue';
import type { Options } from './options.js';

/** What is needed of a location of Vue Router. */
export interface Route {
  path: string;
  /** The records of the route and those it is nested in, outermost first. */
  matched: readonly { path: string }[];
}

/** What is needed of Vue Router. */
export interface Router {
  afterEach(guard: (to: Route, from: Route, failure?: unknown) => void): unknown;
}

/** Options of {@link createBeamline}. */
export interface VueOptions extends Options {
  /** Name page views by the patterns of its routes, such as `/lamp/:id`. */
  router?: Router;
}

/**
 * A plugin that starts measuring, and reports what components throw while they are rendered or updated and in their hooks and handlers,
 * which Vue keeps from the page. An `errorHandler` that the application has set before is called as well.
 *
 * @example
 * ```ts
 * import { createBeamline } from 'beamline-rum/vue';
 * import { createApp } from 'vue';
 * import { createRouter, createWebHistory, RouterView } from 'vue-router';
 *
 * const router = createRouter({ history: createWebHistory(), routes: [] });
 * createApp(RouterView).use(createBeamline({ key: 'your-site-key', router })).use(router).mount('#app');
 * ```
 */
export const createBeamline = ({ router, ...options }: VueOptions): ObjectPlugin => ({
  install(app) {
    init(options);
    if (router) trackRoutes(router);
    chainErrorHandler(app);
  },
});

const chainErrorHandler = ({ config }: App): void => {
  const { errorHandler } = config;
  config.errorHandler = (error, instance, info) => {
    trackError(error, { component: nameOf(instance), hook: info });
    if (errorHandler) return errorHandler(error, instance, info);
    // As Vue does without a handler.
    if (config.throwUnhandledErrorInProduction) throw error;
    console.error(error);
  };
};

/** The component's name; single-file components are called like their file. */
const nameOf = (instance: ComponentPublicInstance | null): string => {
  const { name, __name } = instance?.$options ?? {};
  return name ?? __name ?? 'anonymous';
};

/** Names page views by the patterns of `router`'s routes; a change of the query or fragment alone begins none. */
export const trackRoutes = (router: Router): void => {
  router.afterEach((to, from, failure) => {
    const isFirst = from.matched.length === 0;
    if (!failure && (isFirst || to.path !== from.path)) trackPageView(to.matched.at(-1)?.path ?? to.path);
  });
};
