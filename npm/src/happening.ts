import type { Signal } from './signal.js';

/** An error as the wire protocol has it, before it is shortened and cleaned. */
export interface Fault {
  type: 'error';
  source: 'uncaught' | 'unhandled_rejection' | 'api';
  name: unknown;
  message: string;
  stack: unknown;
  file: unknown;
  line: unknown;
  column: unknown;
  attributes: Record<string, string> | undefined;
}

const MOST_TEXT = 2048;

/** Reads the error a signal is about; `undefined` when it is about something else. */
export const readFault = ([source, data]: Signal): Fault | undefined => {
  switch (source) {
    case 'error':
      // A resource that failed to load has no message; what is thrown across origins has nothing else.
      return data.message === undefined ? undefined : fault('uncaught', data.error ?? data.message, data);
    case 'unhandledrejection':
      return fault('unhandled_rejection', data.reason);
    case 'trackError':
      return fault('api', data[0], undefined, data[1]);
    case 'failure':
      return fault('uncaught', { name: 'BeamlineError', message: text(data) });
    default:
      return undefined;
  }
};

const fault = (source: Fault['source'], error: any, place?: ErrorEvent, context?: object): Fault => ({
  type: 'error',
  source,
  name: error?.name,
  message: text(error?.message ?? error),
  stack: error?.stack,
  file: place?.filename,
  line: place?.lineno,
  column: place?.colno,
  attributes: context && Object.fromEntries(Object.entries(context).map(([key, value]) => [key, text(value)])),
});

/** The text of anything, even of what refuses to become text. */
const text = (value: any): string => {
  try {
    const string = String(value);
    return (string === '[object Object]' ? 'an object with ' + Object.keys(value).join(', ') : string).slice(0, MOST_TEXT);
  } catch {
    return typeof value;
  }
};
