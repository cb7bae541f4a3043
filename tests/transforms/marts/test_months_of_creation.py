"""Times to an outcome by month of creation, and the intervals of their medians."""

from __future__ import annotations

import math
from datetime import date
from random import Random
from typing import Any

from tests.reference.versions import Version
from tests.support.jobs import START, jobs, version
from tests.support.warehouse import MemoryWarehouse

DAY = 86_400_000
QUARTILES = "p25_seconds / 86400, p50_seconds / 86400, p75_seconds / 86400"


def life(number: int, created: float, days: float | None, **ended: Any) -> list[Version]:
    """A job created some days after the start, and what ended it after some days."""
    process_id = f"00000000-0000-4000-8000-{number:012}"
    same = {"created_at": START + round(created * DAY)}
    first = version(process_id, created * 24, ingest_seq=(1, number * 2 + 1), **same)
    if days is None:
        return [first]
    last = {"status": "COMPLETED", **same, **ended}
    return [
        first,
        version(process_id, (created + days) * 24, ingest_seq=(1, number * 2 + 2), **last),
    ]


def built(*lives: list[Version], days: float) -> MemoryWarehouse:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([v for versions in lives for v in versions])
    warehouse.build(START + round(days * DAY))
    return warehouse


def test_months_of_creation_row_by_row() -> None:
    """START is 14 November 2023; 20 days later it is December."""
    warehouse = built(
        life(1, 0, 1),
        life(2, 1, 2),
        life(3, 2, 40, status="CANCELLED"),
        life(4, 3, None),
        life(5, 20, 1),
        life(6, 21, 1, status="OPEN", is_deleted=True),
        life(7, 22, None),
        life(8, 23, None),
        days=50,
    )
    rows = warehouse.rows(
        f"select cohort, outcome, processes, events, n_censored, {QUARTILES}, is_small, n_left_out "
        "from time_to_outcome_cohorts order by cohort, outcome"
    )
    november, december = date(2023, 11, 1), date(2023, 12, 1)
    assert [tuple(row.values()) for row in rows] == [
        (november, "any", 4, 3, 1, 1, 2, 40, True, 0),
        (november, "cancelled", 4, 1, 1, 40, None, None, True, 0),
        (november, "completed", 4, 2, 1, 1, 2, None, True, 0),
        (december, "any", 4, 1, 3, 1, None, None, True, 0),
        (december, "cancelled", 4, 0, 3, None, None, None, True, 0),
        (december, "completed", 4, 1, 3, 1, None, None, True, 0),
    ]


def test_the_interval_of_a_median_by_hand() -> None:
    """Ten jobs take 1 to 10 days: on the scale log(-log) the survival of day 1 (0.9) is 1.88, that
    of day 7 (0.3) 1.38 and that of day 8 (0.2) 2.14 standard errors from a half.
    """
    warehouse = built(*(life(n, 0, n) for n in range(1, 11)), days=11)
    rows = warehouse.rows(
        "select p50_seconds_low / 86400, p50_seconds / 86400, p50_seconds_high / 86400, is_small "
        "from time_to_outcome where outcome = 'any'"
    )
    assert [tuple(row.values()) for row in rows] == [(1, 5, 8, False)]


def test_a_limit_that_is_not_reached_is_null() -> None:
    warehouse = built(*(life(n, 0, n if n < 4 else None) for n in range(1, 7)), days=11)
    (row,) = warehouse.rows(
        "select p50_seconds_low / 86400 as low, p50_seconds / 86400 as mid, p50_seconds_high as high "
        "from time_to_outcome where outcome = 'any'"
    )
    assert row == {"low": 1, "mid": 3, "high": None}


def test_a_process_that_does_not_change_shows_no_trend() -> None:
    """Times are exponential, and some are cut off by a deletion, in all of 24 months alike.

    The first months in which jobs end show the fast ones alone. Of 24 intervals about 23 hold the
    true median; fewer than 20 do once in 150 times.
    """
    random, mean, months = Random(5), 40.0, 24
    lives: list[list[Version]] = []
    until = months * 30.4
    for number in range(months * 80):
        created = 17 + random.uniform(0, until)  # from 1 December on
        days, gone = random.expovariate(1 / mean), random.expovariate(1 / 90)
        length = min(days, gone)
        ended = {} if days < gone else {"status": "OPEN", "is_deleted": True}
        is_over = created + length < 17 + until
        lives.append(life(number, created, length if is_over else None, **ended))
    warehouse = built(*lives, days=17 + until)
    truth = mean * math.log(2)
    rows = warehouse.rows(
        "select p50_seconds_low / 86400 as low, p50_seconds_high / 86400 as high "
        "from time_to_outcome_cohorts where outcome = 'completed' and processes >= 60 "
    )
    # The median of completions alone: being deleted is no other outcome, but the end of watching.
    assert len(rows) == months
    assert sum((r["low"] or 0) < truth < (r["high"] or math.inf) for r in rows) >= 20
    ended = warehouse.rows(
        "select p50_seconds / 86400 as days from duration_stats "
        "where measure = 'resolution' and period is not null order by period"
    )
    assert ended[0]["days"] < 0.5 * truth
    assert ended[0]["days"] < ended[1]["days"] < ended[2]["days"]
