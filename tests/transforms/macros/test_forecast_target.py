"""Whether targets will be met: the draws of the reference, and what follows from few days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random

import duckdb
import pytest

from tests.reference.forecasts import forecast_target
from tests.reference.versions import Row
from tests.support.random_funnels import AS_OF, as_published, procedures_with
from tests.support.warehouse import MemoryWarehouse, differences

# AS_OF is on a Friday, in UTC.
TODAY = date(2023, 11, 17)
FIRST = TODAY - timedelta(days=45)
DAYS = [FIRST + timedelta(days=n) for n in range(45)]
TARGETS = {"closed": (1.75, "higher"), "open": (35.5, "lower"), "sla: quick": (0.4, "higher")}
Series = Mapping[date, float | None]


def random_series() -> dict[str, Series]:
    random = Random(29)
    open_now = 20
    levels: list[float] = []
    for _ in DAYS:
        open_now += random.choice((-2, -1, 0, 1, 2))
        levels.append(open_now)
    shares = [random.choice((None, 0, 1 / 3, 0.5, 1)) for _ in DAYS]
    return {
        "closed": {d: random.randint(0, 1 if d.isoweekday() > 5 else 5) for d in DAYS},
        "open": dict(zip(DAYS, levels, strict=True)),
        "sla: quick": dict(zip(DAYS, shares, strict=True)),
        "resolution": dict.fromkeys(DAYS, 60.0),
    }


@pytest.fixture(scope="module")
def published() -> MemoryWarehouse:
    """The macros over a table that is made by hand."""
    warehouse = MemoryWarehouse(procedures_with([]))
    warehouse.build(AS_OF)
    as_published(warehouse)
    return warehouse


def with_series(
    warehouse: MemoryWarehouse, series: Mapping[str, Series], targets: bool = True
) -> MemoryWarehouse:
    warehouse.con.execute("delete from indicators")
    rows = [
        (
            "job",
            name,
            day,
            value,
            7.5,
            *(TARGETS.get(name, (None, None)) if targets else (None,) * 2),
        )
        for name, values in series.items()
        for day, value in values.items()
    ]
    warehouse.con.executemany(
        "insert into indicators (procedure, indicator, day, value, average_7, target, better) "
        "values (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    return warehouse


@pytest.mark.parametrize(
    ("by_date", "from_date", "seed", "days"),
    [
        (TODAY + timedelta(days=12), None, 1, 90),
        # Four of the seven days are over.
        (TODAY + timedelta(days=2), None, 7, 21),
        # From a day that is over, and from one that is still to come.
        (TODAY + timedelta(days=9), TODAY - timedelta(days=16), 1, 90),
        (TODAY + timedelta(days=9), TODAY + timedelta(days=8), 1, 90),
    ],
)
def test_it_equals_the_reference(
    published: MemoryWarehouse, by_date: date, from_date: date | None, seed: int, days: int
) -> None:
    series = random_series()
    with_series(published, series)
    expected = [
        forecast_target(
            "job",
            name,
            series[name],
            target,
            better,
            first=from_date or by_date - timedelta(days=6),
            last=by_date,
            days=days,
            seed=seed,
        )
        for name, (target, better) in TARGETS.items()
    ]
    more = f", from_date := '{from_date}'" if from_date else ""
    query = f"from forecast_target('{by_date}', seed := {seed}, days := {days}{more})"
    found = published.rows(query)
    assert differences(found, expected, columns=expected[0]) == []
    assert found == published.rows(query)
    assert sum(0 < row["share_on_target"] < 1 for row in expected) > 1
    assert {row["average_7"] for row in found} == {7.5}


def one(warehouse: MemoryWarehouse, arguments: str) -> Row:
    (row,) = warehouse.rows(f"from forecast_target({arguments})")
    return row


def test_where_each_weekday_is_alike_nothing_is_left_to_chance(
    published: MemoryWarehouse,
) -> None:
    """Two are closed on each of five days; each day but Sunday the backlog grows by one."""
    closed = {day: 2.0 if day.isoweekday() < 6 else 0.0 for day in DAYS}
    level = 100.0
    open_then = {day: (level := level + (day.isoweekday() < 7)) for day in DAYS}
    with_series(published, {"closed": closed, "open": open_then})
    asked = "indicator := 'closed', better := 'higher'"
    for target, share in (("10 / 7", 1), ("1.43", 0)):
        row = one(published, f"'2024-02-01', {asked}, target := {target}")
        assert (row["p10_value"], row["p90_value"]) == (pytest.approx(10 / 7),) * 2
        assert row["share_on_target"] == share
    # Thursday is over; from Friday to Sunday two more come to be open.
    row = one(
        published,
        "'2023-11-19', indicator := 'open', better := 'lower', target := 300, "
        "from_date := '2023-11-16'",
    )
    assert row["p50_value"] == level + (0 + 1 + 2 + 2) / 4
    assert (row["share_on_target"], row["n_days_of_history"]) == (1, 44)
    # Fourteen from Monday to the Tuesday of the next week.
    row = one(published, f"'2023-11-21', {asked}, target := 1.55, from_date := '2023-11-13'")
    assert (row["share_on_target"], row["p50_value"]) == (1, pytest.approx(14 / 9))


def test_what_cannot_be_forecast_is_null(published: MemoryWarehouse) -> None:
    shares: Series = dict.fromkeys(DAYS)
    six: Series = dict.fromkeys(DAYS[-6:], 3.0)
    with_series(published, {"closed": six, "sla: quick": shares})
    rows = published.rows("from forecast_target('2023-12-24')")
    names = ("indicator", "share_on_target", "p50_value", "n_days_of_history")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("closed", None, None, 6),
        ("sla: quick", None, None, 45),
    ]
    with_series(published, {"closed": six}, targets=False)
    assert published.rows("from forecast_target('2023-12-24')") == []


def test_days_that_are_over_are_certain(published: MemoryWarehouse) -> None:
    """As of the last millisecond of a day that day is over, and may be asked for."""
    with_series(published, {"closed": {day + timedelta(days=1): 3.0 for day in DAYS}})
    row = one(published, f"'{TODAY}'")
    assert (row["share_on_target"], row["p10_value"], row["by_day"]) == (1, 3, TODAY)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'2024-01-01', procedure := 'x'", "found unknown procedure x; allowed: job, task"),
        ("'2024-01-01', days := 6", "found days 6; allowed: 7 or more"),
        ("null", "found by_date null; allowed: from 2023-11-17 to 2026-11-15"),
        ("'2023-11-16'", "found by_date 2023-11-16; allowed: from 2023-11-17 to"),
        ("'2026-11-16'", "found by_date 2026-11-16; allowed: from 2023-11-17 to"),
        ("'290000-01-01'", "found by_date 290000-01-01; allowed: from 2023-11-17 to"),
        (
            "'2024-01-01', from_date := '2024-01-02'",
            "found from_date 2024-01-02 after by_date 2024-01-01; allowed",
        ),
        (
            "'2024-01-01', indicator := 'won'",
            "found indicator := won; allowed: closed, open, resolution, sla: quick",
        ),
        (
            "'2024-01-01', indicator := 'open', target := 3",
            "found indicator := open, target := 3, better := null; allowed: all three",
        ),
        (
            "'2024-01-01', better := 'lower', target := 3",
            "found indicator := null, target := 3, better := lower; allowed: all three",
        ),
        (
            "'2024-01-01', indicator := 'open', target := 3, better := 'less'",
            "found better := less; allowed: higher or lower",
        ),
    ],
)
@pytest.mark.parametrize("read", ["*", "count(*)", "target"])
def test_wrong_arguments_are_refused(
    published: MemoryWarehouse, arguments: str, message: str, read: str
) -> None:
    with_series(published, {name: {TODAY: 1.0} for name in random_series()})
    with pytest.raises(duckdb.Error) as raised:
        published.executed(f"select {read} from forecast_target({arguments})").fetchall()
    assert f"forecast_target: {message}" in str(raised.value)
