"""What was erased, by hashes: in the warehouse, and beside it for one that is built again."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import duckdb

from pipelines.settings import Settings
from schemas.errors import OperationError
from transforms.transaction import transaction

Kind = Literal["process", "record", "user", "value", "retention"]

EVERY_PROCESS = "*"
"""Stands for the hash of an id where versions were erased by their age."""

_KEY_BYTES = 32


@dataclass(frozen=True)
class Erased:
    """The subjects that were erased.

    `ids` has, by kind and sha256 of the id, until which instant versions count as erased (None: all
    of them). `values` has, by the id of an attribute, the keyed hashes of its erased values.
    `until` is the instant up to which the versions of every process were erased by their age.
    """

    key: str = ""
    ids: Mapping[tuple[str, str], datetime | None] = field(
        default_factory=dict[tuple[str, str], datetime | None]
    )
    values: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    until: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.ids or self.values or self.until)

    def has(self, kind: Kind, id_: str | None) -> bool:
        """Whether everything about this id was erased, or everything up to some instant."""
        return id_ is not None and (kind, sha256(id_)) in self.ids


NOTHING_ERASED = Erased()


def sha256(text: str) -> str:
    """What an id is remembered by: it says nothing about a person."""
    return hashlib.sha256(text.lower().encode()).hexdigest()


def keyed_hash(key: str, attribute_id: str, text: str) -> str:
    """What a value is remembered by; nobody can try values without the key."""
    return hashlib.sha256(f"{key}:{attribute_id}:{text}".encode()).hexdigest()


def load_erased(con: duckdb.DuckDBPyConnection, settings: Settings) -> Erased:
    """The subjects that were erased in a warehouse.

    Raises `OperationError` when the key of the hashes is missing.
    """
    rows = con.execute("select kind, attribute, hash, until from raw.erased").fetchall()
    if not rows:
        return Erased()
    path = settings.erasures_key
    if not path.exists():
        action = "Restore it from a backup: without it erased values would come back unseen."
        raise OperationError(str(path), "the key of the erasures is missing", action)
    values: dict[str, set[str]] = {}
    for kind, attribute, hash_, _ in rows:
        if kind == "value":
            values.setdefault(attribute, set()).add(hash_)
    ids: dict[tuple[str, str], datetime | None] = {}
    for kind, _, hash_, until in rows:
        if kind not in ("value", "retention"):
            before = ids.get((kind, hash_), until)
            both = (before, until)
            ends = [end for end in both if end is not None]
            ids[kind, hash_] = max(ends) if len(ends) == len(both) else None
    return Erased(
        path.read_text().strip(),
        ids,
        {attribute: frozenset(hashes) for attribute, hashes in values.items()},
        max((until for kind, *_, until in rows if kind == "retention"), default=None),
    )


def use_key(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Let queries of this connection compare erased versions with others (`comparable_hash`)."""
    if settings.erasures_key.exists():
        key = settings.erasures_key.read_text().strip()
        con.execute("set variable erasure_key = $key", {"key": key})


def key_of(settings: Settings) -> str:
    """The key of the hashes, made where there is none yet; only its owner can read the file."""
    path = settings.erasures_key
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path.read_text().strip()


def remember(
    con: duckdb.DuckDBPyConnection,
    erasure_no: int,
    kind: Kind,
    hashes: Collection[str],
    *,
    attribute: str | None = None,
    until: datetime | None = None,
) -> None:
    """Add subjects to those that were erased; known ones are not added twice."""
    con.execute(
        """
        insert into raw.erased by name
        select $erasure as erasure_no, $kind as kind, $attribute as attribute, hash, $until as until
        from (select distinct unnest($hashes) as hash) as given
        where not exists (
            from raw.erased as e
            where e.kind = $kind and e.hash = given.hash
                and e.attribute is not distinct from $attribute
                and (e.until is null or e.until >= $until)
        )
        """,
        {
            "erasure": erasure_no,
            "kind": kind,
            "attribute": attribute,
            "until": until,
            "hashes": list(hashes),
        },
    )


def write_erasures(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Write what was erased to a file beside the warehouse; it holds no personal data."""
    erasures = _rows(con, "from raw.erasures order by erasure_no")
    subjects = _rows(con, "from raw.erased order by all")
    lines = [
        {**row, "subjects": [s for s in subjects if s["erasure_no"] == row["erasure_no"]]}
        for row in erasures
    ]
    path = settings.erasures
    waiting = path.with_name(f".{path.name}.writing")
    with waiting.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, default=str) + "\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    waiting.chmod(0o600)
    waiting.replace(path)


def take_over(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Add erasures that only the file beside the warehouse has; whether there were any.

    A warehouse that was built again, or restored from a backup, lacks them. Raises
    `OperationError` when the file is damaged.
    """
    path = settings.erasures
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        subjects = [subject for line in lines for subject in line.pop("subjects")]
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError) as error:
        action = "Restore it from a backup: without it erased values would come back."
        raise OperationError(str(path), "is not a file of erasures", action) from error
    known = {row["erasure_no"] for row in _rows(con, "from raw.erasures")}
    remembered = {json.dumps(row, default=str) for row in _rows(con, "from raw.erased")}
    missing = {
        "erasures": [line for line in lines if line["erasure_no"] not in known],
        "erased": [s for s in subjects if json.dumps(s) not in remembered],
    }
    with transaction(con):
        for table, rows in missing.items():
            for row in rows:
                names = ", ".join(f"${name} as {name}" for name in row)
                con.execute(f"insert into raw.{table} by name select {names}", row)
    return any(missing.values())


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = con.execute(query)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
