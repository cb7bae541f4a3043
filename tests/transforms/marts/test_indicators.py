"""Key figures by day: values, averages, limits and targets."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from tests.reference.indicators import indicators
from tests.reference.versions import Version
from tests.support.jobs import HOUR, jobs, version
from tests.support.warehouse import MemoryWarehouse, differences

MONDAY = 1_700_438_400_000  # 2023-11-20 00:00 UTC
DAY = 24 * HOUR
FIRST = date(2023, 11, 20)
QUICK = {"name": "quick", "start": "created", "stop": "completed", "target": "12h"}


def job(number: int, created: float, done: float | None = None) -> list[Version]:
    """A job that is created after some hours since `MONDAY`, and completed after others."""
    process_id = f"00000000-0000-4000-8000-{number:012}"
    instants = {"created_at": MONDAY + round(created * HOUR)}
    made = [_version(process_id, created, number * 2, **instants)]
    if done is not None:
        closed = {
            "state": "DONE",
            "status": "COMPLETED",
            "completed_at": MONDAY + round(done * HOUR),
        }
        made.append(_version(process_id, done, number * 2 + 1, **instants, **closed))
    return made


def _version(process_id: str, hour: float, seq: int, **changes: Any) -> Version:
    at = MONDAY + round(hour * HOUR)
    return version(process_id, 0, **{"updated_at": at, "ingest_seq": (1, seq), **changes})


def built(*lives: list[Version], days: float, **changes: Any) -> MemoryWarehouse:
    warehouse = MemoryWarehouse(jobs(slas=[QUICK], **changes))
    warehouse.add([v for versions in lives for v in versions])
    warehouse.build(MONDAY + round(days * DAY))
    return warehouse


def values(warehouse: MemoryWarehouse, column: str = "value") -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in warehouse.rows(f"select indicator, {column} as x from indicators order by day"):
        found.setdefault(row["indicator"], []).append(row["x"])
    return found


def test_the_figures_of_whole_days() -> None:
    """Two jobs on Monday, one done in 6 hours and one in 30; the clock of a third runs out on
    Wednesday at noon, though it is done on Thursday.
    """
    lives = (job(1, 0, 6), job(2, 1, 31), job(3, 48, 74))
    warehouse = built(*lives, days=4)
    assert values(warehouse) == {
        "arrivals": [2, 0, 1, 0],
        "closed": [1, 1, 0, 1],
        "completed": [1, 1, 0, 1],
        "open": [1, 0, 1, 0],
        "resolution": [6 * 3600, 30 * 3600, None, 26 * 3600],
        "sla: quick": [0.5, None, 0, None],
    }
    units = warehouse.rows("select distinct indicator, unit from indicators order by all")
    assert [row["unit"] for row in units] == ["processes"] * 4 + ["seconds", "share"]
    # A day is whole with its last millisecond.
    for days, n in ((4, 4), (4 - 1 / DAY, 4), (4 - 2 / DAY, 3)):
        assert len(values(built(*lives, days=days))["open"]) == n


def test_days_before_the_procedure_was_observed_are_left_out() -> None:
    lives = (job(1, 0, 6), job(2, 1, 31), job(3, 48, 74))
    since = {"observedSince": "2023-11-22"}
    found = built(*lives, days=4, **since).rows(
        "select day from indicators where indicator = 'open'"
    )
    assert [row["day"] for row in found] == [FIRST + timedelta(days=n) for n in (2, 3)]


def test_averages_targets_and_limits() -> None:
    """1 and 3 arrivals in turn for 28 days, then 9, then none."""
    counts = [1, 3] * 14 + [9, 0]
    lives: list[list[Version]] = []
    for place, n in enumerate(counts):
        lives += [job(100 * place + k, 24 * place) for k in range(n)]
    target = {"name": "arrivals", "target": 2, "better": "higher"}
    rows = built(*lives, days=30, indicators=[target]).rows(
        "select value, average_7, average_28, center, lower_limit, upper_limit, signal, target, "
        "better, is_on_target from indicators where indicator = 'arrivals' order by day"
    )
    assert [row["value"] for row in rows] == counts
    assert [rows[n]["average_7"] for n in (5, 6, 7)] == [None, 13 / 7, 15 / 7]
    assert [rows[n]["is_on_target"] for n in (5, 6, 7)] == [None, False, True]
    assert [rows[n]["average_28"] for n in (26, 27)] == [None, 2]
    assert [rows[n]["center"] for n in (13, 14)] == [None, 2]
    # Each day differs by 2 from the one before.
    assert rows[28] == {
        "value": 9, "average_7": pytest.approx((9 + 3 * 3 + 3 * 1) / 7),
        "average_28": pytest.approx((9 + 14 * 3 + 13 * 1) / 28),
        "center": 2, "lower_limit": 0, "upper_limit": pytest.approx(2 + 2.66 * 2),
        "signal": "above", "target": 2, "better": "higher", "is_on_target": True,
    }  # fmt: skip
    # The 28 days before the last end with 9: 26 differences of 2 and one of 6.
    center, width = (55 + 9) / 28, 2.66 * (26 * 2 + 6) / 27
    assert rows[29]["upper_limit"] == pytest.approx(center + width)
    assert (rows[29]["center"], rows[29]["signal"]) == (pytest.approx(center), None)


def test_a_value_below_the_limits_is_a_signal() -> None:
    lives = [job(100 * day + k, 24 * day) for day in range(20) for k in range(20 + day % 2)]
    rows = built(*lives, job(9999, 24 * 20 + 1), days=21).rows(
        "select value, lower_limit, signal from indicators where indicator = 'arrivals' order by day"
    )
    low = pytest.approx(20.5 - 2.66)
    assert rows[-1] == {"value": 1, "lower_limit": low, "signal": "below"}


def test_long_series_equal_the_reference() -> None:
    """With days on which nothing was done; two clocks a day, each met or not by chance."""
    random = Random(5)
    lives = [
        job(number, hour := random.uniform(0, 50 * 24), hour + random.expovariate(1 / 20))
        for number in range(60)
    ]
    targets = [
        {"name": "resolution", "target": "1d", "better": "lower"},
        {"name": "sla: quick", "target": "60%", "better": "higher"},
    ]
    found = built(*lives, days=50.5, indicators=targets).rows("from indicators")
    assert {row["signal"] for row in found} >= {None, "above"}
    assert len([row for row in found if row["is_on_target"] is not None]) > 40
    expected = indicators(
        [v for life in lives for v in life],
        _known([targets[0] | {"target": 86_400}, targets[1] | {"target": 0.6}]),
        as_of=MONDAY + round(50.5 * DAY),
        time_zone="UTC",
    )
    assert differences(found, expected, columns=expected[0]) == []


def _known(targets: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The definition as the reference reads it."""
    (procedure,) = jobs()
    quick = {"start": [("created", None)], "stop": [("completed", None)], "pause": []}
    return {
        "job": {
            "states": [
                {"short_id": state.short_id, "name": state.name, "kind": state.kind}
                for state in procedure.states
            ],
            "stategraph": None,
            "attributes": [],
            "funnels": [],
            "slas": [quick | {"name": "quick", "target": ("ms", 12 * HOUR), "calendar": None}],
            "indicators": targets,
        }
    }
