import { initializeFaro } from '@grafana/faro-web-sdk';

initializeFaro({
  url: 'http://collector.localhost/collect',
  app: { name: 'bench' },
});
