// The real service with its embedded ClickHouse, for one test file.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { BEACON_PATH } from './site.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const START_DEADLINE_MS = 60_000;
const ARRIVAL_DEADLINE_MS = 20_000;
/** Time between two looks at something that is awaited. */
const LOOK_EVERY_MS = 50;

/**
 * Starts `beamline` with one project for each of `keys`, which takes beacons from every origin.
 *
 * @param {string[]} keys
 */
export async function startService(keys) {
  const directory = await mkdtemp(join(tmpdir(), 'beamline-service-'));
  const port = await freePort();
  const config = join(directory, 'beamline.toml');
  const projects = keys.map((key) => `[[projects]]\nid = "${key}"\nkey = "${key}"\nallowed_origins = ["*"]\n`);
  await writeFile(config, [`[server]\nlisten = "127.0.0.1:${port}"\n`, `[data]\ndir = "${directory}/data"\n`, ...projects].join('\n'));

  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
  const log = [];
  const child = spawn(join(target, 'debug/beamline'), ['serve', '--config', config], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => log.push(data));
  let ended;
  const end = new Promise((resolve) => child.once('error', resolve).once('exit', resolve)).then((how) => (ended = how ?? 'by a signal'));

  const url = `http://127.0.0.1:${port}`;
  const isReady = async () => {
    if (ended !== undefined) throw new Error(`beamline ended, ${ended}:\n${Buffer.concat(log)}`);
    const response = await fetch(`${url}/health`).catch(() => undefined);
    return response?.ok;
  };
  await until(isReady, START_DEADLINE_MS, () => `beamline is not ready:\n${Buffer.concat(log)}`);
  const sql = JSON.parse(await readFile(join(directory, 'data/sql-endpoint.json'), 'utf8'));

  /** The rows that answer `query`, as objects. */
  const ask = async (query) => {
    const response = await fetch(`${sql.url}/?database=${sql.database}`, {
      method: 'POST',
      headers: { 'x-clickhouse-user': sql.user, 'x-clickhouse-key': sql.key },
      body: `${query} FORMAT JSONEachRow`,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text.trim() ? text.trim().split('\n').map((line) => JSON.parse(line)) : [];
  };

  return {
    /** Where beacons are posted. */
    endpoint: url + BEACON_PATH,
    ask,
    /** Resolves with the rows once `enough(rows)` holds; fails with what is there when it does not in time. */
    async rowsOnce(query, enough) {
      let rows;
      await until(async () => enough((rows = await ask(query))), ARRIVAL_DEADLINE_MS, () => `waited for rows; there are: ${JSON.stringify(rows, null, 1)}`);
      return rows;
    },
    async close() {
      child.kill('SIGTERM');
      await end;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function until(holds, deadlineMs, explain) {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(explain());
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** A port of the loopback address that nobody listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
