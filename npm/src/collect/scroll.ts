/** How far down the page was seen. */

import { attempt } from '../vitals/page.js';

/** So often the depth is read at most, milliseconds: reading it right after a change would make the browser lay out the page early. */
const READ_EACH_MS = 250;

export class Scroll {
  private deepest = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    addEventListener('scroll', this.scrolled, { passive: true });
    this.scrolled();
  }

  private readonly scrolled = (): void => {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      attempt(() => {
        const { scrollHeight } = document.documentElement;
        if (scrollHeight > 0) this.deepest = Math.max(this.deepest, Math.min((scrollY + innerHeight) / scrollHeight, 1));
      });
    }, READ_EACH_MS);
  };

  /** The deepest share of the page that was above the window's lower edge since this was last asked. */
  take(): number {
    const { deepest } = this;
    this.deepest = 0;
    this.scrolled();
    return deepest;
  }

  stop(): void {
    removeEventListener('scroll', this.scrolled);
    clearTimeout(this.timer);
  }
}
