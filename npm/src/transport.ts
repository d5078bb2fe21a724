/** Posts beacons, and knows which of them have not been answered. */

import { beaconUrl, newId } from './early.js';
import type { Page } from './signal.js';
import { erase, forget, keep, leftovers } from './store.js';

/** What browsers let a page have on its way when it is left, bytes of all requests together, less a margin. */
const MOST_KEEPALIVE = 60 * 1024;
/** A request that takes longer is given up. */
const LONGEST_MS = 30_000;
/** A shorter body is not worth compressing. */
const WORTH_COMPRESSING = 1024;

type Settled = (number: number, status: number, retryAfter: number) => void;

export class Transport {
  /** Names this page's beacons in the storage that all pages share. */
  private readonly own = newId();
  private readonly waiting = new Map<number, string>();
  private keepalive = 0;

  constructor(
    private readonly page: Page,
    private readonly settled: Settled,
    // Before anybody wraps it, the requests watcher included.
    private readonly native = globalThis.fetch,
  ) {}

  /** `true` when the browser took the beacon for good; otherwise its outcome is told later. */
  post(number: number, body: string): boolean {
    this.page.inspect?.('beacon', body);
    if (!('keepalive' in Request.prototype)) return navigator.sendBeacon(beaconUrl(this.page.options), body);
    this.waiting.set(number, body);
    if (document.visibilityState === 'hidden') keep(this.own + number, body);
    void this.send(body).then(([status, retryAfter]) => {
      this.waiting.delete(number);
      if (isFinal(status)) forget(this.own + number);
      this.settled(number, status, retryAfter);
    });
    return false;
  }

  /** The page may be left now: what is on its way may be lost with it. */
  hidden(): void {
    for (const [number, body] of this.waiting) keep(this.own + number, body);
  }

  /** Sends what earlier pages left behind. */
  resend(): void {
    for (const [name, body] of leftovers()) {
      if (!name.startsWith(this.own)) void this.send(body).then(([status]) => isFinal(status) && forget(name));
    }
  }

  /** Consent was withdrawn. */
  erase(): void {
    this.waiting.clear();
    erase();
  }

  /** Status and `Retry-After` of the answer; status 0 without one. Never rejects. */
  private async send(body: string): Promise<[number, number]> {
    const url = beaconUrl(this.page.options);
    let length = 0;
    try {
      const init: RequestInit = { method: 'POST', body, credentials: 'omit', signal: AbortSignal.timeout?.(LONGEST_MS) };
      const isVisible = document.visibilityState !== 'hidden';
      // Across origins the header would need a preflight.
      if (isVisible && body.length > WORTH_COMPRESSING && globalThis.CompressionStream && new URL(url, location.href).origin === location.origin) {
        init.body = await new Response(new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'))).blob();
        init.headers = { 'Content-Encoding': 'gzip', 'Content-Type': 'text/plain;charset=UTF-8' };
      }
      length = new Blob([init.body as BlobPart]).size;
      init.keepalive = this.keepalive + length <= MOST_KEEPALIVE;
      if (!init.keepalive) length = 0;
      this.keepalive += length;
      const { status, headers } = await this.native.call(window, url, init);
      return [status, Number(headers.get('Retry-After'))];
    } catch {
      return [0, 0];
    } finally {
      this.keepalive -= length;
    }
  }
}

/** Whether it makes no sense to send it again. */
const isFinal = (status: number): boolean => status !== 0 && status !== 408 && status !== 429 && status < 500;
