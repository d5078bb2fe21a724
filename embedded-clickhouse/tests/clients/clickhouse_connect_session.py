"""What an analyst's Python program does with the engine, through clickhouse-connect. Any failure ends it with a traceback."""

import os
from datetime import datetime, timezone
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

url = urlsplit(os.environ["ENGINE_URL"])


def connect(**options):
    return clickhouse_connect.get_client(
        host=url.hostname,
        port=url.port,
        username=os.environ["ENGINE_USER"],
        password=os.environ["ENGINE_KEY"],
        **options,
    )


def expect(found, wanted):
    assert found == wanted, f"{str(found)[:500]} is not {str(wanted)[:500]}"


client = connect()
client.command(
    "CREATE TABLE visits (id UInt64, page String, at DateTime64(3, 'UTC'), tags Array(String), note Nullable(String)) "
    "ENGINE = MergeTree ORDER BY id"
)
columns = ["id", "page", "at", "tags", "note"]
at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
rows = [[i, f"/p/{i % 7}\t'\n\n", at, ["a", f"t{i}"], None if i % 2 else "x"] for i in range(1000)]
for number, compression in enumerate(["lz4", "zstd", "gzip", False]):
    offset = number * len(rows)
    batch = [[row[0] + offset, *row[1:]] for row in rows]
    summary = connect(compress=compression).insert("visits", batch, column_names=columns)
    expect(summary.written_rows, len(rows))
expect(client.query("SELECT count(), uniqExact(id) FROM visits").result_rows, [(4000, 4000)])

back = client.query("SELECT * FROM visits WHERE id < 1000 ORDER BY id").result_rows
# A time in UTC comes back without its zone.
expect([list(row) for row in back], [[*row[:2], at.replace(tzinfo=None), *row[3:]] for row in rows])

expect(
    client.query(
        "SELECT id FROM visits WHERE page = {page:String} AND id IN {ids:Array(UInt64)} ORDER BY id",
        parameters={"page": rows[3][1], "ids": [3, 4, 10]},
    ).result_rows,
    [(3,), (10,)],
)
expect(client.query("SELECT %(a)s, %(b)s", parameters={"a": "it's", "b": 7}).result_rows, [("it's", 7)])
expect(client.command("SELECT getSetting('max_threads')", settings={"max_threads": 3}), 3)
expect(client.raw_query("SELECT 1 AS a", fmt="JSONEachRow"), b'{"a":1}\n')

with client.query_row_block_stream("SELECT number FROM system.numbers LIMIT 1000000") as blocks:
    expect(sum(len(block) for block in blocks), 1_000_000)

session = connect(session_id="one")
session.command("CREATE TEMPORARY TABLE mine (x UInt8)")
session.insert("mine", [[1], [2]], column_names=["x"])
expect(session.query("SELECT sum(x) FROM mine").result_rows, [(3,)])

try:
    client.query("SELECT * FROM missing")
except DatabaseError as error:
    assert "UNKNOWN_TABLE" in str(error), error
else:
    raise AssertionError("a missing table is not an error")
