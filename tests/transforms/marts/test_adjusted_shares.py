"""Shares of a funnel that take open processes into account, so that young months are comparable."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from tests.reference.versions import Version
from tests.support.jobs import START, jobs, version
from tests.support.warehouse import MemoryWarehouse

DAY = 86_400_000
WITHIN: dict[str, Any] = {"name": "started", "steps": ["NEW", "WORK"], "within": "10d"}


def life(number: int, created: float, days: float | None, **then: Any) -> list[Version]:
    """A job that enters on a day, and what happens to it after some days: by default it is begun."""
    process_id = f"00000000-0000-4000-8000-{number:012}"
    same = {"created_at": START + round(created * DAY), "data": then.pop("data", {})}
    first = version(process_id, created * 24, ingest_seq=(1, number * 2 + 1), **same)
    if days is None:
        return [first]
    last = {"state": "WORK", **same, **then, "ingest_seq": (1, number * 2 + 2)}
    return [first, version(process_id, (created + days) * 24, **last)]


# After 20 days, the last has been open for 5.
FOUR = (life(1, 0, 2), life(2, 0, 8), life(3, 0, 3, state="NEW", status="CANCELLED"))
YOUNG = life(4, 15, None)


def built(*lives: list[Version], days: float, **changes: Any) -> MemoryWarehouse:
    warehouse = MemoryWarehouse(jobs(**{"funnels": [WITHIN], **changes}))
    warehouse.add([v for versions in lives for v in versions])
    warehouse.build(START + round(days * DAY))
    return warehouse


def shares(warehouse: MemoryWarehouse) -> tuple[Any, ...]:
    (row,) = warehouse.rows(
        "select processes, share_of_first, immature, share_of_first_adjusted from funnel_steps "
        "where mode = 'ordered' and step_no = 2"
    )
    return tuple(row.values())


def test_an_open_process_counts_for_as_long_as_it_is_watched() -> None:
    """On day 2 one of four begins, on day 8 one of the two watched for so long, with the one that
    has left: 1 - 3/4 * 1/2.
    """
    warehouse = built(*FOUR, YOUNG, days=20)
    assert shares(warehouse) == (2, 0.5, 1, pytest.approx(0.625))
    (row,) = warehouse.rows(
        "select share_of_first_adjusted_low as low, share_of_first_adjusted_high as high "
        "from funnel_steps where mode = 'ordered' and step_no = 2"
    )
    error = math.sqrt(1 / (4 * 3) + 1 / (2 * 1)) / -math.log(0.375)
    assert row["low"] == pytest.approx(1 - 0.375 ** math.exp(-1.959963984540054 * error))
    assert row["high"] == pytest.approx(1 - 0.375 ** math.exp(1.959963984540054 * error))


def test_it_is_the_share_once_all_windows_are_over() -> None:
    assert shares(built(*FOUR, YOUNG, days=25)) == (2, 0.5, 0, pytest.approx(0.5))
    assert shares(built(*FOUR, days=20)) == (2, pytest.approx(2 / 3), 0, pytest.approx(2 / 3))


def test_it_is_unknown_before_the_first_window_is_over_and_without_one() -> None:
    for days, is_known in ((10 - 1e-6, False), (10, True)):
        assert (shares(built(*FOUR, days=days))[-1] is not None) == is_known
    without = {name: WITHIN[name] for name in ("name", "steps")}
    assert shares(built(*FOUR, YOUNG, days=20, funnels=[without])) == (2, 0.5, 1, None)


def test_a_young_group_shows_the_law() -> None:
    """Processes begin at a rate of 1/10 a day and leave at one of 1/15, over 22 days; the window is
    14 days. Of 20 intervals about 19 hold the truth; fewer than 16 do once in 400 times.
    """
    random, begins, leaves = Random(3), 1 / 10, 1 / 15
    lives: list[list[Version]] = []
    for number in range(20 * 200):
        created = random.uniform(0, 22)
        begun, left = random.expovariate(begins), random.expovariate(leaves)
        then: dict[str, Any] = {} if begun < left else {"state": "NEW", "status": "CANCELLED"}
        days = min(begun, left)
        then["data"] = {"colour": str(number % 20)}
        lives.append(life(number, created, days if created + days < 22 else None, **then))
    funnel = WITHIN | {"within": "14d", "breakdowns": ["colour"]}
    warehouse = built(*lives, days=22, funnels=[funnel])
    truth = begins / (begins + leaves) * (1 - math.exp(-(begins + leaves) * 14))
    rows = warehouse.rows(
        "select share_of_first_adjusted_low as low, share_of_first_adjusted_high as high "
        "from funnel_breakdowns where mode = 'ordered' and step_no = 2"
    )
    assert len(rows) == 20
    assert sum(row["low"] < truth < row["high"] for row in rows) >= 16
    (row,) = warehouse.rows(
        "select share_of_first_adjusted as share, share_of_first_low as low, "
        "share_of_first_high as high, share_of_first_adjusted_low as adjusted_low, "
        "share_of_first_adjusted_high as adjusted_high "
        "from funnel_steps where mode = 'ordered' and step_no = 2"
    )
    assert row["adjusted_low"] < truth < row["adjusted_high"]
    assert row["share"] == pytest.approx(truth, abs=0.03)
    assert row["high"] < truth
