// Who takes part. Each has an entry of its own in agents/, with the settings that it comes with and what the scripted visit needs.

/** The vendor's flavour `default-spa-errors`, in its order, and the plugin that counts clicks. */
const BOOMERANG = ['boomerang.js', ...[
  'auto-xhr', 'spa', 'history', 'rt', 'painttiming', 'navtiming', 'restiming', 'mobile', 'memory', 'compression', 'errors', 'mq', 'eventtiming',
  'bfcache', 'continuity',
].map((plugin) => `plugins/${plugin}.js`)];

/** How vitals are named in what agents send; some have names of their own. */
const VITALS = {
  LCP: /\blcp\b|largest.?contentful.?paint/i,
  CLS: /\bcls\b|cumulative.?layout.?shift/i,
  INP: /\binp(?:\b|_)|interaction.?to.?next.?paint/i,
  FCP: /\bfcp\b|first.?contentful.?paint/i,
  TTFB: /\bttfb\b|time.?to.?first.?byte/i,
};

/** Counts the different things that a pattern finds. */
const different = (pattern) => (text) => new Set(Array.from(text.matchAll(pattern), ([, found]) => found)).size;

export const FLOOR = { id: 'none', name: 'no agent', packages: [] };

/**
 * `id` is the entry's file name; `packages` are what is installed for it, `scripts` what is put together of those that are no modules.
 * `sees` tells how vitals and clicks are found in what the collector was sent.
 */
export const AGENTS = [
  { id: 'beamline', name: 'Beamline', packages: ['beamline-rum'], sees: { vitals: VITALS, clicks: different(/"action":"click"[^}]*?"id":"([^"]+)"/g) } },
  { id: 'beamline-inline', name: 'Beamline, one file', packages: ['beamline-rum'], sees: { vitals: VITALS, clicks: different(/"action":"click"[^}]*?"id":"([^"]+)"/g) } },
  { id: 'beamline-web-vitals', name: 'Beamline as web-vitals', packages: ['beamline-rum'], sees: { vitals: VITALS } },
  { id: 'beamline-web-vitals-attribution', name: 'Beamline as web-vitals with attribution', packages: ['beamline-rum'], sees: { vitals: VITALS } },
  { id: 'web-vitals', name: 'web-vitals', packages: ['web-vitals'], sees: { vitals: VITALS } },
  { id: 'web-vitals-attribution', name: 'web-vitals with attribution', packages: ['web-vitals'], sees: { vitals: VITALS } },
  { id: 'lux', name: 'SpeedCurve LUX', packages: ['@speedcurve/lux'], sees: { vitals: { ...VITALS, TTFB: /[?&]NT=\d+as[^&]*bs\d/ } } },
  { id: 'elastic', name: 'Elastic RUM', packages: ['@elastic/apm-rum'], sees: { vitals: VITALS, clicks: different(/"transaction":\{"id":"([^"]+)"[^}]*?"type":"user-interaction"/g) } },
  { id: 'sentry', name: 'Sentry, errors', packages: ['@sentry/browser'], sees: { vitals: VITALS, clicks: different(/"category":"ui\.click"[^}]*?#(click-\w+)/g) } },
  {
    id: 'opentelemetry',
    name: 'OpenTelemetry browser SDK',
    packages: ['@opentelemetry/browser-sdk', '@opentelemetry/browser-instrumentation'],
    sees: { vitals: VITALS, clicks: different(/"browser\.css_selector","value":\{"stringValue":"#(click-\w+)"/g) },
  },
  { id: 'faro', name: 'Grafana Faro', packages: ['@grafana/faro-web-sdk'], sees: { vitals: VITALS, clicks: different(/"faro\.user\.action"[^}]*?"userActionName":"(click-\w+)"/g) } },
  {
    id: 'boomerang',
    name: 'boomerang',
    packages: ['boomerangjs'],
    scripts: BOOMERANG,
    sees: {
      vitals: { ...VITALS, TTFB: /\bt_resp=\d/ },
      // It tells their number.
      clicks: (text) => Array.from(text.matchAll(/\bc\.c=(\d+)/g), ([, number]) => Number(number)).reduce((sum, number) => sum + number, 0),
    },
  },
  { id: 'sentry-tracing', name: 'Sentry with tracing', packages: ['@sentry/browser'], sees: { vitals: VITALS, clicks: different(/"category":"ui\.click"[^}]*?#(click-\w+)/g) } },
  {
    id: 'datadog',
    name: 'Datadog RUM',
    packages: ['@datadog/browser-rum'],
    sees: { vitals: { ...VITALS, TTFB: /"first_byte":\d/ }, clicks: different(/"action":\{"id":"([^"]+)","target"/g) },
  },
];
