import { init } from 'beamline-rum/inline';

init({ key: 'bench', endpoint: 'http://collector.localhost/api/v1/metrics/rum' });
