/** Errors: what scripts throw, what the page reports, and what the browser reports of the page. */

import { readFault } from '../early.js';
import type { Options } from '../options.js';
import { type Deliver, record } from '../record.js';
import type { Signal } from '../signal.js';
import { attempt } from '../vitals/page.js';

interface Failure {
  source: string;
  name?: string | undefined;
  message: string;
  stack?: string | undefined;
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
  attributes?: object | undefined;
}

const fail = (deliver: Deliver, { line, column, attributes, ...texts }: Failure, at?: number): void =>
  record(
    deliver,
    // Zero is where browsers know none.
    { type: 'error', numbers: { line: line || NaN, column: column || NaN }, texts: { ...texts }, attributes },
    at,
  );

/** Tells of the error a signal is about, if it is about one. */
export const tellFault = (signal: Signal, deliver: Deliver): void => {
  const [source, event, at, , , target] = signal;
  const fault = readFault(signal);
  if (fault) {
    const { type: _, ...rest } = fault;
    fail(deliver, rest, at);
  } else if (source === 'error' && target instanceof Element) {
    const { src, href, localName } = target as any;
    fail(deliver, { source: 'resource', message: `${localName} could not be loaded`, file: String(src || href || '') }, event.timeStamp);
  }
};

/** Watches what the browser reports, and `console.error` where it is asked for; the result ends it. */
export const watchReports = ({ consoleErrors }: Options, deliver: Deliver): (() => void) => {
  const ends: (() => void)[] = [];
  const violated = ({ effectiveDirective, blockedURI, sourceFile: file, lineNumber: line, columnNumber: column }: SecurityPolicyViolationEvent): void =>
    fail(deliver, { source: 'csp', name: effectiveDirective, message: `${effectiveDirective} refused ${blockedURI}`, file, line, column });
  addEventListener('securitypolicyviolation', violated);
  ends.push(() => removeEventListener('securitypolicyviolation', violated));
  attempt(() => {
    const observer = new ReportingObserver(
      (reports) => {
        for (const { type, body } of reports as any[]) {
          const { id, message, sourceFile: file, lineNumber: line, columnNumber: column } = body ?? {};
          fail(deliver, { source: type, name: id, message: String(message), file, line, column });
        }
      },
      { types: ['deprecation', 'intervention'], buffered: true },
    );
    observer.observe();
    ends.push(() => observer.disconnect());
  });
  if (consoleErrors === true) {
    const native = console.error;
    const watched = function (this: unknown, ...said: unknown[]): void {
      native.apply(this, said);
      attempt(() => {
        const error: any = said.find((one) => one instanceof Error);
        fail(deliver, { source: 'console', name: error?.name, message: said.map((one: any) => one?.message ?? String(one)).join(' '), stack: error?.stack });
      });
    };
    console.error = watched;
    ends.push(() => {
      if (console.error === watched) console.error = native;
    });
  }
  return () => ends.forEach((end) => end());
};
