import type { Signal } from './signal.js';

/** An error as the wire protocol has it, before it is shortened and cleaned. */
export interface Fault {
  type: 'error';
  source: 'uncaught' | 'unhandled_rejection' | 'api';
  name: string | undefined;
  message: string;
  stack: string | undefined;
  file: string | undefined;
  line: number | undefined;
  column: number | undefined;
  attributes: Record<string, string> | undefined;
}

/** Longest text that is looked at, in UTF-16 code units. The core cuts further. */
const MOST_TEXT = 16_384;

const MOST_ATTRIBUTES = 32;

/** Reads the error a signal is about; `undefined` when it is about something else. */
export const readFault = ([source, data]: Signal): Fault | undefined => {
  switch (source) {
    case 'error':
      // A resource that failed to load has no message; what is thrown across origins has nothing else.
      return data.message === undefined ? undefined : fault('uncaught', data.error ?? data.message, data);
    case 'unhandledrejection':
      return fault('unhandled_rejection', data.reason);
    case 'caught':
      return fault('api', data[0], undefined, data[1]);
    case 'failure':
      return fault('uncaught', { name: 'BeamlineError', message: text(data) });
    default:
      return undefined;
  }
};

/** Most causes that are told of one error. */
const MOST_CAUSES = 5;

/** The stack, and those of what caused it: `cause` (ECMA-262 20.5.1.1) and the errors of an `AggregateError`. */
const stackOf = (error: any): string | undefined => {
  const found = [error];
  for (let next = 0; next < found.length && found.length <= MOST_CAUSES; next++) {
    const { cause, errors } = Object(found[next]);
    found.push(...[cause].filter((cause) => cause != null), ...(Array.isArray(errors) ? errors : []));
  }
  const told = found.slice(1, MOST_CAUSES + 1).map((cause) => `\nCaused by: ${string(cause?.stack) ?? text(cause)}`);
  const own = string(error?.stack);
  return told.length ? (own ?? '') + told.join('') : own;
};

const fault = (source: Fault['source'], error: any, place?: ErrorEvent, context?: object): Fault => ({
  type: 'error',
  source,
  name: string(error?.name),
  message: text(error?.message ?? error),
  stack: stackOf(error),
  file: place?.filename,
  line: place?.lineno,
  column: place?.colno,
  attributes: context && Object.fromEntries(Object.entries(context).slice(0, MOST_ATTRIBUTES).map(([key, value]) => [key, text(value)])),
});

const string = (value: unknown): string | undefined => (typeof value === 'string' ? value.slice(0, MOST_TEXT) : undefined);

/** The text of anything, even of what refuses to become text. */
const text = (value: any): string => {
  try {
    const string = String(value);
    return (string === '[object Object]' ? 'an object with ' + Object.keys(value).join(', ') : string).slice(0, MOST_TEXT);
  } catch {
    return typeof value;
  }
};
