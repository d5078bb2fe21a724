// A small client of the WebDriver protocol: https://www.w3.org/TR/webdriver2/

/** Names of keys, as in `KeyboardEvent.key`, that WebDriver writes as private characters. */
const KEYS = { Enter: '\ue007', Tab: '\ue004', Escape: '\ue00c', Backspace: '\ue003', ArrowDown: '\ue015' };

/** A session of the driver at `origin`. */
export class WebDriverSession {
  #origin;
  #path;

  /** Starts a session with these capabilities. */
  static async start(origin, capabilities) {
    const session = new WebDriverSession(origin, '');
    const { sessionId } = await session.command('POST', '/session', { capabilities: { alwaysMatch: capabilities } });
    return new WebDriverSession(origin, `/session/${sessionId}`);
  }

  constructor(origin, path) {
    this.#origin = origin;
    this.#path = path;
  }

  /** One command; its result's `value`. */
  async command(method, path, body) {
    const response = await fetch(`${this.#origin}${this.#path}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: method === 'POST' ? JSON.stringify(body ?? {}) : undefined,
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebDriver: ${value.error}: ${value.message}`);
    return value;
  }

  /** Runs a function in the page and awaits what it returns. */
  async evaluate(body, values) {
    const [name, result] = await this.command('POST', '/execute/async', {
      script: `const done = arguments[1];
        (async () => (${body})(...arguments[0]))().then((value) => done(['value', value]), (error) => done(['error', String(error)]));`,
      args: [values],
    });
    if (name === 'error') throw new Error(result);
    return result;
  }

  async click(selector) {
    const element = await this.command('POST', '/element', { using: 'css selector', value: selector });
    await this.command('POST', `/element/${Object.values(element)[0]}/click`);
  }

  async press(key) {
    const value = KEYS[key] ?? key;
    const actions = [{ type: 'keyDown', value }, { type: 'keyUp', value }];
    await this.command('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
  }

  end() {
    return this.command('DELETE', '');
  }
}
