"""Orders with personal values in every place, as a definition, versions and dimensions.

What is published of them belongs to the tests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.run import Request
from pipelines.settings import Settings
from tests.support.builds import build_all
from tests.support.identifiers import uid

AS_OF = Request(as_of=datetime(2026, 6, 1, tzinfo=UTC))
START = 1_767_225_600_000
HOUR = 3_600_000
A, B, C = (uid(f"process {number}") for number in range(3))
ANN = uid("Ann")
RECORD = uid("record")
MARK = "Zaphod"
"""In every value that must not be published in clear."""


def attribute(short_id: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": uid(short_id), "shortId": short_id, "type": kind, **more}


ORDER: dict[str, Any] = {
    "id": uid("order"),
    "shortId": "order",
    "primaryKey": "mail",
    "primaryIdentifier": "customer",
    "attributes": [
        attribute("mail", "email", track=True, unique=True),
        attribute("customer", "name", track=True, publish="key"),
        attribute("mail_key", "string"),
        attribute("note", "text", track=True),
        attribute("size", "integer", track=True),
        attribute("nickname", "name", publish="clear"),
        attribute("pin", "string", publish="drop", track=True),
        attribute("shelf", "string", publish="key"),
        attribute("rating", "stringEnum", options=[f"{MARK}1", f"{MARK}2"], personal=True),
    ],
    "derivedAttributes": [
        attribute("greeting", "string", formula="'Dear ' || customer"),
        attribute("summary", "string", formula="upper(note)"),
        attribute("is_big", "boolean", formula="size > 1"),
        attribute("supplied", "username"),
    ],
    "recordAttributes": [attribute("owner", "name"), attribute("town", "string")],
    "states": [
        {"id": uid("NEW"), "shortId": "NEW", "kind": "queue"},
        {"id": uid("DONE"), "shortId": "DONE", "kind": "done"},
    ],
    "startState": "NEW",
    "completedState": "DONE",
    "compareBy": ["customer", "size"],
    "funnels": [
        {"name": "sale", "steps": ["NEW", "DONE"], "breakdowns": ["customer", "size", "shelf"]}
    ],
}
BASE: dict[str, Any] = {
    "mail": "zaphod@a.de",
    "customer": f"{MARK} Ä",
    "mail_key": "open",
    "note": f"{MARK} wants it",
    "size": 1,
    "nickname": "Zaph",
    "pin": f"{MARK}9",
    "shelf": "S1",
    "rating": f"{MARK}1",
}


def version(process: str, hour: int, state: str = "NEW", **changes: Any) -> dict[str, Any]:
    return {
        "id": process,
        "team": uid("team"),
        "procedure": ORDER["id"],
        "status": "OPEN",
        "state": state,
        "createdAt": START,
        "updatedAt": START + hour * HOUR,
        "assignedTo": ANN,
        "createdBy": ANN,
        "record": RECORD,
        "data": BASE | changes,
        "derivedData": {"supplied": f"{MARK}.x", "greeting": f"Dear {MARK}"},
    }


VERSIONS = [
    version(A, 0),
    version(A, 1, "DONE", mail="zaphod@b.de", customer=f"{MARK} B", note=f"{MARK} has it", size=2),
    version(B, 0, mail="zaphod@a.de", customer=f"{MARK} B", pin=f"{MARK}8"),
    version(B, 1, mail=f"{MARK} is no address", customer=f"{MARK} B", pin=None),
    version(C, 0, mail=None, customer=None, note=None, shelf=None),
]
DIMENSIONS = {
    "users": [{"id": ANN, "name": f"{MARK} Ann", "email": "zaphod@ann.de"}],
    "records": [{"id": RECORD, "name": f"{MARK} Ltd", "owner": f"{MARK} Q", "town": "Bonn"}],
}


def publish(folder: Path, definition: dict[str, Any] = ORDER, **lines: Any) -> Settings:
    settings = Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
    )
    for place in (settings.landing, settings.procedures):
        place.mkdir(parents=True, exist_ok=True)
    define(settings, definition)
    for name, some in ({"orders": VERSIONS, **DIMENSIONS} | lines).items():
        text = "".join(f"{json.dumps(line)}\n" for line in some)
        (settings.landing / f"{name}.ndjson").write_text(text)
    build_all(settings, AS_OF)
    return settings


def define(settings: Settings, definition: dict[str, Any]) -> None:
    (settings.procedures / "order.json").write_text(json.dumps(definition))


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(query).fetchall()


def key(settings: Settings, value: str) -> str:
    """The key of a value, by Python's HMAC."""
    pepper = bytes.fromhex((settings.data / "secret" / "pepper").read_text())
    return hmac.new(pepper, value.encode(), hashlib.sha256).hexdigest()[:32]


def columns_of(settings: Settings, table: str) -> set[str]:
    return {
        name for (name,) in rows(settings.published, f"select column_name from (describe {table})")
    }


def rows_uuid(text: str) -> Any:
    with duckdb.connect() as con:
        return con.execute("select $text::uuid", {"text": text}).fetchall()[0][0]


def marked(path: Path) -> list[str]:
    """The columns of a database that have the mark in a value, and its comments."""
    found: list[str] = []
    with duckdb.connect(path, read_only=True) as con:
        columns = con.execute("select table_name, column_name, comment from duckdb_columns()")
        for table, column, comment in columns.fetchall():
            query = f'select count(*) from "{table}" where "{column}"::varchar ilike $mark'
            try:
                ((number,),) = con.execute(query, {"mark": f"%{MARK}%"}).fetchall()
            except duckdb.Error:  # a table of the engine
                continue
            if number or MARK.lower() in (comment or "").lower():
                found.append(f"{table}.{column}")
    return found
