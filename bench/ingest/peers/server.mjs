// What a team writes itself in an afternoon: fastify takes the beacon, @clickhouse/client inserts its events, one row each.
//
// Environment: DURABILITY is `memory` (answered at once, rows are buffered) or `database` (answered when ClickHouse has the rows);
// CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_DATABASE; the path that takes beacons is BEACON_PATH.

import { createClient } from '@clickhouse/client';
import Fastify from 'fastify';

const { DURABILITY, BEACON_PATH, CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_DATABASE } = process.env;

const client = createClient({
  url: CLICKHOUSE_URL,
  username: CLICKHOUSE_USER,
  password: CLICKHOUSE_PASSWORD,
  database: CLICKHOUSE_DATABASE,
  // As many requests to ClickHouse at a time as it likes; more only wait there.
  max_open_connections: 64,
});

// The usual columns; everything else of an event goes into `body`. The smallest table that answers the usual questions.
await client.command({
  query: `CREATE TABLE IF NOT EXISTS ${CLICKHOUSE_DATABASE}.team_events (
    received_at DateTime64(3), at DateTime64(3), project LowCardinality(String), session String, view String, page String, url String,
    type LowCardinality(String), name LowCardinality(String), value Float64, user_agent LowCardinality(String), body String
  ) ENGINE = MergeTree PARTITION BY toDate(received_at) ORDER BY (project, type, received_at)`,
});

const TABLE = `${CLICKHOUSE_DATABASE}.team_events`;
// Rows and milliseconds after which buffered rows are inserted, whichever comes first: what ClickHouse's own documentation asks for.
const MOST_ROWS = 10_000;
const EVERY_MS = 1000;
let buffer = [];

const insert = (values, settings) => client.insert({ table: TABLE, values, format: 'JSONEachRow', clickhouse_settings: settings });

async function flush() {
  const rows = buffer;
  if (rows.length === 0) return;
  buffer = [];
  await insert(rows, {});
}
if (DURABILITY === 'memory') setInterval(() => void flush().catch((error) => console.error(error)), EVERY_MS);

async function keep(rows) {
  if (DURABILITY === 'database') {
    // Many small inserts are put together by the server, which answers each when its rows are in the table.
    await insert(rows, { async_insert: 1, wait_for_async_insert: 1 });
    return;
  }
  buffer.push(...rows);
  if (buffer.length >= MOST_ROWS) void flush().catch((error) => console.error(error));
}

/** A time as ClickHouse reads it. */
const seconds = (ms) => (ms / 1000).toFixed(3);

function rowsOf(beacon, project, userAgent) {
  const received_at = seconds(Date.now());
  return beacon.events.map((event) => {
    const view = beacon.views[event.view ?? 0] ?? {};
    return {
      received_at,
      at: seconds(event.at_ms),
      project,
      session: beacon.session.id,
      view: view.id,
      page: view.page ?? '',
      url: view.url,
      type: event.type,
      name: event.metric ?? event.action ?? event.name ?? '',
      value: event.value ?? 0,
      user_agent: userAgent,
      body: JSON.stringify(event),
    };
  });
}

const app = Fastify({ logger: false, bodyLimit: 64 * 1024 });
app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_, body, done) => done(null, body));
app.post(BEACON_PATH, async (request, reply) => {
  let beacon;
  try {
    beacon = JSON.parse(request.body);
  } catch {
    return reply.code(400).send();
  }
  if (beacon.v !== 1 || !Array.isArray(beacon.events)) return reply.code(400).send();
  await keep(rowsOf(beacon, request.query.key, request.headers['user-agent'] ?? ''));
  return reply.code(202).send();
});

process.once('SIGTERM', async () => {
  await app.close();
  await flush();
  process.exit(0);
});
const address = await app.listen({ host: '127.0.0.1', port: 0 });
console.error(`listening on ${address.replace('http://', '')}`);
