"""Data that begins in the middle: which processes are at risk when, and what is then unknown."""

from __future__ import annotations

import math
from datetime import date
from random import Random
from typing import Any

import pytest

from schemas.definitions.procedure import Procedures
from tests.reference.outcomes import DAY
from tests.reference.versions import Version
from tests.support.jobs import START, jobs, version
from tests.support.warehouse import MemoryWarehouse
from transforms.macros.load import MACROS


def seen(number: int, created: float, day: float, status: str = "OPEN", **more: Any) -> Version:
    """A version of job `number`; all times in days after the start."""
    return version(
        f"00000000-0000-4000-8000-{number:012}",
        day * 24,
        created_at=START + round(created * DAY),
        status=status,
        **{"ingest_seq": (1, number * 1000 + round(day * 2)), **more},
    )


# The data begins on day 10. Worked by hand:
CUT = [
    # created on day 0 and still there on day 10: at risk from an age of 10 to one of 12 days
    seen(1, 0, 10),
    seen(1, 0, 12, "COMPLETED"),
    # created on day 5, and first changed on day 11: at risk from 6 to 15
    seen(2, 5, 11),
    seen(2, 5, 20, "CANCELLED"),
    # created later: at risk from 0 to 3, and from 0 to 16 days
    seen(3, 12, 12),
    seen(3, 12, 15, "COMPLETED"),
    seen(4, 14, 14),
    # over on day 4, and only edited later: never at risk
    seen(5, 0, 11, "COMPLETED", completed_at=START + 4 * DAY),
    # first seen when it ends: it would not be here otherwise, and is never at risk
    seen(6, 2, 13, "COMPLETED"),
]


def built(*versions: Version, days: float = 30, procedures: Procedures | None = None) -> Any:
    warehouse = MemoryWarehouse(procedures or jobs())
    warehouse.add(versions)
    warehouse.build(START + round(days * DAY))
    return warehouse


@pytest.fixture(scope="module")
def cut() -> Any:
    return built(*CUT)


def test_the_start_is_inferred_from_processes_that_are_older_than_the_data(cut: Any) -> None:
    assert cut.rows("from observation_starts") == [
        {
            "procedure": "job",
            "observed_since": START + 10 * DAY,
            "observed_since_source": "inferred",
            "first_version_at": START + 10 * DAY,
            "processes": 6,
            "n_left_truncated": 4,
        }
    ]
    rows = cut.rows("select is_observed_from_start as v from processes order by process_id")
    assert [row["v"] for row in rows] == [False, False, True, True, False, False]


def test_those_who_lasted_until_then_enter_late(cut: Any) -> None:
    rows = cut.rows(
        "select (epoch_ms(entered_at) - epoch_ms(started_at)) / 86400000 as days "
        "from process_outcomes order by process_id"
    )
    assert [row["days"] for row in rows] == [10, 6, 0, 0, None, None]


def test_only_those_who_have_entered_are_at_risk(cut: Any) -> None:
    rows = cut.rows(
        "select day, at_risk, events, survival, is_small from outcome_curves "
        "where outcome = 'any' and day in (0, 3, 4, 6, 7, 10, 11, 12, 15, 16) order by day"
    )
    # 1/2 on day 3 (of the third and the fourth), 2/3 on day 12 (first, second, fourth), 1/2 on day
    # 15 (second and fourth).
    assert [tuple(row.values()) for row in rows] == [
        (0, 2, 0, 1, True),
        (3, 2, 1, pytest.approx(1 / 2), True),
        (4, 1, 0, pytest.approx(1 / 2), True),
        (6, 1, 0, pytest.approx(1 / 2), True),
        (7, 2, 0, pytest.approx(1 / 2), True),
        (10, 2, 0, pytest.approx(1 / 2), True),
        (11, 3, 0, pytest.approx(1 / 2), True),
        (12, 3, 1, pytest.approx(1 / 3), True),
        (15, 2, 1, pytest.approx(1 / 6), True),
        (16, 1, 0, pytest.approx(1 / 6), True),
    ]
    (row,) = cut.rows(
        "select processes, events, n_censored, n_entered_late, n_left_out, p25_seconds / 86400 as a, "
        "p50_seconds / 86400 as b, p75_seconds as c from time_to_outcome where outcome = 'completed'"
    )
    # Completed: 1/2 on day 3, and a third of the other half on day 12.
    assert list(row.values()) == [4, 2, 1, 2, 2, 3, 3, None]


