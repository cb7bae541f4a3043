"""Funnels by value and day, the processes behind them, times and comparisons, as in the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.reference import funnel_answers, funnels
from tests.reference.versions import histories
from tests.support.jobs import HOUR
from tests.support.random_funnels import (
    AS_OF,
    as_published,
    procedures_with,
    random_versions,
    reference_procedures,
)
from tests.support.warehouse import MemoryWarehouse, differences

ZONE = "America/New_York"
STEPS = ["NEW", "ASK", "DONE"]
WITHIN = 12
DEFINITION: dict[str, Any] = {
    "name": "asked",
    "steps": [{"name": state, "states": [state]} for state in STEPS],
    "within_ms": WITHIN * HOUR,
}
ASKED = f"{STEPS}, procedure := 'job', within := interval {WITHIN} hours"


@dataclass
class Published:
    """The tables, and what the reference says of the same versions."""

    warehouse: MemoryWarehouse
    paths: Callable[..., list[funnels.Path]]
    colour_of: Callable[[str], str | None]


def local_day(path: funnels.Path) -> date:
    return datetime.fromtimestamp(path.entered_at / 1000, UTC).astimezone(ZoneInfo(ZONE)).date()


@pytest.fixture(scope="module")
def published() -> Published:
    versions = random_versions(Random(7), 200)
    warehouse = MemoryWarehouse(procedures_with([]))
    warehouse.add(versions)
    warehouse.build(AS_OF, time_zone=ZONE, whole=True)
    as_published(warehouse, "job_processes")
    known = reference_procedures([])

    def paths(mode: str, unit: str = "process", **changes: Any) -> list[funnels.Path]:
        asked = DEFINITION | changes
        found = funnels.paths(versions, known, "job", asked, mode, AS_OF, ZONE, unit=unit)
        return [path for path in found if path.is_whole]

    latest = {
        process_id: history[-1]["data"].get("colour")
        for process_id, history in histories(versions, AS_OF).items()
        if history[-1]["procedure"] == "job"
    }
    return Published(warehouse, paths, latest.get)


@pytest.mark.parametrize("mode", funnels.MODES)
def test_by_value(published: Published, mode: str) -> None:
    found = published.warehouse.rows(f"from funnel({ASKED}, mode := '{mode}', by := 'colour')")
    expected = funnel_answers.by_value(
        published.paths(mode), DEFINITION, mode, AS_OF, published.colour_of
    )
    expected = [row | {"procedure": "job"} for row in expected]
    assert len({row["value"] for row in expected}) == 3
    columns = [name for name in expected[0] if name in found[0]]
    assert len(columns) >= 13
    assert differences(found, expected, columns=columns) == []


def test_by_days_of_entry_of_the_reporting_time_zone(published: Published) -> None:
    paths = published.paths("ordered")
    days = sorted({local_day(path) for path in paths})
    assert len(days) > 2
    first, last = days[1], days[-2]
    found = published.warehouse.rows(
        f"from funnel({ASKED}, from_date := date '{first}', to_date := '{last}')"
    )
    inside = [path for path in paths if first <= local_day(path) <= last]
    assert 0 < len(inside) < len(paths)
    expected = funnels.step_rows(inside, DEFINITION, "ordered", AS_OF)
    columns = [name for name in expected[0] if name in found[0]]
    assert differences(found, expected, columns=columns) == []


def test_by_month_of_creation(published: Published) -> None:
    found = published.warehouse.rows(f"from funnel({ASKED}, by := 'created_month')")
    assert {row["value"] for row in found} == {"2023-11"}
    whole = published.warehouse.rows(f"from funnel({ASKED})")
    assert differences(found, whole, columns=[n for n in whole[0] if n != "value"]) == []
    assert {row["value"] for row in whole} == {None}


@pytest.mark.parametrize("mode", funnels.MODES)
def test_the_processes_behind_it(published: Published, mode: str) -> None:
    found = published.warehouse.rows(
        f"from funnel_processes({ASKED}, mode := '{mode}', by := 'colour')"
    )
    paths = published.paths(mode)
    expected = funnel_answers.one_by_one(paths, DEFINITION, mode, published.colour_of)
    assert len({row["stop_reason"] for row in expected}) >= 5
    assert differences(found, expected) == []


ATTEMPTED: dict[str, list[str | list[str]]] = {
    "states": ["NEW", "ASK", "DONE"],
    "sets": [["NEW", "ASK"], ["WORK", "TEST"], "outcome: completed"],
    "outcomes": ["outcome: completed", "NEW"],
    "again": ["NEW", "NEW"],
}


@pytest.mark.parametrize("mode", ["ordered", "strict"])
@pytest.mark.parametrize("steps", ATTEMPTED.values(), ids=ATTEMPTED)
def test_attempts(published: Published, mode: str, steps: list[str | list[str]]) -> None:
    texts = [step if isinstance(step, str) else " | ".join(step) for step in steps]
    asked = DEFINITION | {"steps": [funnels.asked_step(step) for step in steps]}
    arguments = (
        f"{texts}, procedure := 'job', within := interval {WITHIN} hours, mode := '{mode}', "
        "unit := 'attempt'"
    )
    paths = published.paths(mode, unit="attempt", steps=asked["steps"])
    assert max(path.attempt_no for path in paths) > 2
    found = published.warehouse.rows(f"from funnel({arguments})")
    expected = funnels.step_rows(paths, asked, mode, AS_OF)
    columns = [name for name in expected[0] if name in found[0]]
    assert differences(found, expected, columns=columns) == []
    found = published.warehouse.rows(f"from funnel_processes({arguments}, by := 'colour')")
    expected = funnel_answers.one_by_one(paths, asked, mode, published.colour_of)
    assert differences(found, expected) == []
    found = published.warehouse.rows(f"from time_to_convert({arguments})")
    expected = funnel_answers.times_to_convert(paths, len(steps))
    assert differences(found, expected) == []


@pytest.mark.parametrize(
    ("filter_by", "kept"),
    [
        ("{'colour': 'x'}", ("x",)),
        ("{'colour': ['x', null], 'created_month': '2023-11'}", ("x", None)),
        ("map {'colour': 'y'}", ("y",)),
        ("{'colour': 'x', 'created_month': '2023-10'}", ()),
    ],
)
def test_a_filter(published: Published, filter_by: str, kept: tuple[str | None, ...]) -> None:
    paths = [p for p in published.paths("strict") if published.colour_of(p.process_id) in kept]
    asked = f"{ASKED}, mode := 'strict', filter := {filter_by}"
    found = published.warehouse.rows(f"from funnel({asked})")
    expected = funnels.step_rows(paths, DEFINITION, "strict", AS_OF)
    columns = [name for name in expected[0] if name in found[0]]
    assert differences(found, expected, columns=columns) == []
    found = published.warehouse.rows(f"from funnel_processes({asked}, by := 'colour')")
    expected = funnel_answers.one_by_one(paths, DEFINITION, "strict", published.colour_of)
    assert differences(found, expected) == []


@pytest.mark.parametrize("mode", ["ordered", "reached"])
def test_times_to_convert(published: Published, mode: str) -> None:
    found = published.warehouse.rows(
        f"from time_to_convert({STEPS[:2]}, procedure := 'job', mode := '{mode}')"
    )
    paths = published.paths(mode, steps=DEFINITION["steps"][:2], within_ms=None)
    expected = funnel_answers.times_to_convert(paths, 2)
    assert sum(row["processes"] > 0 for row in expected) > 3
    assert differences(found, expected) == []
    ends = published.warehouse.rows("select convert_ends() as ends")
    assert ends == [{"ends": funnel_answers.ENDS}]


@pytest.mark.parametrize("mode", funnels.MODES)
def test_two_groups(published: Published, mode: str) -> None:
    """What they differ by comes from the month of creation, of which there is one: all is rate."""
    found = published.warehouse.rows(
        f"from funnel_compare({ASKED}, mode := '{mode}', by := 'colour', groups := ['x', 'y'], "
        "mix := 'created_month')"
    )
    sides = [
        [path for path in published.paths(mode) if published.colour_of(path.process_id) == value]
        for value in ("x", "y")
    ]
    expected = funnel_answers.comparison(sides[0], sides[1], DEFINITION, mode, lambda _: "2023-11")
    assert differences(found, expected) == []
    assert expected[1]["from_mix"] == 0
    assert expected[1]["difference"] != 0


def test_two_groups_of_attempts_through_a_filter(published: Published) -> None:
    found = published.warehouse.rows(
        f"from funnel_compare({ASKED}, by := 'colour', groups := ['x', 'y'], unit := 'attempt', "
        "filter := {'colour': ['x']})"
    )
    mine = [
        p for p in published.paths("ordered", "attempt") if published.colour_of(p.process_id) == "x"
    ]
    expected = funnel_answers.comparison(mine, [], DEFINITION, "ordered", published.colour_of)
    assert differences(found, expected) == []


def test_two_periods_and_what_moved_them(published: Published) -> None:
    paths = published.paths("ordered")
    days = sorted({local_day(path) for path in paths})
    found = published.warehouse.rows(
        f"from funnel_compare({ASKED}, periods := [['{days[0]}', '{days[0]}'], "
        f"['{days[1]}', '{days[-1]}']], mix := 'colour')"
    )
    sides = [
        [path for path in paths if (local_day(path) == days[0]) == is_first]
        for is_first in (True, False)
    ]
    assert all(len(side) > 4 for side in sides)
    expected = funnel_answers.comparison(
        sides[0], sides[1], DEFINITION, "ordered", published.colour_of
    )
    assert differences(found, expected) == []
    for row in expected[1:]:
        assert row["from_mix"] + row["from_rate"] == pytest.approx(row["difference"])
        assert row["from_mix"] != 0
    plain = published.warehouse.rows(
        f"from funnel_compare({ASKED}, periods := [['{days[0]}', '{days[0]}'], "
        f"['2030-01-01', '2030-01-02']])"
    )
    assert [(row["difference"], row["difference_low"], row["from_mix"]) for row in plain] == [
        (None, None, None)
    ] * 3


def test_the_interval_of_newcombe(published: Published) -> None:
    """Examples (a) and (e) of Newcombe (1998), method 10: 56/70 - 48/80 and 5/56 - 0/29."""
    (row,) = published.warehouse.rows(
        "select difference_low(56, 70, 48, 80) as a, difference_high(56, 70, 48, 80) as b, "
        "difference_low(5, 56, 0, 29) as c, difference_high(5, 56, 0, 29) as d"
    )
    assert [round(value, 4) for value in row.values()] == [0.0524, 0.3339, -0.0381, 0.1926]


WRONG = {
    "funnel": (
        "['NOPE']",
        "['NEW'], procedure := 'job', by := 'nope'",
        "['NEW'], by := 'colour'",
        "['NEW'], from_date := '2024-01-02', to_date := '2024-01-01'",
        "['NEW', 'outcome: won']",
        "['NEW | outcome: completed']",
        "['NEW'], unit := 'lead'",
        "['NEW'], unit := 'attempt', mode := 'reached'",
        "['NEW'], procedure := 'job', filter := {'hue': 'x'}",
        "['NEW'], filter := {'colour': 'x'}",
        "['NEW'], filter := 'colour = 1'",
        "['NEW'], procedure := 'job', filter := {'colour': []}",
    ),
    "funnel_processes": (
        "['NOPE']",
        "['NEW'], procedure := 'job', by := 'nope'",
        "['NEW'], unit := null",
    ),
    "time_to_convert": ("['NOPE']", "['NEW'], mode := 'x'", "['NEW'], filter := {'x': 1}"),
    "funnel_compare": (
        "['NEW']",
        "['NEW'], by := 'created_month', groups := ['2024-01', '2024-02'], unit := 'x'",
        "['NEW'], by := 'created_month', groups := ['2024-01', '2024-02'], filter := {'x': 1}",
        "['NEW'], by := 'created_month', groups := ['2024-01', '2024-01']",
        "['NEW'], by := 'created_month', groups := ['2024-01']",
        "['NEW'], groups := ['2024-01', '2024-02']",
        "['NEW'], periods := [['2024-01-01', '2024-01-31']]",
        "['NEW'], periods := [['2024-01-31', '2024-01-01'], ['2024-01-01', '2024-01-02']]",
        "['NOPE'], periods := [['2024-01-01', '2024-01-02'], ['2024-01-03', '2024-01-04']]",
        "['NEW'], periods := [['2024-01-01', '2024-01-02'], ['2024-01-03', '2024-01-04']], "
        "mix := 'colour'",
        "['NEW'], by := 'created_month', periods := [['2024-01-01', '2024-01-02'], "
        "['2024-01-03', '2024-01-04']]",
    ),
}


@pytest.mark.parametrize("macro", WRONG)
def test_wrong_input_is_refused_whatever_is_read(published: Published, macro: str) -> None:
    for arguments in WRONG[macro]:
        for query in ("select count(*) from {}", "select 1 as one from {}", "select mode from {}"):
            with pytest.raises(Exception, match=f"(funnel|{macro}): found"):
                published.warehouse.rows(query.format(f"{macro}({arguments})"))
