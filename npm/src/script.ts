/**
 * The file for a script tag: `<script async src="beamline.js" data-key="your-site-key"></script>`.
 *
 * The API is the global `beamline`. Options may be attributes of the tag, `data-sample-rate="0.1"`; with a `data-key` it starts by itself.
 */

import * as api from './index.js';
import type { Options } from './options.js';

/** The options that are texts, whatever they look like; a release may be `4.2`. */
const TEXTS = ['key', 'endpoint', 'release', 'env', 'engine'];

const read = (name: string, value: string): unknown => {
  if (TEXTS.includes(name)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
};

globalThis.beamline = api;

// A module has no current script.
const { dataset } = document.currentScript ?? {};
if (dataset?.key) api.init(Object.fromEntries(Object.entries(dataset).map(([name, value]) => [name, read(name, value!)])) as unknown as Options);