def test_months_before_are_not_observed_from_the_start(cut: Any) -> None:
    """START is 14 November 2023: the data begins on the 24th."""
    old, new = seen(7, -20, 10.5), seen(8, -20, 10.5, "COMPLETED")
    new = new | {"process_id": f"00000000-0000-4000-8000-{8:012}"}
    rows = built(*CUT, old, new, days=60).rows(
        "select cohort, processes, n_left_out, share_completed, is_observed, not_observed_because "
        "from cohort_outcomes where age_days in (3, 180) order by cohort, age_days"
    )
    assert [tuple(row.values()) for row in rows] == [
        (date(2023, 10, 1), 0, 2, None, False, "not observed from the start"),
        (date(2023, 10, 1), 0, 2, None, False, "not observed from the start"),
        (date(2023, 11, 1), 2, 4, 0.5, True, None),
        (date(2023, 11, 1), 2, 4, None, False, "not old enough"),
    ]


def test_a_given_day_decides() -> None:
    procedures = jobs(observedSince="2023-11-26")
    warehouse = built(*CUT, procedures=procedures)
    (row,) = warehouse.rows("from observation_starts")
    midnight = 1_700_956_800_000  # 2023-11-26T00:00Z, 11.07 days after the start
    assert (row["observed_since"], row["observed_since_source"]) == (midnight, "given")
    rows = warehouse.rows(
        "select (epoch_ms(entered_at) - epoch_ms(started_at)) / 86400000 as days, "
        "is_observed_from_start as whole from process_outcomes order by process_id"
    )
    late = (midnight - START) / DAY
    assert [tuple(row.values()) for row in rows] == [
        (late, False),
        (late - 5, False),
        (0, True),
        (0, True),
        (None, False),
        (None, False),
    ]


def test_a_given_day_is_one_of_the_reporting_time_zone() -> None:
    warehouse = MemoryWarehouse(jobs(observedSince="2023-11-26"))
    warehouse.add(CUT)
    warehouse.build(START + 30 * DAY, time_zone="Asia/Tokyo")
    (row,) = warehouse.rows("select observed_since from observation_starts")
    assert row["observed_since"] == 1_700_956_800_000 - 9 * 3_600_000


def test_data_that_begins_with_the_first_process_changes_nothing() -> None:
    """Versions that come hours after the creation are no reason to leave time out."""
    warehouse = built(
        seen(1, 0, 0.02),
        seen(1, 0, 3, "COMPLETED"),
        seen(2, 0.01, 0.05),
        seen(3, 2, 9),
        days=20,
    )
    (row,) = warehouse.rows("from observation_starts")
    assert (row["observed_since"], row["n_left_truncated"]) == (START, 0)
    rows = warehouse.rows(
        "select epoch_ms(entered_at) - epoch_ms(started_at) as ms, is_observed_from_start as whole "
        "from process_outcomes"
    )
    assert rows == [{"ms": 0, "whole": True}] * 3


@pytest.mark.parametrize(("n_older", "is_cut"), [(19, False), (20, True)])
def test_a_few_older_processes_are_exceptions(n_older: int, is_cut: bool) -> None:
    warehouse = MemoryWarehouse(jobs())
    warehouse.con.execute(MACROS)  # with the usual limit
    warehouse.add([*(seen(number, 0, 10) for number in range(n_older)), seen(50, 10.5, 10.5)])
    warehouse.build(START + 30 * DAY)
    (row,) = warehouse.rows("from observation_starts")
    since = START + 10 * DAY if is_cut else START
    assert (row["observed_since"], row["n_left_truncated"]) == (since, n_older * is_cut)
    (row,) = warehouse.rows("select count(*) as n from processes where not is_observed_from_start")
    assert row["n"] == n_older * is_cut


def test_a_procedure_without_versions_has_no_start() -> None:
    (row,) = built().rows("from observation_starts")
    assert list(row.values()) == ["job", None, None, None, 0, 0]


# A law that is known: the time to completion is exponential, whatever else happens.
MEAN_DAYS = 60.0
TRIALS = 30
SINCE, UNTIL = 150, 300


def exported(random: Random, *, touched_every: float) -> list[Version]:
    """Trials of processes created over 300 days, and what is in the data from day 150 on.

    A process also changes, without an outcome, about once in so many days.
    """
    found: list[Version] = []
    for number in range(TRIALS * 400):
        created = random.uniform(0, UNTIL)
        ended = created + random.expovariate(1 / MEAN_DAYS)
        changes = [(created, "OPEN"), (ended, "COMPLETED")]
        day = created + random.expovariate(1 / touched_every)
        while day < ended:
            changes.append((day, "OPEN"))
            day += random.expovariate(1 / touched_every)
        data = {"colour": str(number % TRIALS)}
        found += [
            seen(number, created, day, status, ingest_seq=(1, number * 1000 + line), data=data)
            for line, (day, status) in enumerate(sorted(changes))
            if SINCE <= day <= UNTIL
        ]
    return found


