import { Operation } from './operation.js';
import { type Report, type Shared, Watch, type Watcher } from './watch.js';

/** First Input Delay. */
export class Fid extends Watch {
  static readonly types = ['first-input'];
  private isOver = false;

  constructor(by: Watcher, shared: Shared) {
    super('FID', by, shared);
    this.observe(Fid.types);
  }

  override take(entries: any[]): void {
    for (const entry of entries) {
      if (this.isOver || entry.startTime >= this.firstHidden) continue;
      this.value = this.compute(Operation.Fid, [entry.startTime, entry.processingStart])[0]!;
      this.entries = [entry];
      this.report(true);
    }
  }

  protected override left(): void {
    this.isOver = true;
  }

  override restored(at: number): void {
    super.restored(at);
    this.isOver = false;
  }

  protected override attribute(report: Report): void {
    const [input] = this.entries;
    report.parts = [input.startTime];
    report.loadState = this.loadState(input.startTime);
    report.target = this.target(input.target);
  }
}
