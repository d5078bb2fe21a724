import { Operation } from './operation.js';
import { type Report, type Shared, SOFT, Watch, type Watcher } from './watch.js';

/** Time to First Byte. */
export class Ttfb extends Watch {
  private isKnown = false;

  constructor(by: Watcher, shared: Shared) {
    super('TTFB', by, shared);
    const known = (): void => void setTimeout(() => this.loaded());
    document.readyState === 'complete' ? known() : addEventListener('load', known, { capture: true, once: true });
  }

  /** The navigation's entry is complete. Without one that can be believed there is no value, and will not be. */
  private loaded(): void {
    const [value] = this.ofPage(Operation.Ttfb);
    if (value === undefined) return;
    this.isKnown = true;
    this.value = value;
    this.entries = [performance.getEntriesByType('navigation')[0]];
    this.report(true);
    this.observe(this.softly());
  }

  protected override isObserving(): boolean {
    return this.isKnown;
  }

  protected override take(entries: any[]): void {
    for (const entry of entries) {
      this.begin(SOFT, entry.startTime, entry, 0);
      this.entries = [entry];
      this.report(true);
    }
  }

  override restored(at: number): void {
    if (!this.isKnown) return;
    this.begin('back-forward-cache', at, undefined, 0);
    this.report(true);
  }

  protected override attribute(report: Report): void {
    const isOfLoad = this.entries.length && this.visit.kind !== SOFT;
    report.parts = isOfLoad ? this.ofPage(Operation.TtfbParts, report.value) : [0, 0, 0, 0, 0];
  }
}
