/** All vitals that are watched on a page. The same for the agent and the drop-in. */

import { Cls } from './cls.js';
import { Fcp } from './fcp.js';
import { Fid } from './fid.js';
import { Inp } from './inp.js';
import { Lcp } from './lcp.js';
import { attempt, firstHidden, hasAny, isHidden } from './page.js';
import { Ttfb } from './ttfb.js';
import type { MetricName, Shared, Watch, Watcher } from './watch.js';

const VITALS = { FCP: Fcp, LCP: Lcp, FID: Fid, CLS: Cls, INP: Inp, TTFB: Ttfb };

/** Whether the browser can have that vital. */
const isKnown = (metric: MetricName): boolean => {
  const vital = VITALS[metric];
  if (metric === 'INP' && !attempt(() => 'interactionId' in PerformanceEventTiming.prototype)) return false;
  return vital === Ttfb || hasAny((vital as typeof Fcp).types);
};

export class Watches {
  private readonly all: Watch[] = [];
  private shared: Shared | undefined;

  /** Watches a vital from now on; where the browser does not have it, it stays silent. */
  add(metric: MetricName, by: Watcher): Watch | undefined {
    if (!isKnown(metric)) return undefined;
    this.shared ??= { firstHidden: firstHidden(), restoredAt: undefined };
    const { shared } = this;
    const watch = attempt(() => new VITALS[metric](by, shared));
    if (watch) this.all.push(watch);
    return watch;
  }

  /** The page was hidden at that time, as somebody saw who was there before. */
  hiddenAt(time: number): void {
    const shared = (this.shared ??= { firstHidden: firstHidden(), restoredAt: undefined });
    shared.firstHidden = Math.min(shared.firstHidden, time);
  }

  /** Entries of type `event` that somebody observed who was there before. */
  events(entries: any[]): void {
    this.each((watch) => watch instanceof Inp && watch.take(entries));
  }

  /** The user clicked or pressed a key. */
  acted(): void {
    this.each((watch) => watch.acted());
  }

  visibilityChanged(event: Pick<Event, 'isTrusted' | 'timeStamp'>, isLeft?: boolean): void {
    this.each((watch) => watch.visibilityChanged(event, isLeft));
    if (isLeft ?? isHidden()) this.hiddenAt(event.timeStamp);
  }

  /** R8: the page came back from the back/forward cache at that time. What is known of it too late has no frames to measure. */
  restored(at: number, isLive = true): void {
    if (this.shared) this.shared.restoredAt = at;
    this.each((watch) => watch.restored(at));
    // Browsers change the visibility late.
    setTimeout(() => {
      const hidden = isHidden() ? 0 : Infinity;
      if (this.shared) this.shared.firstHidden = hidden;
      this.each((watch) => watch.unhidden(hidden));
    });
    if (!isLive) return;
    const { length } = this.all;
    requestAnimationFrame(() => requestAnimationFrame(() => this.each((watch) => watch.frames(at), length)));
  }

  /** One that fails must not cost the others. */
  private each(task: (watch: Watch) => unknown, length = Infinity): void {
    for (const watch of this.all.slice(0, length)) attempt(() => task(watch));
  }

  /** Nothing is observed any more. */
  stop(): void {
    this.each((watch) => watch.stop());
  }
}
