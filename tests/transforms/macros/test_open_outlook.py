"""What may become of open processes: by hand, and as in the reference."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

import duckdb
import pytest

from tests.reference.outcomes import Watched, at_risk, incidence, process_outcomes, survival
from tests.reference.versions import Row, Version
from tests.support.jobs import HOUR, A, B, C, D, jobs, version
from tests.support.random_funnels import (
    AS_OF,
    as_published,
    procedures_with,
    random_versions,
    reference_procedures,
)
from tests.support.warehouse import MemoryWarehouse, differences

DAY = 24 * HOUR


class Published(NamedTuple):
    warehouse: MemoryWarehouse
    rows: list[Row]
    colour_of: dict[str, str | None]


@pytest.fixture(scope="module")
def published() -> Published:
    random = Random(17)
    versions: list[Version] = random_versions(random, 200)
    shift = {v["process_id"]: random.choice((-1, 0, 0, 1, 2)) * 20 * HOUR for v in versions}
    for found in versions:
        moved = max(shift[found["process_id"]], 0)
        found["updated_at"] = int(found["updated_at"] or 0) + moved
        found["created_at"] = int(found["created_at"] or 0) + shift[found["process_id"]]
    warehouse = MemoryWarehouse(procedures_with([]))
    warehouse.add(versions)
    warehouse.build(AS_OF, whole=True)
    as_published(warehouse, "job_processes")
    known = reference_procedures([])
    rows = process_outcomes(versions, known, as_of=AS_OF, time_zone="UTC")
    colours = warehouse.rows("select process_id, colour from job_processes")
    return Published(warehouse, rows, {row["process_id"]: row["colour"] for row in colours})


def watched(rows: list[Row]) -> list[Watched]:
    return [
        Watched(
            row["ended_at"] - row["started_at"],
            row["outcome"],
            None if row["is_observed_from_start"] else row["entered_at"] - row["started_at"],
        )
        for row in rows
        if row["entered_at"] is not None
    ]


def outlook(group: list[Watched], age: int, days: int) -> Row:
    """The shares of those who lasted as long, and when half and three quarters of them left."""
    until, left = age + days * DAY, survival(group, age)
    row: Row = dict.fromkeys(
        [
            *("share_completed", "share_cancelled", "share_open", "at_risk", "is_small"),
            *("p50_remaining_seconds", "p75_remaining_seconds"),
        ]
    )
    if not group or not left:
        return row
    if until <= max(w.ms for w in group):
        parts = [
            (incidence(group, outcome, until) - incidence(group, outcome, age)) / left
            for outcome in ("completed", "cancelled")
        ]
        there = at_risk(group, until)
        row |= {
            "share_completed": float(parts[0]),
            "share_cancelled": float(parts[1]),
            "share_open": float(1 - sum(parts)),
            "at_risk": there,
            "is_small": there < 5,
        }
    times = sorted({w.ms for w in group if w.outcome and w.ms > age})
    for name, part in (("p50", Fraction(1, 2)), ("p75", Fraction(1, 4))):
        reached = (time - age for time in times if survival(group, time) <= left * part)
        first = next(reached, None)
        row[f"{name}_remaining_seconds"] = None if first is None else first / 1000
    return row


@pytest.mark.parametrize("by", [None, "colour"])
def test_it_equals_the_reference(published: Published, by: str | None) -> None:
    groups: dict[tuple[str, str | None], list[Row]] = {}
    open_now = published.warehouse.rows(
        "select process_id, procedure, state from processes where outcome = 'open'"
    )

    def group_of(row: Row) -> tuple[str, str | None]:
        value = published.colour_of.get(row["process_id"]) if by else None
        return row["procedure"], value

    rows = [row for row in published.rows if by is None or row["procedure"] == "job"]
    for row in rows:
        groups.setdefault(group_of(row), []).append(row)
    outcomes = {row["process_id"]: row for row in rows}
    expected: list[Row] = []
    for process in open_now:
        row = outcomes.get(process["process_id"])
        if row is None:
            continue
        age = AS_OF - row["started_at"]
        is_reopened = row["outcome"] is not None
        found = outlook([] if is_reopened else watched(groups[group_of(row)]), age, 1)
        expected.append({**process, "value": group_of(row)[1], "is_reopened": is_reopened, **found})
    call = "" if by is None else ", procedure := 'job', by := 'colour'"
    found = published.warehouse.rows(f"from open_outlook(days := 1{call})")
    assert differences(found, expected, columns=expected[0]) == []
    assert sum(row["share_open"] is not None for row in expected) > 5
    assert sum(row["share_open"] is None and not row["is_reopened"] for row in expected) > 0


def test_shares_add_up_and_grow_with_the_time_ahead(published: Published) -> None:
    before: dict[str, float] = {}
    for days in (1, 2):
        for row in published.warehouse.rows(f"from open_outlook(days := {days})"):
            if row["share_open"] is not None:
                parts = row["share_completed"] + row["share_cancelled"] + row["share_open"]
                assert parts == pytest.approx(1)
                assert row["share_open"] <= before.get(row["process_id"], 1) + 1e-12
                before[row["process_id"]] = row["share_open"]


def test_the_share_of_those_who_lasted_as_long() -> None:
    """One is completed on day 1, one on day 3, one is cancelled on day 4; one is 2 days old."""
    start = 2 * 24
    warehouse = MemoryWarehouse(jobs())
    ends = ((A, 24, "COMPLETED"), (B, 72, "COMPLETED"), (C, 96, "CANCELLED"))
    warehouse.add(
        [
            *(version(name) for name in (A, B, C)),
            *(version(name, hours, status=status) for name, hours, status in ends),
            version(D, start, created_at=1_700_000_000_000 + start * HOUR),
        ]
    )
    warehouse.build(1_700_000_000_000 + (start + 48) * HOUR)
    as_published(warehouse)
    (row,) = warehouse.rows("from open_outlook(days := 1)")
    # After day 1 three of four are left; on day 3 one of two, so that a quarter and 3/8 remain.
    assert row["age_seconds"] == 2 * 86400
    assert (row["share_completed"], row["share_cancelled"], row["share_open"]) == (0.5, 0, 0.5)
    assert (row["p50_remaining_seconds"], row["p75_remaining_seconds"]) == (86400, 2 * 86400)
    assert (row["at_risk"], row["is_small"], row["is_reopened"]) == (2, True, False)
    (row,) = warehouse.rows("from open_outlook(days := 2)")
    assert (row["share_completed"], row["share_cancelled"], row["share_open"]) == (0.5, 0.5, 0)
    (row,) = warehouse.rows("from open_outlook(days := 3)")
    assert (row["share_open"], row["p50_remaining_seconds"]) == (None, 86400)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("procedure := 'x'", "open_outlook: found unknown procedure x; allowed: job, task"),
        ("days := 0", "open_outlook: found days 0; allowed: a number from 1"),
        ("days := null", "open_outlook: found days null; allowed: a number from 1"),
        ("by := 'colour'", "open_outlook: found by := colour without a procedure"),
        ("procedure := 'job', by := 'hue'", "open_outlook: found by := hue; allowed"),
    ],
)
@pytest.mark.parametrize("read", ["*", "count(*)", "state"])
def test_wrong_arguments_are_refused(
    published: Published, arguments: str, message: str, read: str
) -> None:
    query = f"select {read} from open_outlook({arguments})"
    with pytest.raises(duckdb.Error) as raised:
        published.warehouse.executed(query).fetchall()
    assert message in str(raised.value)
