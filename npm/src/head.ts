/**
 * The script for `<head>`: records what happens before the package is loaded. Whatever entry then calls `init` takes its record over.
 *
 * The API, except for `init`, is the global `beamline`.
 */

import { attempt, listen } from './capture.js';
import { flush, reset, setAttributes, setConsent, setFlags, setUser, shutdown, time, track, trackError, trackPageView, trackUserAction } from './api.js';

globalThis.beamline = { flush, reset, setAttributes, setConsent, setFlags, setUser, shutdown, time, track, trackError, trackPageView, trackUserAction };
attempt(listen);
