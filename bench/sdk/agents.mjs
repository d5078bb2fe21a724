// Who takes part. Each has an entry of its own in agents/, with the settings that it comes with and what the scripted visit needs.

/** The vendor's flavour `default-spa-errors`, in its order, and the plugin that counts clicks. */
const BOOMERANG = ['boomerang.js', ...[
  'auto-xhr', 'spa', 'history', 'rt', 'painttiming', 'navtiming', 'restiming', 'mobile', 'memory', 'compression', 'errors', 'mq', 'eventtiming',
  'bfcache', 'continuity',
].map((plugin) => `plugins/${plugin}.js`)];

/** `id` is the entry's file name; `packages` are what is installed for it, `scripts` what is put together of those that are no modules. */
export const FLOOR = { id: 'none', name: 'no agent', packages: [] };

/** Vitals as most agents name them. */
const VITALS = { LCP: /\blcp\b|largest.?contentful.?paint/i, CLS: /\bcls\b|cumulative.?layout.?shift/i, INP: /\binp\b|interaction.?to.?next.?paint/i, FCP: /\bfcp\b|first.?contentful.?paint/i, TTFB: /\bttfb\b|time.?to.?first.?byte/i };

export const AGENTS = [
  { id: 'beamline', name: 'Beamline', packages: ['beamline-rum'], sees: { vitals: VITALS } },
  { id: 'beamline-inline', name: 'Beamline, one file', packages: ['beamline-rum'], sees: { vitals: VITALS } },
  { id: 'beamline-web-vitals', name: 'Beamline as web-vitals', packages: ['beamline-rum'], sees: { vitals: VITALS } },
  { id: 'beamline-web-vitals-attribution', name: 'Beamline as web-vitals with attribution', packages: ['beamline-rum'], sees: { vitals: VITALS } },
  { id: 'web-vitals', name: 'web-vitals', packages: ['web-vitals'], sees: { vitals: VITALS } },
  { id: 'web-vitals-attribution', name: 'web-vitals with attribution', packages: ['web-vitals'], sees: { vitals: VITALS } },
  { id: 'lux', name: 'SpeedCurve LUX', packages: ['@speedcurve/lux'], sees: { vitals: VITALS } },
  { id: 'elastic', name: 'Elastic RUM', packages: ['@elastic/apm-rum'], sees: { vitals: VITALS } },
  { id: 'sentry', name: 'Sentry, errors', packages: ['@sentry/browser'], sees: { vitals: VITALS } },
  { id: 'opentelemetry', name: 'OpenTelemetry browser SDK', packages: ['@opentelemetry/browser-sdk', '@opentelemetry/browser-instrumentation'], sees: { vitals: VITALS } },
  { id: 'faro', name: 'Grafana Faro', packages: ['@grafana/faro-web-sdk'], sees: { vitals: VITALS } },
  { id: 'boomerang', name: 'boomerang', packages: ['boomerangjs'], scripts: BOOMERANG, sees: { vitals: VITALS } },
  { id: 'sentry-tracing', name: 'Sentry with tracing', packages: ['@sentry/browser'], sees: { vitals: VITALS } },
  { id: 'datadog', name: 'Datadog RUM', packages: ['@datadog/browser-rum'], sees: { vitals: VITALS } },
];
