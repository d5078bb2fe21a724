import { init } from '@elastic/apm-rum';

init({
  serviceName: 'bench',
  serverUrl: 'http://collector.localhost',
});
