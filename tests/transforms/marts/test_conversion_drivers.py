"""Which values of an attribute go with converting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from tests.reference.drivers import compared, fisher
from tests.support.jobs import HOUR, START, jobs, version
from tests.support.warehouse import MemoryWarehouse, differences

DAY = 24 * HOUR
FUNNEL: dict[str, Any] = {
    "name": "done",
    "steps": ["NEW", "DONE"],
    "within": "10d",
    "breakdowns": ["colour"],
}


def built(counts: Mapping[Any, tuple[int, int, int]]) -> MemoryWarehouse:
    """Of each colour some converted, some that did not, and some that entered too late to tell."""
    warehouse = MemoryWarehouse(jobs(funnels=[FUNNEL]))
    number = 0
    for colour, kinds in counts.items():
        data = {} if colour is None else {"colour": colour}
        for kind, n in enumerate(kinds):
            for _ in range(n):
                number += 1
                process_id = f"00000000-0000-4000-8000-{number:012}"
                created = START + (15 * DAY if kind == 2 else 0)
                same = {"created_at": created, "data": data}
                hour = (created - START) / HOUR
                made = [version(process_id, hour, ingest_seq=(1, 2 * number), **same)]
                if kind != 1:
                    # Another colour after the entry changes nothing.
                    then = {**same, "data": {"colour": "later"}, "state": "DONE"}
                    made.append(
                        version(process_id, hour + 24, ingest_seq=(1, 2 * number + 1), **then)
                    )
                warehouse.add(made)
    warehouse.build(START + 20 * DAY)
    return warehouse


def test_a_value_is_compared_with_all_others() -> None:
    """8 of 10 against 1 of 11: of C(21, 9) draws, C(10, 8) C(11, 1) + C(10, 9) are at least as
    uneven on this side, C(11, 9) on the other. The tea taster of Fisher (1935), 3 of 4 against 1 of
    4, is too few.
    """
    row, *_ = built({"red": (8, 2, 1), "blue": (1, 10, 0)}).rows(
        "from conversion_drivers where value = 'red'"
    )
    limits = {
        name: row.pop(name)
        for name in ("share_low", "share_high", "odds_ratio_low", "odds_ratio_high")
    }
    factor = math.exp(1.959963984540054 * math.sqrt(1 / 8 + 1 / 2 + 1 / 1 + 1 / 10))
    p = (45 * 11 + 10 + 55) / 293_930
    assert row == {
        "funnel": "done", "procedure": "job", "attribute": "colour", "value": "red",
        "processes": 10, "converted": 8, "share": 0.8, "waiting": 1,
        "others": 11, "share_of_others": 1 / 11,
        "odds_ratio": pytest.approx(40), "p_value": pytest.approx(p), "n_tests": 2,
        "p_adjusted": pytest.approx(2 * p), "is_small": False,
    }  # fmt: skip
    assert limits == {
        "share_low": pytest.approx(0.4901625), "share_high": pytest.approx(0.9433178),
        "odds_ratio_low": pytest.approx(40 / factor),
        "odds_ratio_high": pytest.approx(40 * factor),
    }  # fmt: skip
    few = built({"red": (3, 1, 0), "blue": (1, 3, 0)}).rows("from conversion_drivers")
    assert {(row["is_small"], row["p_value"], row["n_tests"]) for row in few} == {(True, None, 0)}
    assert fisher(3, 1, 1, 3) == pytest.approx(34 / 70)


def test_the_values_at_entry_are_published() -> None:
    """The windows of the two that entered 15 days later are not over; one has converted."""
    rows = built({"red": (1, 1, 1), None: (0, 0, 1)}).rows(
        "from funnel_values_at_entry order by process_id"
    )
    first = {
        "funnel": "done", "procedure": "job", "process_id": "00000000-0000-4000-8000-000000000001",
        "attribute": "colour", "value": "red", "entered_at": START, "is_window_over": True,
        "is_finished": True, "is_observed_from_start": True,
    }  # fmt: skip
    assert {name: rows[0][name] for name in first} == first
    assert [(row["value"], row["is_window_over"], row["is_finished"]) for row in rows] == [
        ("red", True, True),
        ("red", True, False),
        ("red", False, True),
        (None, False, True),
    ]


def test_a_side_in_which_all_or_none_convert_has_a_finite_ratio() -> None:
    found = built({"red": (5, 0, 0), None: (3, 3, 0)}).rows(
        "select value, odds_ratio, p_value, p_adjusted from conversion_drivers"
    )
    ratio, p = 5.5 / 0.5, (20 + 10) / 165
    assert [row["value"] for row in found] == ["red", None]
    assert found[0] == {
        "value": "red",
        "odds_ratio": pytest.approx(ratio),
        "p_value": pytest.approx(p),
        "p_adjusted": pytest.approx(2 * p),
    }
    assert found[1]["odds_ratio"] == pytest.approx(1 / ratio)


def test_nothing_is_compared_where_all_share_one_value_or_one_fate() -> None:
    for counts in (
        {"red": (5, 5, 0)},
        {"red": (0, 5, 0), "blue": (0, 6, 0)},
        {"red": (5, 5, 0), "blue": (0, 0, 6)},
    ):
        for row in built(counts).rows("from conversion_drivers"):
            assert (
                row["odds_ratio"],
                row["odds_ratio_low"],
                row["p_value"],
                row["p_adjusted"],
            ) == (None,) * 4


@pytest.mark.parametrize("seed", range(3))
def test_random_counts_equal_the_reference(seed: int) -> None:
    random = Random(seed)
    chances = {colour: random.random() for colour in ("red", "blue", "green", None)}
    counts: dict[str | None, tuple[int, int, int]] = {}
    found: list[tuple[Any, bool, bool]] = []
    for colour, chance in chances.items():
        n = random.choice((4, 20, 60))
        converted = sum(random.random() < chance for _ in range(n))
        counts[colour] = (converted, n - converted, 2)
        found += [(colour, True, i < converted) for i in range(n)]
        found += [(colour, False, True)] * 2
    expected = compared(found)
    rows = built(counts).rows("from conversion_drivers")
    assert differences(rows, expected, columns=expected[0]) == []
