import { Operation } from './operation.js';
import { navigationEntry, numbersOf, resourcesOf } from './page.js';
import { type Report, type Shared, SOFT, Watch, type Watcher } from './watch.js';

/** Largest Contentful Paint. It ends with the first click or key press, and when the page's visibility changes. */
export class Lcp extends Watch {
  static readonly types = ['largest-contentful-paint'];
  private isFinal = false;
  /** The visit during which the user acted: it becomes final when the browser is idle, so that it costs the action nothing. */
  private actedIn: object | undefined;
  private named: string | undefined;
  private isLate = false;
  private readonly isSoft: boolean;

  constructor(by: Watcher, shared: Shared) {
    super('LCP', by, shared);
    const soft = this.softly();
    this.isSoft = soft.length > 0;
    this.observe([...Lcp.types, ...soft.flatMap((type) => ['interaction-contentful-paint', type])]);
    const { timeLimit } = by.options;
    if (timeLimit! >= 0) {
      const activated = navigationEntry()?.activationStart || 0;
      setTimeout(() => this.timeLimit(), Math.max(activated + timeLimit! - performance.now(), 0));
    }
  }

  /** What is known is reported, and from now on whatever changes it. */
  private timeLimit(): void {
    this.drain();
    this.isLate = true;
    this.report(true);
  }

  protected override take(entries: any[]): void {
    if (!this.isSoft) {
      if (this.isFinal) return;
      // Each is larger than the one before.
      if (!this.by.options.reportAllChanges) entries = entries.slice(-1);
    }
    for (const entry of entries) {
      if (entry.entryType === SOFT) {
        if (!this.isFinal) this.report(true);
        this.begin(SOFT, entry.startTime, entry);
        // The user sees the page: a soft navigation needs an interaction. Only this watch knows of it.
        this.firstHidden = Infinity;
        const largest = entry.getLargestInteractionContentfulPaint();
        if (largest) this.paintOfInteraction(largest);
      } else if (entry.entryType === Lcp.types[0]) {
        const [value] = this.compute(Operation.Lcp, [entry.startTime, this.navigation()[0] ?? 0]);
        this.paint(value!, entry.startTime, entry);
      } else {
        this.paintOfInteraction(entry);
      }
    }
  }

  private paintOfInteraction({ interactionId, startTime, largestContentfulPaint }: any): void {
    const { soft } = this.visit;
    if (!soft || (interactionId !== undefined && interactionId !== soft.interactionId)) return;
    const rendered = largestContentfulPaint?.renderTime || 0;
    this.paint(this.compute(Operation.Lcp, [rendered, startTime])[0]!, rendered, largestContentfulPaint);
  }

  private paint(value: number, rendered: number, entry: any): void {
    // Now: the element may be gone when the value is reported.
    const named = entry && (this.target(entry.element) ?? (entry.id ? '#' + entry.id : undefined));
    if (rendered >= this.firstHidden) return;
    this.value = value;
    this.entries = entry ? [entry] : [];
    this.named = named;
    this.report(this.isLate);
  }

  override acted(): void {
    if (this.isFinal) return;
    this.actedIn = this.visit;
    this.settleWhenIdle();
  }

  protected override settle(): void {
    if (this.isFinal || this.actedIn !== this.visit) return;
    this.drain();
    // What was drained may have been a soft navigation.
    if (this.actedIn !== this.visit) return;
    this.isFinal = true;
    this.report(true);
  }

  protected override left(isTrusted: boolean): void {
    if (!isTrusted) return;
    this.actedIn = this.visit;
    this.settle();
  }

  protected override begin(kind: string, start: number, soft?: any): void {
    super.begin(kind, start, soft);
    this.isFinal = false;
  }

  override frames(at: number): void {
    this.value = performance.now() - at;
    this.isFinal = true;
    this.report(true);
  }

  protected override attribute(report: Report): void {
    const [paint] = this.entries;
    const [activationStart, responseStart = NaN] = this.navigation();
    const origin = this.visit.kind === SOFT ? [0, this.visit.start] : [responseStart, activationStart ?? 0];
    const resources = paint ? resourcesOf(paint.url) : [];
    const numbers = numbersOf(resources, ['startTime', 'requestStart', 'responseEnd']);
    const of = [report.value, ...(paint ? origin : [NaN, 0]), paint?.startTime ?? 0, ...numbers];
    const [resource, ...parts] = this.compute(Operation.LcpParts, of).reverse();
    report.parts = parts.reverse();
    report.entry = resources[resource!];
    report.target = paint && this.named;
  }
}