def limits_from_creation(lengths: list[tuple[float, bool]], days: float) -> tuple[float, float]:
    """95 % limits (Greenwood, log(-log)) as if all had been watched from their creation."""
    survival, variance = 1.0, 0.0
    there = len(lengths)
    for seconds, is_over in sorted(lengths, key=lambda pair: (pair[0], not pair[1])):
        if is_over and seconds <= days * 86400:
            survival *= 1 - 1 / there
            variance += 1 / (there * (there - 1))
        there -= 1
    width = 1.959963984540054 * math.sqrt(variance) / abs(math.log(survival))
    return 1 - survival ** math.exp(-width), 1 - survival ** math.exp(width)


@pytest.mark.parametrize("touched_every", [20, 1000])
def test_the_law_is_found_in_data_that_begins_in_the_middle(touched_every: float) -> None:
    """Of 30 intervals at 95 % about 28 hold the truth; fewer than 25 do once in 300 times.

    The interval that counts all from their creation, as if they had been watched, misses it: those
    that lasted are seen too often, or, where little else changes, those that end.
    """
    versions = exported(Random(1), touched_every=touched_every)
    warehouse = built(*versions, days=UNTIL, procedures=jobs(compareBy=["colour"]))
    rows = warehouse.rows("select seconds, outcome is not null as is_over from process_outcomes")
    lengths = [(row["seconds"], row["is_over"]) for row in rows]
    for days in (20, 40):
        truth = 1 - math.exp(-days / MEAN_DAYS)
        rows = warehouse.rows(
            "select lower_95 as low, upper_95 as high, is_small from outcome_curves_by "
            f"where outcome = 'any' and day = {days}"
        )
        assert (len(rows), any(row["is_small"] for row in rows)) == (TRIALS, False)
        assert sum(row["low"] < truth < row["high"] for row in rows) >= 25
        (row,) = warehouse.rows(
            "select lower_95 as low, upper_95 as high from outcome_curves "
            f"where outcome = 'any' and day = {days}"
        )
        assert row["low"] < truth < row["high"]
        low, high = limits_from_creation(lengths, days)
        assert not low < truth < high
    (median,) = warehouse.rows(
        "select p50_seconds_low / 86400 as low, p50_seconds_high / 86400 as high "
        "from time_to_outcome where outcome = 'completed'"
    )
    assert median["low"] < MEAN_DAYS * math.log(2) < median["high"]
    assert median["high"] - median["low"] < 4


def test_funnels_and_durations_leave_out_what_was_not_seen(cut: Any) -> None:
    """Of the six only the third and the fourth were observed from their start."""
    procedures = jobs(funnels=[{"name": "all", "steps": ["NEW", {"outcome": "completed"}]}])
    warehouse = built(*CUT, procedures=procedures)
    rows = warehouse.rows(
        "select step_no, processes, share_of_first, immature, n_left_out from funnel_steps "
        "where mode = 'ordered' order by step_no"
    )
    assert [tuple(row.values()) for row in rows] == [(1, 2, 1, 0, 4), (2, 1, 0.5, 1, 4)]
    (row,) = warehouse.rows(
        "select count(*) filter (is_observed_from_start) as whole, count(*) as n "
        "from funnel_progress where mode = 'ordered' and step_no = 1"
    )
    assert row == {"whole": 2, "n": 6}
    rows = cut.rows(
        "select measure, n, p50_seconds / 86400 as days, n_left_out from duration_stats "
        "where period is null and measure in ('resolution', 'open') order by measure"
    )
    # Completed after 12 (the first), 3 (the third) and 11 days (the sixth); the fifth before all.
    # `open` counts the cancelled second, after 15 days, too.
    assert [tuple(row.values()) for row in rows] == [("open", 4, 11.5, 1), ("resolution", 3, 11, 1)]


def test_months_before_have_no_shares_in_funnels_and_medians(cut: Any) -> None:
    procedures = jobs(funnels=[{"name": "all", "steps": ["NEW", "DONE"]}])
    warehouse = built(*CUT, seen(7, -20, 10.5), procedures=procedures)
    rows = warehouse.rows(
        "select cohort, processes, share_of_first, n_left_out from funnel_cohorts "
        "where mode = 'ordered' and step_no = 2 order by cohort"
    )
    assert [tuple(row.values()) for row in rows] == [
        (date(2023, 10, 1), 0, None, 1),
        (date(2023, 11, 1), 0, 0, 4),
    ]
    rows = warehouse.rows(
        "select cohort, processes, events, p50_seconds / 86400 as days, n_left_out "
        "from time_to_outcome_cohorts where outcome = 'completed' order by cohort"
    )
    assert [tuple(row.values()) for row in rows] == [
        (date(2023, 10, 1), 0, 0, None, 1),
        (date(2023, 11, 1), 2, 1, 3, 4),
    ]
