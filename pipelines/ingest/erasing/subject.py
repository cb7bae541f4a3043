"""Who is to be erased: the processes, records and users that an id or a value leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import duckdb
import polars as pl

from schemas.definitions.procedure import Procedure, Procedures
from schemas.errors import OperationError
from schemas.records.attribute_values import Source, Value, record_values_of, values_of
from schemas.records.record import UUID_PATTERN
from schemas.sql_text import literal
from transforms.per_procedure.attributes import pointer_to

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as stored, UTC without a zone
MANY = 10
"""A value that more processes share needs `--yes`: it may be no person's."""


@dataclass(frozen=True)
class Subject:
    """What belongs to the one to be erased; ids in lower case.

    `values` are the ids of the attributes of the given value, with its normal form. `shared` is
    the number of records that are kept because other processes refer to them too.
    """

    kind: str
    processes: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    shared: int = 0
    until: datetime | None = None
    values: tuple[tuple[str, str], ...] = ()
    given: tuple[str, ...] = field(default=(), repr=False)


class Place(NamedTuple):
    """An attribute of a procedure, or of the records behind its processes."""

    procedure: Procedure
    value: Value
    is_of_record: bool


def of_process(con: duckdb.DuckDBPyConnection, process_id: str) -> Subject:
    """The process with this id. Raises `OperationError` when there is nothing about it."""
    _require_uuid("--process", process_id)
    subject = _with_records(con, "process", (process_id.lower(),))
    query = """
        select (select count(*) from raw.process_versions where process_id = $id::uuid)
            + (select count(*) from raw.dimension_rows where process_id = $id::uuid)
            + (
                select count(*) from raw.quarantine
                where lower(process_id) = $id or contains(lower(raw_text), $id)
            )
    """
    if not con.execute(query, {"id": process_id.lower()}).fetchall()[0][0]:
        action = "`leadtime query` shows the ids in `processes`; nothing was changed."
        raise OperationError("--process", f"there is nothing about {process_id}", action)
    return subject


def of_user(con: duckdb.DuckDBPyConnection, user_id: str) -> Subject:
    """The user with this id; processes keep the id. Raises `OperationError` when unknown."""
    _require_uuid("--user", user_id)
    query = "select count(*) from raw.dimension_rows where dimension = 'users' and id = $id::uuid"
    if not con.execute(query, {"id": user_id}).fetchall()[0][0]:
        action = "`leadtime query` shows the ids in `users`; nothing was changed."
        raise OperationError("--user", f"there is no user {user_id}", action)
    return Subject("user", users=(user_id.lower(),))


def of_value(
    con: duckdb.DuckDBPyConnection,
    procedures: Procedures,
    text: str,
    *,
    is_sure: bool,
    is_known: Callable[[Sequence[tuple[str, str]]], bool] = lambda _: False,
) -> Subject:
    """All processes that ever had this value (`ATTRIBUTE=VALUE`), and the records that have it.

    Case and spaces around the value do not count. Raises `OperationError` when no attribute has the
    name, no process the value (unless it `is_known` as erased), or more than `MANY` have it and it
    `is_sure` not. Messages do not hold the value.
    """
    name, sign, given = text.partition("=")
    places = list(places_of(procedures, name))
    if not sign or not places:
        known = sorted({v.value.short_id for v in places_of(procedures) if v.value.is_personal})
        found = f"{name!r} is not a declared attribute" if sign else "it is not ATTRIBUTE=VALUE"
        action = f"Name one of these or another declared one: {', '.join(known)}."
        raise OperationError("--value", found, action)
    ((normal,),) = con.execute(f"select {_NORMAL.format('$text')}", {"text": given}).fetchall()
    processes: set[str] = set()
    records: set[str] = set()
    for place in places:
        query = _RECORDS if place.is_of_record else _PROCESSES
        rows = con.execute(
            query.format(value=value_sql(place)),
            {"normal": normal}
            if place.is_of_record
            else {"normal": normal, "procedure": place.procedure.id},
        ).fetchall()
        (records if place.is_of_record else processes).update(id_ for (id_,) in rows)
    if records:
        query = """
            select distinct process_id::varchar from raw.process_versions
            where list_contains($records, record_id::varchar)
        """
        processes.update(i for (i,) in con.execute(query, {"records": [*records]}).fetchall())
    values = tuple(dict.fromkeys((place.value.id, normal) for place in places))
    if not processes and not records and not is_known(values):
        action = "Check how the value is written; nothing was changed."
        raise OperationError("--value", f"no process has this value of {name}", action)
    if len(processes) > MANY and not is_sure:
        found = f"{len(processes):,} processes have this value of {name}"
        action = "If all of them are to be erased, add `--yes`; nothing was changed."
        raise OperationError("--value", found, action)
    subject = _with_records(con, "value", tuple(sorted(processes)), tuple(sorted(records)))
    return replace(subject, values=values, given=(given,))


def places_of(procedures: Procedures, name: str | None = None) -> Iterator[Place]:
    """All declared attributes, or those of this shortId, id or former name; `lead.email` is that of
    one procedure.
    """
    for procedure in procedures:
        plain = name and name.removeprefix(f"{procedure.short_id}.")
        declared = [(v, False) for v in values_of(procedure)]
        declared += [(v, True) for v in record_values_of(procedure)]
        for value, is_of_record in declared:
            if plain is None or plain in value.keys:
                yield Place(procedure, value, is_of_record)


def value_sql(place: Place, prefix: str = "") -> str:
    """SQL for the normal form of a value: its text in lower case without spaces around it."""
    documents: Sequence[tuple[Source, str]] = (
        (("data", "data"), ("data", ""))
        if place.is_of_record
        else ((place.value.source, place.value.parent),)
    )
    found = [
        f"json_extract_string({prefix}{document}, {literal(pointer_to(parent, key))})"
        for document, parent in documents
        for key in place.value.keys
    ]
    return _NORMAL.format(f"coalesce({', '.join(found)})")


def epoch_ms(instant: datetime) -> int:
    """A stored instant as records have it."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def _with_records(
    con: duckdb.DuckDBPyConnection,
    kind: str,
    processes: tuple[str, ...],
    records: tuple[str, ...] = (),
) -> Subject:
    """The processes and the records that no other process refers to, besides the given ones."""
    con.register("chosen", pl.DataFrame({"id": processes}, schema={"id": pl.String}))
    try:
        rows = con.execute(_RECORDS_OF_CHOSEN).fetchall()
    finally:
        con.unregister("chosen")
    own = {id_ for id_, n_others in rows if not n_others} | {*records}
    return Subject(kind, processes, tuple(sorted(own)), shared=len({i for i, _ in rows} - own))


def _require_uuid(option: str, id_: str) -> None:
    if not re.fullmatch(UUID_PATTERN, id_):
        raise OperationError(option, "it is not an id", "Give the uuid; nothing was changed.")


_NORMAL = "lower(trim({}))"

_PROCESSES = """
    select distinct process_id::varchar from raw.process_versions
    where procedure_id = $procedure::uuid and {value} = $normal
"""

_RECORDS_OF_CHOSEN = """
    select record_id::varchar, count(*) filter (chosen.id is null)
    from raw.process_versions as v
    left join chosen on v.process_id = chosen.id::uuid
    where record_id is not null
    group by record_id
    having count(chosen.id) > 0
"""

_RECORDS = """
    select distinct id::varchar from raw.dimension_rows
    where dimension = 'records' and {value} = $normal
"""
