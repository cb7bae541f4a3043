"""Processes as they stood at an instant: as in the reference, and as an earlier build had them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

import duckdb
import pytest

from tests.reference.changes import attribute_spells
from tests.reference.days import contains
from tests.reference.stays import assignments, state_visits, status_spells
from tests.reference.versions import Row, Version
from tests.support.jobs import HOUR, JOB, START
from tests.support.random_funnels import (
    AS_OF,
    as_published,
    procedures_with,
    random_versions,
    reference_procedures,
)
from tests.support.warehouse import MemoryWarehouse

PEOPLE = (None, *(f"20000000-0000-4000-8000-00000000000{n}" for n in (1, 2)))
# Of both procedures; `size` never has a value.
TRACKED = [
    attribute | {"track": attribute["shortId"] in ("colour", "size")}
    for attribute in JOB["attributes"]
]
KNOWN = {
    name: procedure
    | {
        "attributes": [
            a | {"short_id": a["shortId"], "options": None} for a in TRACKED if a["track"]
        ]
    }
    for name, procedure in reference_procedures([]).items()
}
INSTANTS = [START + round(hours * HOUR) for hours in (0, 0.5, 1, 3, 7.25, 12, 60)]


class Published(NamedTuple):
    warehouse: MemoryWarehouse
    versions: list[Version]


@pytest.fixture(scope="module")
def published() -> Published:
    random = Random(3)
    versions = [v | {"assigned_to": random.choice(PEOPLE)} for v in random_versions(random, 150)]
    warehouse = MemoryWarehouse(procedures_with([], attributes=TRACKED))
    warehouse.add(versions)
    warehouse.build(AS_OF, whole=True)
    as_published(warehouse)
    return Published(warehouse, versions)


def at(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def covering(rows: list[Row], instant: int, began: str, ended: str) -> dict[str, Row]:
    return {
        row["process_id"]: row
        for row in rows
        if row[began] <= instant and (row[ended] is None or instant < row[ended])
    }


@pytest.mark.parametrize("instant", INSTANTS)
def test_it_equals_the_reference(published: Published, instant: int) -> None:
    visits = covering(
        state_visits(published.versions, KNOWN, as_of=AS_OF), instant, "entered_at", "left_at"
    )
    spells = covering(
        status_spells(published.versions, as_of=AS_OF), instant, "started_at", "ended_at"
    )
    held = covering(assignments(published.versions, as_of=AS_OF), instant, "started_at", "ended_at")
    tracked: dict[tuple[str, str], dict[str, str | None]] = defaultdict(dict)
    for spell in attribute_spells(published.versions, KNOWN, as_of=AS_OF):
        if contains(spell, instant, "started"):
            values = tracked[spell["process_id"], spell["procedure"]]
            assert spell["attribute"] not in values
            values[spell["attribute"]] = spell["value"]
    nothing: Row = {}
    expected = [
        {
            "process_id": process_id,
            "procedure": visit["procedure"],
            "state": visit["state"],
            "entered_at": visit["entered_at"],
            "seconds_in_state": (instant - visit["entered_at"]) / 1000,
            "status": spells.get(process_id, nothing).get("status"),
            "status_since": spells.get(process_id, nothing).get("started_at"),
            "assigned_to": held.get(process_id, nothing).get("assigned_to"),
            "assigned_since": held.get(process_id, nothing).get("started_at"),
            "tracked": str(dict(sorted(tracked[process_id, visit["procedure"]].items()))),
        }
        for process_id, visit in sorted(visits.items())
    ]
    columns = ", ".join(expected[0])
    query = f"select {columns} from processes_at('{at(instant)}') order by process_id::varchar"
    assert published.warehouse.rows(query) == expected
    assert len(expected) > 30
    colours = {"'x'", "'y'", "None"}
    assert {row["tracked"] for row in expected} == {
        f"{{'colour': {colour}, 'size': None}}" for colour in colours
    }


@pytest.mark.parametrize("instant", [START + HOUR, START + 7 * HOUR])
def test_states_assignees_and_values_are_those_of_a_build_as_at_the_instant(
    published: Published, instant: int
) -> None:
    then = MemoryWarehouse(procedures_with([], attributes=TRACKED))
    then.add(published.versions)
    then.build(instant)
    columns = "process_id, procedure, state, assigned_to"
    tables = "(select * from job_processes union all by name select * from task_processes)"
    before = then.rows(f"select {columns}, colour from {tables} where deleted_at is null")
    found = published.warehouse.rows(
        f"select {columns}, tracked['colour'] as colour from processes_at('{at(instant)}')"
    )
    seen = {row["process_id"] for row in before}
    key = "process_id"
    # Before its first version a process was not known.
    assert sorted((r for r in found if r[key] in seen), key=lambda r: r[key]) == sorted(
        before, key=lambda r: r[key]
    )
    assert len(seen) > 30


def test_at_the_as_of_it_is_what_is_now(published: Published) -> None:
    query = (
        "select count(*), count(*) filter (state is distinct from state_now), "
        f"count(*) filter (status is distinct from status_now) from processes_at('{at(AS_OF)}')"
    )
    ((processes, *others),) = published.warehouse.executed(query).fetchall()
    query = "select count(*) from processes where deleted_at is null"
    assert published.warehouse.executed(query).fetchall() == [(processes,)]
    assert others == [0, 0]


@pytest.mark.parametrize(
    ("instant", "message"),
    [
        ("null", "processes_at: found null; allowed: an instant"),
        ("'2099-01-01'", "processes_at: found 2099-01-01; allowed: up to the as_of of the build"),
    ],
)
@pytest.mark.parametrize("read", ["*", "count(*)", "state_kind", "1"])
def test_what_is_no_known_instant_is_refused(
    published: Published, instant: str, message: str, read: str
) -> None:
    with pytest.raises(duckdb.Error, match=message):
        published.warehouse.executed(f"select {read} from processes_at({instant})").fetchall()
