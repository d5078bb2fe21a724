import { Operation } from './operation.js';
import { numbersOf } from './page.js';
import { Places } from './places.js';
import { type Report, type Shared, SOFT, Watch, type Watcher } from './watch.js';

const PROCESSED = ['startTime', 'duration', 'processingStart', 'processingEnd', 'interactionId'];

/** How many interactions there were on the page, where the browser does not count: what the core makes of their ids. */
let counted = 0;

/** The latency of interactions too short for an entry, milliseconds: the shortest a browser gives. */
const SHORTEST = 8;

/** Interaction to Next Paint. */
export class Inp extends Watch {
  static readonly types = ['event', 'first-input'];
  private readonly number: number;
  /** What is looked at when the browser is idle: then all entries of a frame are there. */
  private waiting: any[][] = [];
  private readonly events = new Places<any>();
  /** What names the elements of the interactions. */
  private readonly named = new Map<number, string>();
  private before = 0;
  /** The place of the first entry of the interaction that stands for the page. */
  private standing = -1;

  constructor(by: Watcher, shared: Shared) {
    super('INP', by, shared);
    this.number = this.compute(Operation.Open, [Number(by.options.includeProcessedEventEntries ?? false)])[0]!;
    const durationThreshold = by.options.durationThreshold ?? 40;
    const count = (entries: any[]): void => {
      counted = this.compute(Operation.Count, numbersOf(entries, ['interactionId']))[0]!;
    };
    if (performance.interactionCount === undefined) this.observe(['event'], { durationThreshold: 0 }, count);
    this.observe([...Inp.types, ...this.softly()], { durationThreshold });
    if (by.isAttributed) {
      this.observe(['long-animation-frame'], undefined, (frames) => {
        this.addLongFrames(frames);
        this.settleWhenIdle();
      });
    }
  }

  override take(entries: any[]): void {
    this.waiting.push(entries);
    this.settleWhenIdle();
  }

  private addLongFrames(frames: any[]): void {
    this.events.add(frames);
    const numbers = frames.flatMap((frame) => [
      ...numbersOf([frame], ['startTime', 'duration', 'styleAndLayoutStart']),
      frame.scripts.length,
      ...numbersOf(frame.scripts, ['startTime', 'duration', 'forcedStyleAndLayoutDuration']),
    ]);
    this.compute(Operation.LongFrames, numbers, this.number);
  }

  protected override settle(): void {
    for (const batch of this.waiting.splice(0)) {
      let events: any[] = [];
      for (const entry of batch) {
        if (entry.entryType !== SOFT) {
          events.push(entry);
          continue;
        }
        this.addEvents(events);
        events = [];
        this.update();
        this.report(true);
        this.begin(SOFT, entry.startTime, entry);
      }
      this.addEvents(events);
      this.update();
      this.report();
    }
    // Also lets the core forget.
    const kept = this.compute(Operation.Kept, [], this.number);
    this.events.keep(() => kept);
  }

  private addEvents(events: any[]): void {
    if (!events.length) return;
    this.events.add(events);
    for (const event of this.events.at(this.compute(Operation.Events, numbersOf(events, PROCESSED), this.number))) {
      if (this.named.get(event.interactionId)) continue;
      // Now: the element may be gone when the value is reported.
      const name = this.target(event.target) ?? event.targetSelector;
      if (name !== undefined) this.named.set(event.interactionId, name);
    }
    // Ten interactions are known to the core, and they are the latest to be named or long known.
    if (this.named.size > 500) this.named.delete(this.named.keys().next().value!);
  }

  private update(): void {
    const count = this.interactions() - this.before;
    let [latency, ...places] = this.compute(Operation.Interaction, [count], this.number);
    if (latency === undefined) {
      // On a load, the first input always has an entry; later all that is known is that they were short.
      if (!(count > 0) || (this.visit.kind !== SOFT && this.visit.kind !== 'back-forward-cache')) return;
      latency = SHORTEST;
    }
    if (latency === this.value) return;
    this.value = latency;
    this.entries = this.events.at(places);
    this.standing = places[0] ?? -1;
  }

  private interactions(): number {
    return performance.interactionCount ?? counted;
  }

  protected override left(): void {
    this.update();
    this.report(true);
  }

  protected override begin(kind: string, start: number, soft?: any): void {
    super.begin(kind, start, soft);
    this.compute(Operation.Reset, [], this.number);
    this.before = this.interactions();
  }

  protected override attribute(report: Report): void {
    const [first] = this.entries;
    report.loadState = this.loadState(first ? first.startTime : this.visit.start);
    if (!first) return;
    const numbers = this.compute(Operation.Explain, [this.standing], this.number);
    const parts = numbers.splice(0, 5);
    const taken = (): any[] => this.events.at(numbers.splice(0, numbers.shift()));
    report.processed = taken();
    report.longFrames = taken();
    report.parts = [...parts, ...numbers];
    report.target = this.named.get(first.interactionId);
  }
}
