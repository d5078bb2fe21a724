import { datadogRum } from '@datadog/browser-rum';

datadogRum.init({
  applicationId: '00000000-0000-4000-8000-000000000000',
  clientToken: 'pub00000000000000000000000000000000',
  // The collector of the benchmark, in place of the vendor's hosts.
  proxy: 'http://collector.localhost/datadog',
  // Recording what the page looks like is more than any other agent here does, and is not compared.
  sessionReplaySampleRate: 0,
});
