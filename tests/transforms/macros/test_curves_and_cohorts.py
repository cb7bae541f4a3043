"""Curves, cohorts and backlogs of any group: as in the tables, and as in the reference."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.reference.days import contains, days, last_instant, local_day, midnight
from tests.reference.intervals import limits
from tests.reference.marts import open_spells
from tests.reference.open_stays import open_stays
from tests.reference.outcomes import Watched, curve, process_outcomes
from tests.reference.versions import Row, Version
from tests.support.jobs import HOUR, START, built, jobs, version
from tests.support.random_funnels import (
    as_published,
    procedures_with,
    random_versions,
    reference_procedures,
)
from tests.support.warehouse import MemoryWarehouse, differences

DAY = 24 * HOUR
# Late enough for the week of creation to be 2 days old.
AS_OF = START + 9 * DAY
ZONE = "America/New_York"
PEOPLE = (None, *(f"20000000-0000-4000-8000-00000000000{n}" for n in (1, 2)))
# A first day on which some but not all were created.
LATER = (datetime.fromtimestamp(START / 1000, UTC) + timedelta(days=1)).date()


class Published(NamedTuple):
    warehouse: MemoryWarehouse
    versions: list[Version]
    colour_of: dict[str, str | None]


@pytest.fixture(scope="module")
def published() -> Published:
    random = Random(11)
    versions: list[Version] = [
        v | {"assigned_to": random.choice(PEOPLE)} for v in random_versions(random, 150)
    ]
    shift = {v["process_id"]: random.choice((-1, 0, 0, 1)) * 30 * HOUR for v in versions}
    for moved in versions:
        moved["updated_at"] += max(shift[moved["process_id"]], 0)
        moved["created_at"] += shift[moved["process_id"]]
    latest = {v["process_id"]: v for v in sorted(versions, key=lambda v: v["updated_at"])}
    for deleted in [v for v in versions if v["process_id"][-1] == "3"]:
        deleted |= {"status": "OPEN", "is_deleted": deleted is latest[deleted["process_id"]]}
    warehouse = MemoryWarehouse(procedures_with([]))
    warehouse.add(versions)
    warehouse.build(AS_OF, time_zone=ZONE, whole=True)
    as_published(warehouse, "job_processes", "outcome_curves", "cohort_outcomes", "backlog_daily")
    rows = warehouse.rows("select process_id, colour from job_processes")
    return Published(warehouse, versions, {row["process_id"]: row["colour"] for row in rows})


def outcomes_of(published: Published, procedure: str) -> list[Row]:
    rows = process_outcomes(
        published.versions, reference_procedures([]), as_of=AS_OF, time_zone=ZONE
    )
    return [row for row in rows if row["procedure"] == procedure]


def day_of(instant: int) -> date:
    return local_day(instant, ZoneInfo(ZONE))


@pytest.mark.parametrize("outcome", ["completed", "cancelled", "any"])
def test_without_by_a_curve_is_that_of_the_table(published: Published, outcome: str) -> None:
    found = published.warehouse.rows(f"from curve(null, '{outcome}')")
    table = published.warehouse.rows(f"from outcome_curves where outcome = '{outcome}'")
    assert len({row["procedure"] for row in table}) == 2
    assert differences(found, table, columns=table[0]) == []


@pytest.mark.parametrize(
    ("outcome", "with_deleted"), [("cancelled", False), ("deleted", True), ("any", True)]
)
def test_a_curve_of_values_and_days_is_that_of_the_reference(
    published: Published, outcome: str, with_deleted: bool
) -> None:
    groups: dict[str | None, list[Watched]] = {}
    for row in outcomes_of(published, "job"):
        if row["entered_at"] is not None and day_of(row["started_at"]) >= LATER:
            late = row["entered_at"] - row["started_at"]
            watched = Watched(
                row["ended_at"] - row["started_at"],
                "deleted" if with_deleted and row["ended_by"] == "deleted" else row["outcome"],
                None if row["is_observed_from_start"] else late,
            )
            groups.setdefault(published.colour_of.get(row["process_id"]), []).append(watched)
    expected = [
        {"value": value, **row}
        for value, members in groups.items()
        for row in curve(members, (outcome,))
    ]
    found = published.warehouse.rows(
        f"from curve('job', '{outcome}', by := 'colour', from_date := '{LATER}', "
        f"with_deleted := {with_deleted})"
    )
    assert any(row["events"] for row in expected)
    assert len(groups) == 3
    assert differences(found, expected, columns=expected[0]) == []


def test_without_arguments_cohorts_are_those_of_the_table(published: Published) -> None:
    found = published.warehouse.rows("from cohorts()")
    table = published.warehouse.rows("from cohort_outcomes")
    assert table
    assert differences(found, table, columns=table[0]) == []


@pytest.mark.parametrize(
    ("period", "length", "with_deleted"),
    [("week", 7, False), ("month", None, False), ("week", 7, True)],
)
def test_cohorts_of_values_equal_the_reference(
    published: Published, period: str, length: int | None, with_deleted: bool
) -> None:
    groups: dict[tuple[str | None, date], list[Row]] = {}
    for row in outcomes_of(published, "job"):
        if row["ended_by"] == "deleted" and not with_deleted:
            continue
        day = day_of(row["started_at"])
        first = day.replace(day=1) if length is None else day - timedelta(days=day.weekday())
        groups.setdefault((published.colour_of.get(row["process_id"]), first), []).append(row)
    expected: list[Row] = []
    for (value, first), created in groups.items():
        members = [row for row in created if row["is_observed_from_start"]]
        after = first + timedelta(days=length or 32)
        after = after if length else after.replace(day=1)
        for age in (1, 2):
            is_old = midnight(after, ZoneInfo(ZONE)) + age * DAY <= AS_OF + 1
            seen = bool(members) and is_old
            ended = [r for r in members if r["ended_at"] - r["started_at"] <= age * DAY]
            n = sum(row["outcome"] == "completed" for row in ended)
            n_deleted = sum(row["ended_by"] == "deleted" for row in ended)
            seen_deleted = seen and with_deleted
            expected.append(
                {
                    "value": value,
                    "cohort": first,
                    "age_days": age,
                    "processes": len(members),
                    "is_observed": seen,
                    "share_completed": n / len(members) if seen else None,
                    **limits("share_completed", n, len(members) if seen else 0),
                    "share_deleted": n_deleted / len(members) if seen_deleted else None,
                    **limits("share_deleted", n_deleted, len(members) if seen_deleted else 0),
                    "n_left_out": len(created) - len(members),
                }
            )
    found = published.warehouse.rows(
        f"from cohorts(procedure := 'job', by := 'colour', period := '{period}', ages := [1,2], "
        f"with_deleted := {with_deleted})"
    )
    assert any(row["share_deleted"] for row in expected) == with_deleted
    assert len(expected) > 4
    assert differences(found, expected, columns=expected[0]) == []


def test_a_cohort_is_seen_once_its_whole_week_is_old_enough() -> None:
    """Created on a Tuesday: the week ends on Sunday, and two days later it is two days old."""
    versions = random_versions(Random(1), 20)
    warehouse = MemoryWarehouse(procedures_with([]))
    warehouse.add(versions)
    monday = START - (START % DAY) + 6 * DAY
    warehouse.build(monday + 2 * DAY - 1, whole=True)
    as_published(warehouse)
    rows = warehouse.rows("from cohorts(procedure := 'job', period := 'week', ages := [2, 3])")
    assert {(row["age_days"], row["not_observed_because"]) for row in rows} == {
        (2, None),
        (3, "not old enough"),
    }


@pytest.fixture(scope="module")
def seven() -> MemoryWarehouse:
    """Seven of one week: completed after 1 and 3 days, cancelled after 3.5, deleted after 0.5 and
    2, and two that are open at ages of 2 and 7.
    """
    ids = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(7)]
    late = {"created_at": START + 5 * DAY}
    versions = [version(process_id) for process_id in ids[:6]]
    versions += [
        version(ids[0], 24, status="COMPLETED", completed_at=START + DAY),
        version(ids[1], 72, status="COMPLETED", completed_at=START + 3 * DAY),
        version(ids[2], 84, status="CANCELLED", cancelled_at=START + 84 * HOUR),
        version(ids[3], 12, is_deleted=True),
        version(ids[4], 48, is_deleted=True),
        version(ids[6], 120, **late),
    ]
    warehouse = built(jobs(), *versions, as_of=START + 7 * DAY, whole=True)
    as_published(warehouse)
    return warehouse


def test_deletion_competes_with_outcomes_where_asked(seven: MemoryWarehouse) -> None:
    """By hand, after Aalen and Johansen: the share with an outcome at a time is that of those at
    risk, times the share that has had none. At risk: 7, 6, 5, 3 and 2 at 0.5, 1, 2, 3, 3.5 days.
    """

    def shares(outcome: str, with_deleted: str) -> list[float]:
        query = (
            f"select cumulative_incidence from curve('job', '{outcome}', with_deleted := "
            f"{with_deleted}) where day <= 4 order by day"
        )
        return [share for (share,) in seven.executed(query).fetchall()]

    for outcome, expected in (
        ("completed", [0, 1 / 7, 1 / 7, 1 / 7 + 4 / 7 / 3, 1 / 3]),
        ("cancelled", [0, 0, 0, 0, 8 / 21 / 2]),
        ("deleted", [0, 1 / 7, 1 / 7 + 5 / 7 / 5, 2 / 7, 2 / 7]),
        ("any", [0, 2 / 7, 3 / 7, 13 / 21, 17 / 21]),
    ):
        assert shares(outcome, "true") == pytest.approx(expected)
    # Deleted ones leave without an outcome: 6, 3 and 2 are at risk at 1, 3 and 3.5 days.
    assert shares("completed", "false") == pytest.approx([0, 1 / 6, 1 / 6, 4 / 9, 4 / 9])
    assert shares("cancelled", "false") == pytest.approx([0, 0, 0, 0, 5 / 9 / 2])


def test_deleted_count_in_cohorts_where_asked(seven: MemoryWarehouse) -> None:
    query = (
        "select processes, share_completed, share_cancelled, share_deleted "
        "from cohorts(period := 'week', ages := [1], with_deleted := {})"
    )
    assert seven.executed(query.format("true")).fetchall() == [(7, 1 / 7, 0, 1 / 7)]
    assert seven.executed(query.format("false")).fetchall() == [(5, 1 / 5, 0, None)]


def test_a_backlog_by_state_is_that_of_the_table(published: Published) -> None:
    found = published.warehouse.rows("select *, value as state from backlog()")
    table = published.warehouse.rows("from backlog_daily")
    assert table
    assert differences(found, table, columns=table[0]) == []


@pytest.mark.parametrize("by", ["assigned_to", "colour", None])
def test_a_backlog_by_anything_equals_the_reference(published: Published, by: str | None) -> None:
    zone = ZoneInfo(ZONE)
    stays = open_stays(published.versions, reference_procedures([]), as_of=AS_OF)
    spells = open_spells(published.versions, AS_OF)["job"]
    expected: list[Row] = []
    for day in days(spells, AS_OF, zone):
        at = last_instant(day, AS_OF, zone)
        values: Counter[str | None] = Counter()
        for stay in stays:
            if stay["procedure"] == "job" and contains(stay, at, "started"):
                value = stay["assigned_to"] if by == "assigned_to" else None
                if by == "colour":
                    value = published.colour_of.get(stay["process_id"])
                values[value] += 1
        expected += [
            {"day": day, "procedure": "job", "value": value, "open_processes": n}
            for value, n in values.items()
            if day >= LATER
        ]
    column = "null" if by is None else f"'{by}'"
    query = f"from backlog(procedure := 'job', by := {column}, from_date := '{LATER}')"
    found = published.warehouse.rows(query)
    assert len(expected) > 1
    assert differences(found, expected) == []


@pytest.mark.parametrize(
    "call",
    [
        "curve('job', 'any'",
        "cohorts(procedure := 'job', period := 'week', ages := [1, 2]",
        "durations('resolution', procedure := 'job'",
        "backlog(procedure := 'job', by := null",
    ],
)
def test_a_filter_leaves_the_rows_of_its_values(published: Published, call: str) -> None:
    """As those that `by` gives for the value."""
    by_colour = call.replace("by := null", "by := 'colour'")
    by_colour += ")" if by_colour != call else ", by := 'colour')"
    rows = published.warehouse.rows(f"from {by_colour}")
    colours = {row["value"] for row in rows}
    for colour in colours:
        written = "null" if colour is None else f"'{colour}'"
        found = published.warehouse.rows(f"from {call}, filter := {{'colour': {written}}})")
        expected = [row | {"value": None} for row in rows if row["value"] == colour]
        assert found
        assert differences(found, expected) == []
    everything = published.warehouse.rows(f"from {call}, filter := null)")
    assert differences(everything, published.warehouse.rows(f"from {call})")) == []
    assert len(colours) > 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "curve('job', 'any', filter := {'hue': 'red'})",
            "curve: found a filter on hue; allowed: created_month, and columns of job_processes",
        ),
        ("cohorts(filter := {'colour': 'red'})", "cohorts: found a filter on colour without a"),
        ("backlog(filter := 5)", "backlog: found a filter without columns; allowed"),
        (
            "durations('resolution', procedure := 'job', filter := {'colour': []})",
            "durations: found no value in the filter for colour; allowed: text, a number",
        ),
        ("curve('x', 'any')", "curve: found unknown procedure x; allowed: job, task"),
        ("curve('job', 'lost')", "curve: found outcome lost; allowed: completed, cancelled, any"),
        ("curve('job', null)", "curve: found outcome null; allowed"),
        ("curve('job', 'deleted')", "any; deleted with with_deleted := true"),
        ("curve('job', 'any', with_deleted := null)", "curve: found with_deleted null; allowed"),
        ("cohorts(with_deleted := null)", "cohorts: found with_deleted null; allowed: true, false"),
        ("curve('job', 'any', by := 'hue')", "curve: found by := hue; allowed: created_month"),
        ("cohorts(procedure := 'x')", "cohorts: found unknown procedure x"),
        ("cohorts(period := 'day')", "cohorts: found period day; allowed: week, month, quarter"),
        ("cohorts(ages := [7, null])", "cohorts: found ages that are not days; allowed: a list"),
        ("cohorts(ages := [0])", "cohorts: found ages that are not days"),
        ("backlog(by := 'colour')", "backlog: found by := colour without a procedure"),
        ("backlog(procedure := 'x')", "backlog: found unknown procedure x"),
        (
            "backlog(from_date := '2024-01-02', to_date := '2024-01-01')",
            "backlog: found from_date 2024-01-02 after to_date 2024-01-01",
        ),
    ],
)
@pytest.mark.parametrize("read", ["*", "count(*)", "procedure"])
def test_wrong_arguments_are_refused(
    published: Published, call: str, message: str, read: str
) -> None:
    with pytest.raises(duckdb.Error) as raised:
        published.warehouse.executed(f"select {read} from {call}").fetchall()
    assert message in str(raised.value)
