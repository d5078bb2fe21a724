// Asks every question of docs/sql.md through @clickhouse/client and compares the answers with tests/fixtures/cookbook.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';

const root = new URL('../../', import.meta.url);
// Installed once for all tests.
const { createClient } = createRequire(new URL('embedded-clickhouse/tests/clients/', root))('@clickhouse/client');

const { SQL_URL: url, SQL_USER: username, SQL_KEY: password, SQL_DATABASE: database } = process.env;
const client = createClient({ url, username, password, database });

// A value as ClickHouse writes it; JSON has no number that is none.
const written = (value) => (value === null ? '\\N' : String(value));
const document = readFileSync(new URL('docs/sql.md', root), 'utf8');
const questions = [...document.matchAll(/^### (\d+)\. (.*?)\n[^]*?^```sql\n([^]*?)^```/gm)];
for (const [, number, title, query] of questions) {
  const answer = await client.query({
    query,
    format: 'JSONCompactEachRow',
    clickhouse_settings: { output_format_json_quote_denormals: 1 },
  });
  const rows = (await answer.json()).map((row) => row.map(written).join('\t'));
  const fixture = readFileSync(new URL(`tests/fixtures/cookbook/${number.padStart(2, '0')}.tsv`, root), 'utf8');
  assert.deepEqual(rows, fixture.split('\n').slice(0, -1), `${number}. ${title}`);
}
await client.close();
console.log(`${questions.length} answers as expected`);
