"""Targets and conditions of SLA policies that depend on values: those when the clock starts count.

When clocks start and stop is in `test_sla.py`.
"""

from __future__ import annotations

import pytest

from tests.support.sla_rows import built, clocks_of, history, jobs_with, policy
from tests.support.warehouse import MemoryWarehouse

POLICIES = (
    policy(
        "by_priority",
        "created",
        "completed",
        {"by": "priority", "values": {1: "10s", 2: "20s"}, "otherwise": "60s"},
    ),
    policy("known_only", "created", "completed", {"by": "priority", "values": {"1": "10s"}}),
    policy("by_colour", "created", "closed", {"by": "colour", "values": {"it's": "7s"}}),
    policy("formula", "created", "completed", {"formula": "price * 1.5"}),
    policy("constant", "created", "completed", {"formula": "30"}),
    policy("at_once", "created", "completed", {"formula": "0"}),
    policy("failing", "created", "completed", {"formula": "100 / size"}),
    policy("large", "created", "completed", where="size > 5"),
    policy("in_work", "state: WORK", "left: WORK", where="priority = 1"),
    policy("owned", "first_assigned", "completed", {"formula": "size"}),
    policy("after", "completed", "created", {"by": "priority", "values": {1: "10s", 2: "20s"}}),
)
WORK, NEW = {"state": "WORK"}, {"state": "NEW"}
ANN = {"assigned_to": "50000000-0000-4000-8000-000000000001"}
CASES = (
    history(
        1, (0, {"data": {"priority": 1, "size": 9}}), (5, {"data": {"priority": 2, "size": 1}})
    ),
    history(2, (0, {"data": {"priority": 3, "price": "4.5", "colour": "it's"}})),
    history(3, (0, {"data": {"size": 0, "price": -1}})),
    history(4, (0, {"data": {"size": 5, "price": 1e18}})),
    history(
        5,
        (0, {"data": {"priority": 2}}),
        (10, WORK),
        (20, NEW | {"data": {"priority": 1}}),
        (30, WORK | {"data": {"priority": 1, "size": 1}}),
        (40, {"data": {"priority": 2}}),
        (50, NEW),
    ),
    history(6, (0, {"data": {"priority": 1}}), (0, WORK | {"data": {"priority": 2}})),
    history(7, (0, {"data": {"priority": 2}} | WORK), (0, {"data": {"priority": 1}})),
    history(
        8,
        (0, {"data": {"size": 1}}),
        (10, {"data": {"size": 2}}),
        (20, ANN | {"data": {"size": 3}}),
        (20, {"data": {"size": 4}}),
    ),
    history(
        9,
        (0, {"data": {"priority": 1}}),
        (20, {"data": {"priority": 2}}),
        (30, {"status": "COMPLETED", "completed_at": 1_700_000_000_000 + 15_000}),
    ),
)


@pytest.fixture(scope="module")
def warehouse() -> MemoryWarehouse:
    return built(jobs_with(*POLICIES), *CASES, as_of=100)


def targets(warehouse: MemoryWarehouse, number: int, name: str) -> list[float]:
    return [target for (target,) in clocks_of(warehouse, number, name, "target_seconds")]


def test_the_value_when_the_clock_starts_decides(warehouse: MemoryWarehouse) -> None:
    assert targets(warehouse, 1, "by_priority") == [10]
    assert targets(warehouse, 2, "by_priority") == [60]
    assert targets(warehouse, 3, "by_priority") == [60]
    assert targets(warehouse, 1, "large") == [100]


def test_without_a_target_there_is_no_clock(warehouse: MemoryWarehouse) -> None:
    assert [targets(warehouse, number, "known_only") for number in (1, 2, 3)] == [[10], [], []]
    assert targets(warehouse, 2, "by_colour") == [7]


def test_a_formula_gives_seconds(warehouse: MemoryWarehouse) -> None:
    assert targets(warehouse, 2, "formula") == [6.75]
    assert targets(warehouse, 2, "constant") == [30]
    assert clocks_of(warehouse, 2, "at_once", "due_at", "breached_at", "status") == [
        (0, 0, "breached")
    ]


def test_a_target_that_is_none_starts_nothing(warehouse: MemoryWarehouse) -> None:
    """Below zero, too long, divided by zero, or missing."""
    assert targets(warehouse, 3, "formula") == []
    assert targets(warehouse, 4, "formula") == []
    assert [targets(warehouse, number, "failing") for number in (2, 3, 4)] == [[], [], [20]]


def test_what_starts_a_clock_where_the_policy_does_not_apply_passes(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 5, "in_work", "cycle", "started_at", "stopped_at") == [(1, 30, 50)]


def test_of_one_instant_the_values_of_the_version_that_starts_it_count(
    warehouse: MemoryWarehouse,
) -> None:
    assert targets(warehouse, 6, "by_priority") == [10]
    assert targets(warehouse, 6, "in_work") == []
    assert targets(warehouse, 7, "by_priority") == [20]
    assert targets(warehouse, 8, "owned") == [4]


def test_what_a_version_says_of_the_past_has_the_values_of_then(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 9, "after", "started_at", "target_seconds") == [(15, 10)]


def test_attributes_may_have_the_names_of_columns_of_the_clocks() -> None:
    names = ["policy", "policy_no", "event", "place", "version_no", "target_ms", "applies"]
    attributes = [
        {"id": f"20000000-0000-4000-8000-{n:012}", "shortId": name, "type": "integer"}
        for n, name in enumerate(names)
    ]
    condition = " and ".join(f"{name} = {90 + n}" for n, name in enumerate(names))
    policies = (
        policy("f", "created", "completed", {"formula": "target_ms + place"}, where=condition),
        policy("d", "created", "completed", where=condition),
    )
    data = {name: 90 + n for n, name in enumerate(names)}
    cases = (history(1, (0, {"data": data})), history(2, (0, {"data": data | {"event": 1}})))
    warehouse = built(jobs_with(*policies, attributes=attributes), *cases, as_of=10)
    found = [[targets(warehouse, number, name) for name in "fd"] for number in (1, 2)]
    assert found == [[[188], [100]], [[], []]]
