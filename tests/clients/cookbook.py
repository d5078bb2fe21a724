"""Asks every question of docs/sql.md through clickhouse-connect and compares the answers with tests/fixtures/cookbook."""

import os
import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import clickhouse_connect

root = Path(__file__).resolve().parents[2]
url = urlsplit(os.environ["SQL_URL"])
client = clickhouse_connect.get_client(
    host=url.hostname,
    port=url.port,
    username=os.environ["SQL_USER"],
    password=os.environ["SQL_KEY"],
    database=os.environ["SQL_DATABASE"],
)


def written(value):
    """A value as ClickHouse writes it."""
    if value is None:
        return "\\N"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value)


document = (root / "docs/sql.md").read_text()
questions = re.findall(r"^### (\d+)\. (.*?)\n.*?^```sql\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
for number, title, sql in questions:
    found = ["\t".join(map(written, row)) for row in client.query(sql).result_rows]
    expected = (root / f"tests/fixtures/cookbook/{int(number):02}.tsv").read_text().splitlines()
    assert found == expected, f"{number}. {title}\nfound {found}\nexpected {expected}"
print(f"{len(questions)} answers as expected")
