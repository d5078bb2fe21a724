import { Kind } from './kind.js';
import { scrubbed } from './early.js';

/** U+001F is between texts, so it cannot be in one. */
const SEPARATOR = '\x1f';

/** Texts as the core takes them, one after the other. */
export const joined = (values: unknown[]): string => values.map((value) => String(value ?? '').replaceAll(SEPARATOR, ' ')).join(SEPARATOR);

/** The trace of a request: digits and letters of ours, among which a number would be found. */
const TRACE = /^[\da-f]{32}$/;

/** The same without personal data. */
export const textOf = (values: unknown[]): string =>
  joined(values.map((value) => (TRACE.test(String(value)) ? value : scrubbed(String(value ?? '')))));

/** Gives the core one thing, which happened at `at` of the page's clock: now, unless it is said. */
export type Deliver = (kind: Kind, numbers?: number[], texts?: string, at?: number) => void;

/** What is recorded, by the names of `docs/protocol.md`. What is `undefined`, `NaN` or empty is absent. */
export interface Recorded {
  type: 'error' | 'action' | 'request' | 'measure' | 'long_frame';
  numbers?: Record<string, number | undefined>;
  texts?: Record<string, unknown>;
  attributes?: object | undefined;
  /** What later errors tell of it: kind and text. */
  crumb?: [kind: string, text: string] | undefined;
}

/** Most own attributes of one event. */
const MOST_ATTRIBUTES = 32;
/** Longest text that is looked at, in UTF-16 code units. The core cuts further. */
const MOST_TEXT = 16_384;

/** Gives the core a record, as `rum-sdk/src/collect/record.rs` reads it. */
export const record = (deliver: Deliver, { type, numbers = {}, texts = {}, attributes, crumb = ['', ''] }: Recorded, at?: number): void =>
  deliver(
    Kind.Record,
    Object.values(numbers).map((number) => number ?? NaN),
    textOf([
      type,
      ...crumb,
      Object.keys(numbers),
      Object.keys(texts),
      ...Object.values(texts).map((text) => (typeof text === 'string' ? text.slice(0, MOST_TEXT) : '')),
      ...pairs(attributes),
    ]),
    at,
  );

/** Names and values, one after the other. */
export const pairs = (attributes: object = {}): string[] =>
  Object.entries(attributes)
    .filter(([name, value]) => name && value !== undefined && value !== null)
    .slice(0, MOST_ATTRIBUTES)
    .flatMap(([name, value]) => [name, String(value).slice(0, MOST_TEXT)]);
