"""Outcome curves, quantiles and cohorts, row by row, and against exact fractions."""

from __future__ import annotations

import math
from datetime import date
from random import Random
from typing import Any

import pytest

from schemas.definitions.procedure import Procedures
from tests.reference.outcomes import DAY, Watched, curve, incidence, standard_error
from tests.reference.versions import Version
from tests.support.jobs import HOUR, START, A, jobs, version
from tests.support.warehouse import MemoryWarehouse


def process(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def history(
    number: int, outcome: str | None, hours: float, *, reopened: float | None = None, **data: Any
) -> list[Version]:
    """A job created at the start that is completed, cancelled or deleted after some hours."""
    process_id = process(number)
    first = version(process_id, 0, data=data, ingest_seq=(1, number * 10 + 1))
    status = {"completed": "COMPLETED", "cancelled": "CANCELLED"}.get(outcome or "", "OPEN")
    changed = {"status": status, "is_deleted": outcome == "deleted", "data": data}
    versions = [first]
    if outcome:
        versions.append(version(process_id, hours, **changed, ingest_seq=(1, number * 10 + 2)))
    if reopened is not None:
        again = version(process_id, reopened, data=data, ingest_seq=(1, number * 10 + 3))
        versions.append(again)
    return versions


def built(*histories: list[Version], days: float, procedures: Procedures | None = None) -> Any:
    warehouse = MemoryWarehouse(procedures or jobs())
    warehouse.add([v for versions in histories for v in versions])
    warehouse.build(START + round(days * DAY))
    return warehouse


@pytest.fixture(scope="module")
def few() -> Any:
    """Five jobs over ten days: two completed, one cancelled, one deleted, one still open."""
    return built(
        history(1, "completed", 24),
        history(2, "cancelled", 36),
        history(3, "deleted", 60),
        history(4, "completed", 72, reopened=80),
        history(5, None, 0),
        days=10,
    )


def test_curves_row_by_row(few: Any) -> None:
    rows = few.rows(
        "select outcome, day, at_risk, events, cumulative_incidence, survival "
        "from outcome_curves where day in (0, 1, 2, 3, 10) order by outcome desc, day"
    )
    found = [tuple(row.values()) for row in rows]
    # Survival: 4/5, then 3/5 of it all; the deleted one leaves; then a half of two.
    assert found == [
        ("completed", 0, 5, 0, 0, 1),
        ("completed", 1, 5, 1, pytest.approx(0.2), pytest.approx(0.8)),
        ("completed", 2, 4, 0, pytest.approx(0.2), pytest.approx(0.6)),
        ("completed", 3, 3, 1, pytest.approx(0.5), pytest.approx(0.3)),
        ("completed", 10, 1, 0, pytest.approx(0.5), pytest.approx(0.3)),
        ("cancelled", 0, 5, 0, 0, 1),
        ("cancelled", 1, 5, 0, 0, pytest.approx(0.8)),
        ("cancelled", 2, 4, 1, pytest.approx(0.2), pytest.approx(0.6)),
        ("cancelled", 3, 3, 0, pytest.approx(0.2), pytest.approx(0.3)),
        ("cancelled", 10, 1, 0, pytest.approx(0.2), pytest.approx(0.3)),
        ("any", 0, 5, 0, 0, 1),
        ("any", 1, 5, 1, pytest.approx(0.2), pytest.approx(0.8)),
        ("any", 2, 4, 1, pytest.approx(0.4), pytest.approx(0.6)),
        ("any", 3, 3, 1, pytest.approx(0.7), pytest.approx(0.3)),
        ("any", 10, 1, 0, pytest.approx(0.7), pytest.approx(0.3)),
    ]


def test_the_first_outcome_counts(few: Any) -> None:
    rows = few.rows(
        "select outcome, seconds / 3600 as hours, ended_by from process_outcomes order by process_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("completed", 24, "outcome"),
        ("cancelled", 36, "outcome"),
        (None, 60, "deleted"),
        ("completed", 72, "outcome"),
        (None, 240, "open"),
    ]


def test_quantiles_are_null_until_they_are_reached(few: Any) -> None:
    rows = few.rows(
        "select outcome, processes, events, n_censored, p25_seconds / 3600, p50_seconds / 3600, "
        "p75_seconds / 3600 from time_to_outcome order by outcome desc"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("completed", 5, 2, 2, 72, 72, None),
        ("cancelled", 5, 1, 2, None, None, None),
        ("any", 5, 3, 2, 36, 72, None),
    ]


def test_a_tie_with_the_end_of_watching_is_still_at_risk() -> None:
    warehouse = built(history(1, "completed", 24), history(2, "deleted", 24), days=1)
    (row,) = warehouse.rows(
        "select cumulative_incidence, at_risk from outcome_curves where outcome = 'completed' and day = 1"
    )
    assert row == {"cumulative_incidence": 0.5, "at_risk": 2}


def test_when_all_have_ended_nobody_is_left() -> None:
    warehouse = built(history(1, "completed", 1), history(2, "completed", 1), days=3)
    rows = warehouse.rows(
        "select day, cumulative_incidence, standard_error, lower_95, upper_95, survival "
        "from outcome_curves where outcome = 'completed' order by day"
    )
    assert [tuple(row.values()) for row in rows] == [
        (0, 0, 0, None, None, 1),
        (1, 1, 0, None, None, 0),
    ]


def test_outcomes_are_compared_by_the_values_of_now() -> None:
    procedures = jobs(compareBy=["colour"])
    changed = [
        *history(3, None, 0, colour="red"),
        version(process(3), 1, data={"colour": "blue"}, ingest_seq=(1, 39)),
    ]
    warehouse = built(
        history(1, "completed", 24, colour="red"),
        history(2, None, 0, colour="red"),
        changed,
        history(4, "cancelled", 24),
        days=2,
        procedures=procedures,
    )
    rows = warehouse.rows(
        "select attribute, value, at_risk, cumulative_incidence from outcome_curves_by "
        "where outcome = 'completed' and day = 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("colour", "blue", 1, 0),
        ("colour", "red", 2, 0.5),
        ("colour", None, 1, 0),
    ]
    assert warehouse.rows("select count(*) as n from outcome_curves where day = 0") == [{"n": 3}]


def random_groups(seed: int) -> dict[int, tuple[int, str | None]]:
    """Many jobs over few instants, so that ties of all kinds are frequent."""
    random = Random(seed)
    kinds = ("completed", "completed", "cancelled", "deleted", None)
    watched: dict[int, tuple[int, str | None]] = {}
    for number in range(80):
        kind = random.choice(kinds)
        hours = random.choice((0.5, 1, 24, 25, 30, 48, 49, 100, 100.25, 240))
        watched[number] = (round(hours * HOUR), kind)
    return watched


@pytest.mark.parametrize("seed", range(3))
def test_estimates_equal_exact_fractions(seed: int) -> None:
    jobs_watched = random_groups(seed)
    warehouse = built(
        *(history(number, kind, ms / HOUR) for number, (ms, kind) in jobs_watched.items()), days=12
    )
    watched = [
        Watched(ms if kind else 12 * DAY, kind if kind != "deleted" else None)
        for ms, kind in jobs_watched.values()
    ]
    expected = curve(watched)
    names = list(expected[0])
    found = warehouse.rows(f"select {', '.join(names)} from outcome_curves")
    by_place = {(row["outcome"], row["day"]): row for row in found}
    assert len(by_place) == len(expected)
    for row in expected:
        numbers = by_place[row.pop("outcome"), row["day"]]
        del numbers["outcome"]
        assert numbers == pytest.approx(row, abs=1e-9, rel=1e-9)


def test_for_any_outcome_the_error_is_greenwoods() -> None:
    watched = [
        Watched(ms, None if kind == "deleted" else kind) for ms, kind in random_groups(7).values()
    ]
    for day in (1, 2, 5):
        survival, greenwood = 1.0, 0.0
        for time in sorted({w.ms for w in watched if w.outcome and w.ms <= day * DAY}):
            at_risk = sum(w.ms >= time for w in watched)
            events = sum(w.ms == time and w.outcome is not None for w in watched)
            survival *= 1 - events / at_risk
            greenwood += events / (at_risk * (at_risk - events))
        assert 1 - incidence(watched, "any", day * DAY) == pytest.approx(survival, abs=1e-12)
        error = survival * math.sqrt(greenwood)
        assert standard_error(watched, "any", day * DAY) == pytest.approx(error, abs=1e-12)


def test_limits_are_on_the_double_logarithmic_scale() -> None:
    warehouse = built(*(history(n, "completed" if n < 4 else None, 24) for n in range(10)), days=5)
    (row,) = warehouse.rows(
        "select cumulative_incidence as p, standard_error as e, lower_95, upper_95 "
        "from outcome_curves where outcome = 'completed' and day = 5"
    )
    assert row["p"] == pytest.approx(0.4)
    assert row["e"] == pytest.approx(math.sqrt(0.4 * 0.6 / 10))
    width = 1.959963984540054 * row["e"] / abs(0.4 * math.log(0.4))
    assert row["lower_95"] == pytest.approx(0.4 ** math.exp(width))
    assert row["upper_95"] == pytest.approx(0.4 ** math.exp(-width))
    assert 0 < row["lower_95"] < 0.4 < row["upper_95"] < 1


def test_parts_add_up_and_threads_change_nothing() -> None:
    histories = [history(n, kind, ms / HOUR) for n, (ms, kind) in random_groups(11).items()]
    warehouse = built(*histories, days=12)
    rows = warehouse.rows(
        "select day, max(survival) + sum(cumulative_incidence) filter (outcome <> 'any') as whole, "
        "max(cumulative_incidence) filter (outcome = 'any') + max(survival) as other "
        "from outcome_curves group by day"
    )
    assert len(rows) == 13
    for row in rows:
        assert (row["whole"], row["other"]) == pytest.approx((1, 1), abs=1e-12)
    query = "from outcome_estimates order by all"
    seen = []
    for threads in (1, 2, 4):
        warehouse.con.execute(f"set threads = {threads}")
        seen.append(warehouse.executed(query).fetchall())
    assert seen[0] == seen[1] == seen[2]


def test_a_cohort_is_unknown_until_its_youngest_could_have_reached_the_age() -> None:
    """START is 14 November 2023: the month is over on 1 December."""
    histories = [history(1, "completed", 24), history(2, None, 0), history(3, "deleted", 1)]
    begin = START
    december = 1_701_388_800_000  # 2023-12-01T00:00Z
    # What happens at the build's very instant is seen.
    for later, observed in ((DAY - 2, False), (DAY - 1, True)):
        warehouse = built(*histories, days=(december + later - begin) / DAY)
        rows = warehouse.rows(
            "select cohort, processes, share_completed, share_cancelled, is_observed "
            "from cohort_outcomes where age_days = 1"
        )
        share = 0.5 if observed else None
        assert [tuple(row.values()) for row in rows] == [
            (date(2023, 11, 1), 2, share, 0 if observed else None, observed)
        ]


def test_a_cohort_ends_at_the_first_of_two_midnights() -> None:
    """In Havana 1 November 2026 began at 04:00 UTC, and its first hour was had twice."""
    created = 1_792_800_000_000 - START  # 2026-10-24T00:00Z
    only = version(A, created / HOUR)
    midnight = 1_793_505_600_000  # 2026-11-01T04:00Z
    for later, observed in ((DAY - 2, False), (DAY - 1, True)):
        warehouse = MemoryWarehouse(jobs())
        warehouse.add([only | {"created_at": only["updated_at"]}])
        warehouse.build(midnight + later, time_zone="America/Havana")
        rows = warehouse.rows("select cohort, is_observed from cohort_outcomes where age_days = 1")
        assert rows == [{"cohort": date(2026, 10, 1), "is_observed": observed}]


def test_no_processes_give_no_rows() -> None:
    warehouse = built([version(A, 5)], days=0.1)
    for table in ("process_outcomes", "outcome_curves", "time_to_outcome", "cohort_outcomes"):
        assert warehouse.rows(f"from {table}") == []
