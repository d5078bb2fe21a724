/** What all vitals have in common: one metric instance after the other, and when its value is reported. */

import { selector } from '../selector.js';
import { Operation } from './operation.js';
import { NAVIGATION_KINDS, type Observed, attempt, isHidden, navigationEntry, observe, pageState } from './page.js';

/** In the order of `Metric::ALL`. */
export const METRICS = ['FCP', 'LCP', 'FID', 'CLS', 'INP', 'TTFB'] as const;

export type MetricName = (typeof METRICS)[number];

/** The core's arithmetic; see `Operation` for what each takes and returns. */
export interface Core {
  compute(operation: Operation, watch: number, numbers: ArrayLike<number>, answer: number[]): void;
}

/** What the core computes. After a panic nothing is known any more. */
const computed = (core: Core, operation: Operation, numbers: ArrayLike<number>, watch: number): number[] => {
  const answer: number[] = [];
  attempt(() => core.compute(operation, watch, numbers, answer));
  return answer;
};

/** What it computes of a value and the page as it is now. */
export const ofPage = (core: Core, operation: Operation, value = 0): number[] => computed(core, operation, [value, ...pageState()], 0);

/** How a vital is watched. */
export interface WatchOptions {
  reportAllChanges?: boolean | undefined;
  reportSoftNavs?: boolean | undefined;
  durationThreshold?: number | undefined;
  includeProcessedEventEntries?: boolean | undefined;
  generateTarget?: ((node: any) => string | null | undefined) | undefined;
  /** Milliseconds since navigation or activation after which LCP is reported without waiting for its end. */
  timeLimit?: number | undefined;
}

/**
 * What is measured by itself: the load of a page, a return from the back/forward cache, or a soft navigation. A metric starts again
 * with each.
 */
export interface Visit {
  kind: string;
  /** When it began; 0 for a load. */
  start: number;
  /** The `navigation` entry, if it could be believed when the visit began. */
  hard: any;
  /** The `soft-navigation` entry; a return from the back/forward cache keeps it. */
  soft: any;
}

/** A value that is due. */
export interface Report {
  /** The same object for all reports of one visit. */
  visit: Visit;
  value: number;
  delta: number;
  /** 0 good, 1 needs improvement, 2 poor. */
  rating: number;
  /** The live entries behind the value. */
  entries: any[];
  /** Where it comes from, in the order the arithmetic has it; empty when nothing is known, or nobody asked. */
  parts: number[];
  /** In the order of `LoadState`. */
  loadState?: number;
  target?: string | undefined;
  /** The resource that was shown, or the largest shift. */
  entry?: any;
  processed?: any[];
  longFrames?: any[];
}

/** Who watches. */
export interface Watcher {
  core: Core;
  options: WatchOptions;
  /** Whether reports say where the value comes from. */
  isAttributed: boolean;
  report(report: Report): void;
}

/** What all watches of a page share. */
export interface Shared {
  /** R6 */
  firstHidden: number;
  /** When the page last came back from the back/forward cache. */
  restoredAt: number | undefined;
}

export const SOFT = 'soft-navigation';

/** One vital that somebody asked for. Watches share nothing but the page: two of one vital do not disturb each other. */
export abstract class Watch {
  protected value = -1;
  protected entries: any[] = [];
  protected visit: Visit;
  protected firstHidden: number;
  private observed: Observed[] = [];
  private reported = NaN;
  private isWaiting = false;

  constructor(
    private readonly metric: MetricName,
    protected readonly by: Watcher,
    protected readonly shared: Shared,
  ) {
    this.firstHidden = shared.firstHidden;
    this.visit = this.load();
  }

  /** Entries that were observed, in the order of their end. */
  protected take(_entries: any[]): void {}

  /** The user clicked or pressed a key, or the page was shown. */
  acted(): void {}

  /** R11: the browser is idle, or it will be too late. */
  protected settle(): void {}

  /** The page was hidden, and what the browser still had is taken. */
  protected left(_isTrusted: boolean): void {}

  /** The page came back from the back/forward cache. */
  restored(at: number): void {
    if (this.isObserving()) this.begin('back-forward-cache', at);
  }

  /** The second frame since then. */
  frames(_at: number): void {}

