import { Operation } from './operation.js';
import { type Report, type Shared, SOFT, Watch, type Watcher } from './watch.js';

/** First Contentful Paint. */
export class Fcp extends Watch {
  static readonly types = ['paint'];
  private isOver = false;

  constructor(by: Watcher, shared: Shared) {
    super('FCP', by, shared);
    this.observe(Fcp.types);
    this.observe(this.softly());
  }

  protected override take(entries: any[]): void {
    for (const entry of entries) {
      if (entry.entryType === SOFT) {
        const [value] = this.compute(Operation.Fcp, [entry.presentationTime || entry.paintTime || 0, entry.startTime]);
        this.begin(SOFT, entry.startTime, entry, value);
        this.report(true);
      } else if (entry.name === 'first-contentful-paint' && !this.isOver) {
        this.isOver = true;
        if (entry.startTime >= this.firstHidden) continue;
        this.value = this.compute(Operation.Fcp, [entry.startTime, this.navigation()[0] ?? 0])[0]!;
        this.entries = [entry];
        this.report(true);
      }
    }
  }

  override frames(at: number): void {
    if (!this.isObserving()) return;
    this.value = performance.now() - at;
    this.report(true);
  }

  protected override attribute(report: Report): void {
    const [paint] = this.entries;
    const isOfLoad = paint && this.navigation().length;
    report.parts = paint ? this.ofPage(Operation.FcpParts, report.value) : [0, report.value];
    if (this.visit.kind === SOFT) report.loadState = 3;
    else report.loadState = this.loadState(isOfLoad ? paint.startTime : (this.shared.restoredAt ?? -1));
  }
}
