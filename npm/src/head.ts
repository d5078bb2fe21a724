/**
 * The script for `<head>`: records what happens before the package is loaded. Whatever entry then calls `init` takes its record over.
 *
 * The API, except for `init`, is the global `beamline`.
 */

import { attempt, listen } from './capture.js';
import { flush, shutdown, trackError, trackPageView, trackUserAction } from './stub.js';

globalThis.beamline = { flush, shutdown, trackError, trackPageView, trackUserAction } satisfies typeof import('./api.js');
attempt(listen);
