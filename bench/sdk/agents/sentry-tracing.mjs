import { browserTracingIntegration, init } from '@sentry/browser';

init({
  dsn: 'http://0123456789abcdef0123456789abcdef@collector.localhost/1',
  // Vitals and page views are part of tracing.
  integrations: [browserTracingIntegration()],
  // Without a rate no trace is sent.
  tracesSampleRate: 1,
});
