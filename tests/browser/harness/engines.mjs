// Three browser engines behind one small interface, for tests that hold in all of them.

import { startPuppeteer } from './puppeteer.mjs';
import { startWebKit } from './webkit.mjs';

const STARTS = {
  chromium: () => startPuppeteer('chromium'),
  firefox: () => startPuppeteer('firefox'),
  webkit: startWebKit,
};

/** How long a tab waits for what it is told to wait for. */
const DEADLINE_MS = 20_000;

/**
 * Starts one browser process of the engine `name`. `openTab()` gives a tab that shares as little as the engine allows with others.
 *
 * @param {'chromium' | 'firefox' | 'webkit'} name
 */
export async function startEngine(name) {
  const engine = await STARTS[name]();
  return {
    openTab: async () => new Tab(await engine.openTab()),
    close: () => engine.close(),
  };
}

/** A tab as its user sees it. `driver` does the same in one engine. */
class Tab {
  #driver;

  constructor(driver) {
    this.#driver = driver;
  }

  /** Opens an address; resolves once the document is loaded. */
  goto(url) {
    return this.#driver.goto(url);
  }

  /** Runs `body` in the page, also when it is asynchronous; arguments and result are JSON values. */
  evaluate(body, ...values) {
    return this.#driver.evaluate(body, values);
  }

  /** Resolves once `condition` holds in the page, in whichever document it shows by then. */
  async until(condition, ...values) {
    const deadline = performance.now() + DEADLINE_MS;
    let last;
    do {
      // A document that is being replaced cannot answer.
      last = await this.#driver.evaluate(condition, values).catch((error) => error);
      if (last && !(last instanceof Error)) return last;
      await new Promise((resolve) => setTimeout(resolve, 10));
    } while (performance.now() < deadline);
    throw new Error(`waited ${DEADLINE_MS} ms for ${condition}`, { cause: last });
  }

  /** A click of the mouse in the middle of the element. */
  click(selector) {
    return this.#driver.click(selector);
  }

  /** A key goes down and up. */
  press(key) {
    return this.#driver.press(key);
  }

  /** A finger taps the middle of the element; a click of the mouse where the engine knows no fingers. */
  tap(selector) {
    return this.#driver.tap(selector);
  }

  /** Makes the page hidden, whatever it says of itself. */
  hideUnnoticed() {
    return this.#driver.hide();
  }

  /** Makes the page hidden, as its user does; resolves once it knows. */
  async hide() {
    await this.hideUnnoticed();
    await this.until(() => document.visibilityState === 'hidden');
  }

  /** Shows it again. */
  async show() {
    await this.#driver.show();
    await this.until(() => document.visibilityState === 'visible');
  }

  /** Reloads the document; resolves once the new one is loaded. */
  reload() {
    return this.#leaveBy(() => this.#driver.reload());
  }

  /** Goes one document back; resolves once that is shown, from the cache or loaded again. */
  back() {
    return this.#leaveBy(() => this.#driver.back());
  }

  /** Goes one document forward, likewise. */
  forward() {
    return this.#leaveBy(() => this.#driver.forward());
  }

  /** Goes to another document of the same site; resolves once that is loaded. */
  leave(path) {
    return this.#leaveBy(() => this.#driver.leave(path));
  }

  async #leaveBy(go) {
    const origin = await this.#driver.evaluate(() => performance.timeOrigin, []);
    await go();
    await this.until((left) => performance.timeOrigin !== left && document.readyState === 'complete', origin);
  }

  /** Closes the tab, as its user does. */
  close() {
    return this.#driver.close();
  }

  /** What the page threw or wrote, where the engine's driver can tell. */
  troubles() {
    return this.#driver.troubles();
  }

  /** Ends everything that the tab has opened. */
  dispose() {
    return this.#driver.dispose();
  }
}
