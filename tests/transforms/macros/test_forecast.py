"""When what is open will be closed: the draws of the reference, and what follows from few days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

import duckdb
import pytest

from tests.reference.forecasts import forecast, forecast_held
from tests.reference.versions import Row
from tests.support.random_funnels import AS_OF, as_published, procedures_with
from tests.support.warehouse import MemoryWarehouse, differences

# AS_OF is on a Friday, in UTC.
TODAY = date(2023, 11, 17)
FIRST = TODAY - timedelta(days=60)
RANDOM = Random(19)
CLOSED = {FIRST + timedelta(days=n): RANDOM.randint(0, 1 if n % 7 > 4 else 6) for n in range(60)}


@pytest.fixture(scope="module")
def published() -> MemoryWarehouse:
    """The macros over tables that are made by hand."""
    warehouse = MemoryWarehouse(procedures_with([]))
    warehouse.build(AS_OF, whole=True)
    as_published(warehouse)
    return warehouse


def with_days(
    warehouse: MemoryWarehouse, closed: Mapping[date, int], n_open: int
) -> MemoryWarehouse:
    """So many open jobs, and these closings, of which some are cancellations."""
    warehouse.con.execute("delete from flow_daily")
    warehouse.con.execute("delete from processes")
    # What is closed on the day of the as_of does not count.
    rows = [(day, "job", n - n // 3, n // 3) for day, n in [*closed.items(), (TODAY, 99)]]
    warehouse.con.executemany(
        "insert into flow_daily (day, procedure, completed, cancelled) values (?, ?, ?, ?)", rows
    )
    warehouse.con.execute(
        "insert into processes by name select uuid() as process_id, 'job' as procedure, "
        f"'open' as outcome from range({n_open})"
    )
    return warehouse


def jobs_only(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["procedure"] == "job"]


@pytest.mark.parametrize(("seed", "days", "ahead"), [(1, 90, 30), (7, 21, 3)])
def test_it_equals_the_reference(
    published: MemoryWarehouse, seed: int, days: int, ahead: int
) -> None:
    with_days(published, CLOSED, 40)
    asked = f"seed := {seed}, days := {days}, ahead := {ahead}"
    expected = forecast("job", CLOSED, 40, TODAY, days=days, seed=seed, ahead=ahead)
    found = jobs_only(published.rows(f"from forecast({asked})"))
    assert differences(found, expected, columns=expected[0]) == []
    assert found == jobs_only(published.rows(f"from forecast({asked})"))
    held = forecast_held("job", CLOSED, days=21, seed=seed, ahead=ahead)
    found = published.rows(f"from forecast_held(seed := {seed}, days := 21, ahead := {ahead})")
    assert differences(found, held) == []
    assert held[0]["n_forecasts"] > 1


def test_a_seed_gives_other_draws_of_the_same_days(published: MemoryWarehouse) -> None:
    with_days(published, CLOSED, 40)
    first, second = (
        published.rows(f"from forecast(procedure := 'job', seed := {seed}, ahead := 30)")
        for seed in (1, 2)
    )
    assert [row["closed_by_day"] for row in first] != [row["closed_by_day"] for row in second]
    for one, other in zip(first, second, strict=True):
        assert abs(one["n_days_needed"] - other["n_days_needed"]) <= 2


def test_where_each_weekday_is_alike_nothing_is_left_to_chance(
    published: MemoryWarehouse,
) -> None:
    """Two a day, none at weekends: 11 are done after six working days, from Saturday on."""
    closed = {day: 2 if day.isoweekday() < 6 else 0 for day in CLOSED}
    with_days(published, closed, 11)
    rows = published.rows("from forecast(procedure := 'job', ahead := 4)")
    assert [row["chance"] for row in rows] == [0.5, 0.85, 0.95]
    for row in rows:
        assert row["done_on"] == date(2023, 11, 27)
        assert row["n_days_needed"] == 10
        assert (row["by_day"], row["closed_by_day"]) == (date(2023, 11, 21), 4)
        assert (row["open_processes"], row["history_from"]) == (11, FIRST)
        assert row["n_days_of_history"] == 60
        assert row["closed_per_day"] == pytest.approx(sum(closed.values()) / 60)
    for row in published.rows("from forecast_held(procedure := 'job', days := 14, ahead := 7)"):
        assert (row["n_forecasts"], row["n_held"], row["share_held"]) == (6, 6, 1)


@pytest.mark.parametrize(
    ("closed", "n_open", "expected"),
    [
        # Nothing was ever closed; fewer days than a week; nothing is open.
        (dict.fromkeys(CLOSED, 0), 5, (None, 0)),
        (dict(list(CLOSED.items())[-6:]), 5, (None, None)),
        (dict.fromkeys(CLOSED, 3), 0, (0, 90)),
        ({}, 5, (None, None)),
    ],
)
def test_what_cannot_be_forecast_is_null(
    published: MemoryWarehouse, closed: dict[date, int], n_open: int, expected: tuple[Any, Any]
) -> None:
    with_days(published, closed, n_open)
    rows = published.rows("from forecast(procedure := 'job')")
    assert {(row["n_days_needed"], row["closed_by_day"]) for row in rows} == {expected}
    assert len(rows) == 3


@pytest.mark.parametrize("macro", ["forecast", "forecast_held"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("procedure := 'x'", "found unknown procedure x; allowed: job, task"),
        ("days := 6", "found days 6; allowed: 7 or more"),
        ("days := null", "found days null; allowed: 7 or more"),
        ("seed := null", "found seed null; allowed: a number"),
        ("ahead := 0", "found 0 days ahead; allowed: from 1 to 1095"),
        # Nothing of it is drawn, so that it takes no time and no memory.
        ("ahead := 9999999999", "found 9999999999 days ahead; allowed: from 1 to 1095"),
    ],
)
@pytest.mark.parametrize("read", ["*", "count(*)"])
def test_wrong_arguments_are_refused(
    published: MemoryWarehouse, macro: str, arguments: str, message: str, read: str
) -> None:
    with pytest.raises(duckdb.Error) as raised:
        published.executed(f"select {read} from {macro}({arguments})").fetchall()
    assert f"{macro}: {message}" in str(raised.value)
