"""What may become of open processes: by hand, and as in the reference."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

import duckdb
import pytest

from tests.reference.outcomes import Watched, at_risk, incidence, process_outcomes, survival
from tests.reference.stays import state_visits
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
    versions: list[Version]
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
    return Published(
        warehouse, versions, rows, {row["process_id"]: row["colour"] for row in colours}
    )


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
    found = published.warehouse.rows(f"from open_outlook(days := 1, given := 'age'{call})")
    assert differences(found, expected, columns=expected[0]) == []
    assert sum(row["share_open"] is not None for row in expected) > 5
    assert sum(row["share_open"] is None and not row["is_reopened"] for row in expected) > 0


LEAST = 3  # of 20, so that random stays are enough


def stays(published: Published) -> dict[tuple[str, str], list[tuple[int, Watched]]]:
    """By procedure and state: how long processes were there, and when and how they ended."""
    outcomes = {row["process_id"]: row for row in published.rows}
    found: dict[tuple[str, str], list[tuple[int, Watched]]] = {}
    for visit in state_visits(published.versions, reference_procedures([]), as_of=AS_OF):
        row, start = outcomes[visit["process_id"]], visit["entered_at"]
        if not row["is_observed_from_start"] or visit["procedure"] != row["procedure"]:
            continue
        if start < row["ended_at"]:
            until = min(AS_OF if visit["left_at"] is None else visit["left_at"], row["ended_at"])
            watched = Watched(row["ended_at"] - start, row["outcome"])
            found.setdefault((row["procedure"], visit["state"]), []).append(
                (until - start, watched)
            )
    return found


def landmark(lengths: list[int], stay: int) -> int:
    """The longest stay up to this one among those of ranks with four binary digits."""
    ranked = sorted(lengths, reverse=True)
    ranks = [r for r in range(1, len(ranked) + 1) if "1" not in f"{r:b}"[4:]]
    return max([0, *(ranked[r - 1] for r in ranks if ranked[r - 1] <= stay)])


def test_by_state_it_equals_the_reference(published: Published) -> None:
    """Those that stayed longer than the landmark before its own stay."""
    published.warehouse.executed(f"create or replace temp macro least_stays() as {LEAST}")
    by_age = {
        row["process_id"]: row
        for row in published.warehouse.rows("from open_outlook(days := 1, given := 'age')")
    }
    found = published.warehouse.rows("from open_outlook(days := 1)")
    outcomes = {row["process_id"]: row for row in published.rows}
    entered = {
        visit["process_id"]: visit
        for visit in state_visits(published.versions, reference_procedures([]), as_of=AS_OF)
        if visit["left_at"] is None
    }
    known, n_by_state, n_sharp = stays(published), 0, 0
    for row in found:
        outcome, visit = outcomes[row["process_id"]], entered[row["process_id"]]
        stay = AS_OF - visit["entered_at"]
        assert row["seconds_in_state"] == stay / 1000
        is_known = outcome["is_observed_from_start"] or visit["entered_source"] == "observed"
        mine = known.get((row["procedure"], row["state"]), [])
        cut = landmark([length for length, _ in mine], stay)
        pool = [watched for length, watched in mine if length > cut]
        n_longer = sum(length > stay for length, _ in mine)
        is_enough = n_longer >= LEAST and max(w.ms for w in pool) >= stay + DAY
        if not is_known or row["is_reopened"] or not is_enough:
            assert row == by_age[row["process_id"]]
            continue
        expected = outlook(pool, stay, 1)
        assert differences([row], [row | expected], columns=expected) == []
        assert row["based_on"] == ("state" if survival(pool, stay) else None)
        n_by_state += 1
        n_sharp += row["share_open"] is not None and 0 < row["share_open"] < 1
    assert n_by_state > 10
    assert n_sharp > 3
    assert n_by_state < len(found)


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


def test_stays_that_were_shorter_do_not_count() -> None:
    """Of 20 that stayed in WORK for more than 2 days 10 are completed on day 3 and 5 cancelled on
    day 4 after the entry; 5 move on on day 5 and are completed on day 6. Four that moved on after a
    day were completed soon, which says nothing of one that has been there for 2 days. If 21
    were needed, its age would count: it is that of no other.
    """
    warehouse = MemoryWarehouse(jobs())
    kinds = (
        (4, [(24, "NEW", "OPEN"), (48, "DONE", "COMPLETED")]),
        (10, [(72, "DONE", "COMPLETED")]),
        (5, [(96, "WORK", "CANCELLED")]),
        (5, [(120, "NEW", "OPEN"), (144, "DONE", "COMPLETED")]),
        (1, []),
    )
    number = 0
    for n, then in kinds:
        for _ in range(n):
            number += 1
            entry = 24.0 if then else 24 * 28
            name = f"00000000-0000-4000-8000-0000000001{number:02}"
            warehouse.add([version(name), version(name, entry, state="WORK")])
            later = [version(name, entry + h, state=s, status=status) for h, s, status in then]
            warehouse.add(later)
    warehouse.build(1_700_000_000_000 + 30 * DAY)
    as_published(warehouse)

    def answer(days: int, names: str) -> tuple[object, ...]:
        (row,) = warehouse.rows(f"select {names} from open_outlook(days := {days})")
        return tuple(row.values())

    shares = "based_on, share_completed, share_cancelled, share_open"
    assert answer(1, shares) == ("state", 0.5, 0, 0.5)
    assert answer(2, shares) == ("state", 0.5, 0.25, 0.25)
    assert answer(4, shares) == ("state", 0.75, 0.25, 0)
    assert answer(1, "p50_remaining_seconds, p75_remaining_seconds") == (86400, 2 * 86400)
    assert answer(1, "at_risk, is_small, seconds_in_state") == (20, False, 2 * 86400)
    # The curve of the state ends on day 6, before its stay and 5 days.
    assert answer(5, shares) == ("age", None, None, None)
    warehouse.executed("create or replace temp macro least_stays() as 21")
    assert answer(1, shares) == ("age", None, None, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("given := 'x'", "open_outlook: found given x; allowed: state, age"),
        ("given := null", "open_outlook: found given null; allowed: state, age"),
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
