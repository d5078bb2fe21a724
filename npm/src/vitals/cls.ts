import { Fcp } from './fcp.js';
import { Operation } from './operation.js';
import { numbersOf, sourceOf } from './page.js';
import { type Report, type Shared, SOFT, Watch, type Watcher } from './watch.js';
import { Places } from './places.js';

/** Cumulative Layout Shift. It begins when FCP is reported, as in the Chrome UX Report. */
export class Cls extends Watch {
  static readonly types = ['layout-shift'];
  private number = -1;
  private readonly paint: Fcp;
  private readonly shifts = new Places<{ entry: any; target: string | undefined }>();
  private largest: { entry: any; target: string | undefined } | undefined;

  constructor(by: Watcher, shared: Shared) {
    super('CLS', by, shared);
    this.paint = new Fcp({ core: by.core, options: {}, isAttributed: false, report: () => this.start() }, shared);
  }

  private start(): void {
    if (this.number >= 0) return;
    this.number = this.compute(Operation.Open, [0])[0]!;
    this.visit = this.load();
    this.value = 0;
    this.observe([...Cls.types, ...this.softly()]);
    setTimeout(() => this.report());
  }

  protected override take(entries: any[]): void {
    let batch: any[] = [];
    const add = (): void => {
      this.shifts.add(batch.map((entry) => ({ entry, target: entry.hadRecentInput ? undefined : this.target(sourceOf(entry)?.node) })));
      const numbers = numbersOf(batch, ['startTime', 'value', 'hadRecentInput']);
      this.update(this.compute(Operation.Shifts, numbers, this.number)[0]!);
      batch = [];
    };
    for (const entry of entries) {
      if (entry.entryType !== SOFT) {
        batch.push(entry);
        continue;
      }
      add();
      this.report(true);
      this.begin(SOFT, entry.startTime, entry);
    }
    add();
    this.report();
  }

  private update(value: number): void {
    if (value > this.value) {
      this.value = value;
      const [largest, ...window] = this.shifts.at(this.compute(Operation.Window, [], this.number));
      this.largest = largest;
      this.entries = window.map(({ entry }) => entry);
    }
    this.shifts.keep(() => this.compute(Operation.Kept, [], this.number));
  }

  protected override left(): void {
    this.report(true);
  }

  override visibilityChanged(event: Pick<Event, 'isTrusted' | 'timeStamp'>, isLeft?: boolean): void {
    this.paint.visibilityChanged(event, isLeft);
    if (this.number >= 0) super.visibilityChanged(event, isLeft);
  }

  override unhidden(firstHidden: number): void {
    this.paint.unhidden(firstHidden);
  }

  protected override begin(kind: string, start: number, soft?: any): void {
    super.begin(kind, start, soft, 0);
    this.largest = undefined;
    this.compute(Operation.Reset, [], this.number);
  }

  override restored(at: number): void {
    this.paint.restored(at);
    super.restored(at);
  }

  override frames(at: number): void {
    this.paint.frames(at);
    if (this.number >= 0) this.report();
  }

  override stop(): void {
    this.paint.stop();
    super.stop();
  }

  protected override attribute(report: Report): void {
    if (!this.largest) return;
    const { startTime, value } = (report.entry = this.largest.entry);
    report.parts = [startTime, value];
    report.loadState = this.loadState(startTime);
    report.target = this.largest.target;
  }
}
