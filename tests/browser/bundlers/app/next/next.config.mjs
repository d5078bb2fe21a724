import { resolve } from 'node:path';

export default {
  // The tools are two folders up.
  turbopack: { root: resolve(import.meta.dirname, '../..') },
  productionBrowserSourceMaps: false,
  devIndicators: false,
};
