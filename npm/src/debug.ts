/** What is said on the console with `debug: true`, and nowhere else. Fetched only then. */

import { storedSession } from './early.js';
import type { Options } from './options.js';
import type { Page } from './signal.js';

type Rule = [isValid: (value: any) => boolean, mustBe: string];

const text: Rule = [(value) => typeof value === 'string' && value !== '', 'a text that is not empty'];
const flag: Rule = [(value) => typeof value === 'boolean', 'true or false'];

const RULES: Record<keyof Options, Rule> = {
  key: text,
  endpoint: text,
  release: text,
  env: text,
  sampleRate: [(value) => typeof value === 'number' && value >= 0 && value <= 1, 'a number from 0 to 1'],
  keepFailed: flag,
  autoPageViews: flag,
  autoClicks: flag,
  softNavigations: flag,
  lcpTimeLimit: [(value) => typeof value === 'number' && value >= 0, 'a number of milliseconds, 0 or more'],
  respectPrivacySignals: flag,
  engine: [(value) => ['auto', 'wasm', 'js'].includes(value), 'auto, wasm or js'],
  autoRequests: flag,
  traceOrigins: [Array.isArray, 'a list of origins'],
  slowResourceMs: [(value) => typeof value === 'number' && value >= 0, 'a number of milliseconds, 0 or more'],
  longFrameMs: [(value) => typeof value === 'number' && value >= 0, 'a number of milliseconds, 0 or more'],
  consoleErrors: flag,
  consent: [(value) => ['granted', 'denied', 'pending'].includes(value), "'granted', 'denied' or 'pending'"],
  beforeSend: [(value) => typeof value === 'function', 'a function'],
  debug: flag,
};

/** What is wrong with the options, one sentence each. An option that is `undefined` is not given. */
export const complaints = (options: object): string[] => {
  const found: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name as keyof Options] : undefined;
    if (!rule) found.push(`there is no option ${name}`);
    else if (value !== undefined && !rule[0](value)) found.push(`${name} must be ${rule[1]}`);
  }
  return found;
};

/** Most events and beacons that the inspector lists. */
const MOST_LISTED = 50;

/**
 * Says what is wrong with the options, prints every event as it is sent, and puts an inspector at `window.__beamline`: the options, the
 * consent, the session, what waits for the core, and the last events and beacons.
 */
export const explain = (page: Page): void => {
  for (const complaint of complaints(page.options)) console.warn('beamline:', complaint);
  const events: object[] = [];
  const beacons: object[] = [];
  page.inspect = (what, json) => {
    if (!json) return;
    const value = JSON.parse(json);
    const list = what === 'event' ? events : beacons;
    list.push(value);
    list.splice(0, list.length - MOST_LISTED);
    if (what === 'event') {
      const { type, at_ms: _, ...rest } = value;
      console.debug(`beamline: ${type}`, rest);
    } else {
      console.debug(`beamline: beacon of ${value.events.length} events`, value);
    }
  };
  Object.defineProperty(window, '__beamline', {
    configurable: true,
    get: () => ({
      options: page.options,
      consent: page.options.consent ?? 'granted',
      session: storedSession(),
      view: page.view,
      queue: page.queue.length,
      events: [...events],
      beacons: [...beacons],
    }),
  });
};
