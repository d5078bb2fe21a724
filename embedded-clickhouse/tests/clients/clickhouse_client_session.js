// What a Node program does with the engine, through @clickhouse/client. Any failure ends it with a stack trace.

import assert from "node:assert/strict";
import process from "node:process";

import { createClient, ClickHouseError } from "@clickhouse/client";

const { ENGINE_URL: url, ENGINE_USER: username, ENGINE_KEY: password } = process.env;
const plain = createClient({ url, username, password });
const packed = createClient({ url, username, password, compression: { request: true, response: true } });

assert.equal((await plain.ping()).success, true);
assert.equal((await plain.ping({ select: true })).success, true);
await plain.command({ query: "CREATE TABLE visits (id UInt64, page String) ENGINE = MergeTree ORDER BY id" });

const rows = Array.from({ length: 1000 }, (_, id) => ({ id: String(id), page: `/p/${id % 7}\t'\n\n` }));
await plain.insert({ table: "visits", values: rows.slice(0, 500), format: "JSONEachRow" });
await packed.insert({ table: "visits", values: rows.slice(500), format: "JSONEachRow" });

for (const client of [plain, packed]) {
  const query = "SELECT * FROM visits ORDER BY id";
  const settings = { output_format_json_quote_64bit_integers: 1 };
  const all = await client.query({ query, format: "JSONEachRow", clickhouse_settings: settings });
  assert.deepEqual(await all.json(), rows);
  const document = await client.query({ query, format: "JSON", clickhouse_settings: settings });
  assert.equal((await document.json()).rows, 1000);
}

const some = await plain.query({
  query: "SELECT id FROM visits WHERE page = {page: String} AND id IN {ids: Array(UInt64)} ORDER BY id",
  query_params: { page: rows[3].page, ids: [3, 4, 10] },
  format: "TabSeparated",
});
assert.equal(await some.text(), "3\n10\n");

let streamed = 0;
const stream = await plain.query({ query: "SELECT number FROM system.numbers LIMIT 300000", format: "JSONEachRow" });
for await (const batch of stream.stream()) {
  streamed += batch.length;
}
assert.equal(streamed, 300000);

await assert.rejects(plain.query({ query: "SELECT * FROM missing" }), (error) => {
  assert.ok(error instanceof ClickHouseError, String(error));
  assert.equal(error.code, "60");
  assert.equal(error.type, "UNKNOWN_TABLE");
  return true;
});

await plain.close();
await packed.close();
