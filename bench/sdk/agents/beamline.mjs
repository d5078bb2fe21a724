import { init } from 'beamline-rum';

init({ key: 'bench', endpoint: 'http://collector.localhost/api/v1/metrics/rum' });