  /** The page's visibility changed: R7. All the browser still has comes first, so that a last slow interaction is seen. */
  visibilityChanged({ isTrusted, timeStamp }: Pick<Event, 'isTrusted' | 'timeStamp'>, isLeft = isHidden()): void {
    if (!isLeft) {
      if (this.isWaiting) this.settleNow();
      if (isTrusted) this.acted();
      return;
    }
    for (const observed of this.observed) observed.drain();
    this.isWaiting = false;
    this.settle();
    this.left(isTrusted);
    this.firstHidden = Math.min(this.firstHidden, timeStamp);
  }

  /** The page's visibility is known after it came back. */
  unhidden(firstHidden: number): void {
    this.firstHidden = firstHidden;
  }

  stop(): void {
    for (const observed of this.observed) observed.disconnect();
  }

  protected isObserving(): boolean {
    return this.observed.length > 0;
  }

  /** Soft navigations as an entry type, where they are asked for and known. */
  protected softly(): string[] {
    const known = attempt(() => (globalThis as any).PerformanceSoftNavigation.prototype.getLargestInteractionContentfulPaint);
    return this.by.options.reportSoftNavs && typeof known === 'function' ? [SOFT] : [];
  }

  protected observe(types: string[], init?: object, take = (entries: any[]): void => this.take(entries)): boolean {
    const observed = observe(types, take, init);
    if (observed) this.observed.push(observed);
    return !!observed;
  }

  protected drain(): void {
    for (const observed of this.observed) observed.drain();
  }

  /** What must not cost the interaction, and needs all entries of its frame, is done when the browser is idle. */
  protected settleWhenIdle(): void {
    if (isHidden()) return this.settleNow();
    if (this.isWaiting) return;
    this.isWaiting = true;
    const whenIdle = globalThis.requestIdleCallback ?? setTimeout;
    whenIdle(() => attempt(() => this.isWaiting && this.settleNow()), { timeout: 1000 } as IdleRequestOptions & number);
  }

  private settleNow(): void {
    this.isWaiting = false;
    this.settle();
  }

  /** Asks about the page as it is now. */
  protected ofPage(operation: Operation, value?: number): number[] {
    return ofPage(this.by.core, operation, value);
  }

  protected compute(operation: Operation, numbers: ArrayLike<number> = [], watch = 0): number[] {
    return computed(this.by.core, operation, numbers, watch);
  }

  /** The visit of the load, or of the return if the page came back before anybody watched. */
  protected load(): Visit {
    const [kind, activationStart] = this.ofPage(Operation.Visit);
    return {
      kind: this.shared.restoredAt === undefined ? NAVIGATION_KINDS[kind!]! : 'back-forward-cache',
      start: 0,
      hard: activationStart === undefined ? undefined : navigationEntry(),
      soft: undefined,
    };
  }

  /** Another visit begins. */
  protected begin(kind: string, start: number, soft = this.visit.soft, value = -1): void {
    this.visit = { kind, start, hard: this.visit.hard, soft };
    this.value = value;
    this.entries = [];
    this.reported = NaN;
  }

  /** `[activationStart, responseStart]` of the load, if they can be believed. */
  protected navigation(): number[] {
    return this.ofPage(Operation.Visit).slice(1);
  }

  protected loadState(at: number): number {
    return this.ofPage(Operation.LoadState, at)[0]!;
  }

  /** What names the node an entry is about. */
  protected target(node: any): string | undefined {
    if (!node || !this.by.isAttributed) return undefined;
    const { generateTarget } = this.by.options;
    return (generateTarget && attempt(() => generateTarget(node))) ?? this.selector(node);
  }

  private selector(node: unknown): string | undefined {
    return attempt(() => selector(node));
  }

  /** Reports the value, if it is due and not what was reported last (R1). */
  protected report(isDue?: boolean): void {
    if (!isDue && !this.by.options.reportAllChanges) return;
    const [delta, rating] = this.compute(Operation.Report, [METRICS.indexOf(this.metric), this.value, this.reported]);
    if (delta === undefined) return;
    this.reported = this.value;
    const report = { visit: this.visit, value: this.value, delta, rating: rating!, entries: this.entries, parts: [] };
    if (this.by.isAttributed) this.attribute(report);
    this.by.report(report);
  }

  /** Adds where the value comes from. */
  protected attribute(_report: Report): void {}
}
