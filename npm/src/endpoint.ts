import type { Options } from './options.js';

/** Where beacons are posted, site key included. */
export const beaconUrl = ({ endpoint = '/api/v1/metrics/rum', key }: Options): string =>
  endpoint + (endpoint.includes('?') ? '&' : '?') + 'key=' + encodeURIComponent(key);
