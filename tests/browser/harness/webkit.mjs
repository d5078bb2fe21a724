// WebKitGTK's MiniBrowser, driven by WebKitWebDriver on a screen of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { WebDriverSession } from './webdriver.mjs';

/** After this a script is not answered any more. */
const SCRIPT_DEADLINE_MS = 20_000;

export async function startWebKit() {
  const binary = miniBrowser();
  const screen = await startScreen();
  const driver = await startDriver(screen);
  const session = await WebDriverSession.start(driver.origin, {
    browserName: 'MiniBrowser',
    'webkitgtk:browserOptions': { binary, args: ['--automation'] },
  });
  await session.command('POST', '/timeouts', { script: SCRIPT_DEADLINE_MS });
  // The session ends with its last window: the first stays open.
  const first = await session.command('GET', '/window');
  return {
    async openTab() {
      const { handle } = await session.command('POST', '/window/new', { type: 'window' });
      await session.command('POST', '/window', { handle });
      return new WebKitTab(session, first);
    },
    async close() {
      await session.end();
      await driver.end();
      await screen.end();
    },
  };
}

/** An X server without a monitor; it chooses the display's number itself. */
async function startScreen() {
  const server = start('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [number] = await once(server.process.stdio[3], 'data');
  return { ...server, display: `:${String(number).trim()}` };
}

async function startDriver({ display, end }) {
  const port = await freePort();
  const driver = start('WebKitWebDriver', [`--port=${port}`], { env: { ...process.env, DISPLAY: display }, stdio: 'ignore' });
  const origin = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + 20_000;
  while (!(await fetch(`${origin}/status`).then((response) => response.ok, () => false))) {
    if (performance.now() > deadline || driver.process.exitCode !== null) {
      await end();
      throw new Error('WebKitWebDriver does not start');
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { ...driver, origin };
}

/** A process and how to end it. It ends with this one, whatever happens. */
function start(command, options, how) {
  const child = spawn(command, options, how);
  const kill = () => child.kill();
  process.once('exit', kill);
  return {
    process: child,
    async end() {
      process.off('exit', kill);
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Debian keeps it among the libraries: /usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser. */
function miniBrowser() {
  if (process.env.MINI_BROWSER) return process.env.MINI_BROWSER;
  const found = readdirSync('/usr/lib', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => ['webkit2gtk-4.1', 'webkit2gtk-4.0', 'webkitgtk-6.0'].map((library) => join('/usr/lib', name, library, 'MiniBrowser')))
    .find((path) => existsSync(path));
  if (!found) throw new Error('there is no MiniBrowser of WebKitGTK under /usr/lib');
  return found;
}

class WebKitTab {
  #session;
  #first;
  #open = true;

  constructor(session, first) {
    this.#session = session;
    this.#first = first;
  }

  goto(url) {
    return this.#session.command('POST', '/url', { url });
  }

  evaluate(body, values) {
    return this.#session.evaluate(body, values);
  }

  click(selector) {
    return this.#session.click(selector);
  }

  press(key) {
    return this.#session.press(key);
  }

  /** This port of WebKit has no touch events. */
  tap(selector) {
    return this.#session.click(selector);
  }

  /** By the driver's commands, which wait: a script that the document takes into the cache is never answered. */
  reload() {
    return this.#session.command('POST', '/refresh');
  }

  back() {
    return this.#session.command('POST', '/back');
  }

  forward() {
    return this.#session.command('POST', '/forward');
  }

  async leave(path) {
    const address = await this.#session.command('GET', '/url');
    await this.goto(new URL(path, address).href);
  }

  hide() {
    return this.#session.command('POST', '/window/minimize');
  }

  show() {
    return this.#session.command('POST', '/window/rect', { width: 1000, height: 800 });
  }

  /** The driver does not tell. */
  troubles() {
    return [];
  }

  async close() {
    this.#open = false;
    await this.#session.command('DELETE', '/window');
    await this.#session.command('POST', '/window', { handle: this.#first });
  }

  async dispose() {
    if (this.#open) await this.close();
  }
}
