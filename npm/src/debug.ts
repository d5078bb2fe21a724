/** What is said on the console with `debug: true`, and nowhere else. Fetched only then. */

import type { Options } from './options.js';

type Rule = [isValid: (value: any) => boolean, mustBe: string];

const text: Rule = [(value) => typeof value === 'string' && value !== '', 'a text that is not empty'];
const flag: Rule = [(value) => typeof value === 'boolean', 'true or false'];

const RULES: Record<keyof Options, Rule> = {
  key: text,
  endpoint: text,
  release: text,
  env: text,
  sampleRate: [(value) => typeof value === 'number' && value >= 0 && value <= 1, 'a number from 0 to 1'],
  autoPageViews: flag,
  autoClicks: flag,
  softNavigations: flag,
  lcpTimeLimit: [(value) => typeof value === 'number' && value >= 0, 'a number of milliseconds, 0 or more'],
  respectPrivacySignals: flag,
  engine: [(value) => ['auto', 'wasm', 'js'].includes(value), 'auto, wasm or js'],
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

/** Says what is wrong with the options. */
export const explain = (options: object): void => {
  for (const complaint of complaints(options)) console.warn('beamline:', complaint);
};
