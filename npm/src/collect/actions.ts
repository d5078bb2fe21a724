/** What the user does: clicks, clicks in anger, clicks that nothing comes of, and forms that are sent. */

import { type Deliver, record } from '../record.js';
import { controlOf, label, selector } from '../selector.js';
import { attempt } from '../vitals/page.js';

/** So many clicks so close together, in time and place, are clicks in anger. */
const RAGE_CLICKS = 3;
const RAGE_MS = 1000;
const RAGE_PX = 30;
/** A click on a control that nothing comes of in this time is dead, milliseconds. */
const DEAD_MS = 1000;

/** Tells of an action of the user's. */
export const act = (deliver: Deliver, action: string, node: unknown, at: number): void => {
  const target = selector(node);
  const name = label(node);
  record(
    deliver,
    { type: 'action', texts: { action, category: 'auto', target, label: name }, crumb: ['click', `${action} ${name ?? target}`] },
    at,
  );
};

export class Clicks {
  /** Not the events, which would keep the nodes they are about. */
  private recent: Pick<MouseEvent, 'timeStamp' | 'clientX' | 'clientY'>[] = [];
  /** Ends the wait for something to come of a click. */
  private settle: (() => void) | undefined;

  constructor(private readonly deliver: Deliver) {}

  /** The user clicked on that node. */
  clicked(event: MouseEvent, node: unknown, isLive: boolean): void {
    act(this.deliver, 'click', node, event.timeStamp);
    const { timeStamp, clientX, clientY } = event;
    const isClose = (other: Clicks['recent'][0]): boolean =>
      timeStamp - other.timeStamp <= RAGE_MS && Math.hypot(clientX - other.clientX, clientY - other.clientY) <= RAGE_PX;
    this.recent = [...this.recent.filter(isClose), { timeStamp, clientX, clientY }];
    if (this.recent.length === RAGE_CLICKS) act(this.deliver, 'rage_click', node, event.timeStamp);
    this.settle?.();
    if (isLive && controlOf(node)) this.watch(event, node);
  }

  /** Something came of it: the page changed, was scrolled, hidden or left, or asked for something. */
  answered(): void {
    this.settle?.();
  }

  private watch(event: MouseEvent, node: unknown): void {
    const observer = new MutationObserver(() => this.settle?.());
    const signs = ['scroll', 'focusin', 'input', 'change', 'toggle', 'submit', 'pagehide', 'visibilitychange', 'hashchange', 'popstate'];
    const answered = (): void => this.settle?.();
    const dead = setTimeout(() => {
      answered();
      attempt(() => act(this.deliver, 'dead_click', node, event.timeStamp));
    }, DEAD_MS);
    this.settle = () => {
      this.settle = undefined;
      clearTimeout(dead);
      observer.disconnect();
      for (const sign of signs) removeEventListener(sign, answered, true);
    };
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    for (const sign of signs) addEventListener(sign, answered, true);
  }
}
