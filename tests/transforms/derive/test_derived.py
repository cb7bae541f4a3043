"""Computed attributes: formulas and rollups, what fails, and what the platform supplied."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.jobs import (
    HOUR,
    LATER,
    START,
    A,
    B,
    C,
    D,
    built,
    column,
    derived,
    failed,
    jobs,
    version,
    violations,
)
from tests.support.warehouse import MemoryWarehouse

FORMULAS: dict[str, tuple[str, list[Any]]] = {
    "size * 2": ("integer", [6, None]),
    "size / 2": ("float", [1.5, None]),
    "weight + size": ("float", [5.5, None]),
    "upper(colour) || '-' || state": ("string", ["RED-WORK", None]),
    "coalesce(size, 0) > 2 and outcome = 'open'": ("boolean", [True, False]),
    "case when state = 'WORK' then 1 else 0 end": ("integer", [1, 0]),
    "n_visits": ("integer", [2, 1]),
    "age_seconds / 3600": ("float", [100.0, 100.0]),
    "seconds_between(created_at, as_of) / 3600": ("float", [100.0, 100.0]),
    "year(done_on)": ("integer", [2024, None]),
}


@pytest.fixture(scope="module")
def computed() -> MemoryWarehouse:
    """Two processes with the values of all formulas."""
    attributes = [
        derived(f"x{n}", kind, formula=formula)
        for n, (formula, (kind, _)) in enumerate(FORMULAS.items())
    ]
    data = {"size": 3, "weight": 2.5, "colour": "red", "done_on": "2024-02-03"}
    return built(
        jobs(*attributes),
        version(A, data=data),
        version(A, 2, data=data, state="WORK"),
        version(B),
    )


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_read_attributes_and_the_life_of_a_process(
    computed: MemoryWarehouse, formula: str
) -> None:
    assert column(computed, f"x{[*FORMULAS].index(formula)}") == FORMULAS[formula][1]


def test_formulas_that_can_be_computed_break_no_rule(computed: MemoryWarehouse) -> None:
    assert violations(computed) == []


def test_derived_attributes_follow_from_one_another_in_any_order() -> None:
    procedures = jobs(
        derived("c", "integer", formula="b + 1"),
        derived("a", "integer", formula="size + 1"),
        derived("b", "integer", formula="a * 10"),
    )
    warehouse = built(procedures, version(A, data={"size": 4}))
    assert [column(warehouse, name) for name in "abc"] == [[5], [50], [51]]


def test_a_value_that_cannot_be_computed_is_null_and_a_violation() -> None:
    procedures = jobs(
        derived("ratio", "float", formula="10 / size"),
        derived("next", "float", formula="coalesce(ratio, -1)"),
        derived("huge", "integer", formula="size * 4611686018427387904 * 4"),
    )
    warehouse = built(
        procedures,
        version(A, data={"size": 4}),
        version(B, data={"size": 0}),
        version(C),
    )
    assert column(warehouse, "ratio") == [2.5, None, None]
    assert column(warehouse, "next") == [2.5, -1.0, -1.0]
    assert column(warehouse, "huge") == [None, 0, None]
    assert violations(warehouse) == [
        failed(A, "huge"),
        failed(B, "ratio"),
    ]


def test_a_value_outside_its_options_cannot_be_computed() -> None:
    band = derived("band", "stringEnum", options=["S", "L"], formula="left(colour, 1)")
    warehouse = built(
        jobs(band),
        version(A, data={"colour": "Long"}),
        version(B, data={"colour": "x"}),
        version(C),
    )
    assert column(warehouse, "band") == ["L", None, None]
    assert violations(warehouse) == [failed(B, "band")]


def children(name: str, kind: str, aggregate: str, **how: str) -> dict[str, Any]:
    return derived(name, kind, rollup={"procedure": "job", "aggregate": aggregate, **how})


ROLLUPS: list[tuple[str, dict[str, str], object]] = [
    ("integer", {"aggregate": "count"}, 2),
    ("integer", {"aggregate": "count", "of": "size"}, 1),
    ("integer", {"aggregate": "count", "where": "colour = 'red'"}, 1),
    ("integer", {"aggregate": "sum", "of": "size"}, 5),
    ("integer", {"aggregate": "sum", "of": "size", "where": "colour = 'blue'"}, None),
    ("decimal", {"aggregate": "sum", "of": "price"}, "3.750000000"),
    ("float", {"aggregate": "sum", "of": "weight"}, 0.75),
    ("float", {"aggregate": "avg", "of": "weight"}, 0.375),
    ("string", {"aggregate": "min", "of": "colour"}, "blue"),
    ("string", {"aggregate": "max", "of": "colour"}, "red"),
    ("boolean", {"aggregate": "any", "of": "size > 3"}, True),
    ("boolean", {"aggregate": "all", "of": "size > 7"}, False),
    ("boolean", {"aggregate": "all", "of": "weight < 1"}, True),
]


@pytest.fixture(scope="module")
def rolled_up() -> MemoryWarehouse:
    """A process with three children, one of them deleted, and all rollups."""
    attributes = [
        derived(f"x{n}", kind, rollup={"procedure": "job", **rollup})
        for n, (kind, rollup, _) in enumerate(ROLLUPS)
    ]
    first = {"size": 5, "colour": "red", "weight": 0.5, "price": 1.5}
    second = {"colour": "blue", "weight": 0.25, "price": "2.25"}
    deleted = {"size": 9, "weight": 9, "price": 9}
    return built(
        jobs(*attributes),
        version(A),
        version(B, parent_process=A, data=first),
        version(C, parent_process=A, data=second),
        version(D, parent_process=A, is_deleted=True, data=deleted),
    )


@pytest.mark.parametrize("n", range(len(ROLLUPS)))
def test_rollups_go_over_children_that_are_not_deleted(rolled_up: MemoryWarehouse, n: int) -> None:
    _, rollup, expected = ROLLUPS[n]
    nothing = {"count": 0, "any": False, "all": True}.get(rollup["aggregate"])
    assert column(rolled_up, f"x{n}") == [expected, nothing, nothing, nothing]


def test_rollups_that_can_be_computed_break_no_rule(rolled_up: MemoryWarehouse) -> None:
    assert violations(rolled_up) == []


def test_a_rollup_fails_where_a_child_cannot_be_counted() -> None:
    procedures = jobs(
        children("total", "float", "sum", of="10 / size"),
        children("n", "integer", "count", where="10 / size > 1"),
        children("big", "integer", "sum", of="size * 4611686018427387904"),
    )
    warehouse = built(
        procedures,
        version(A),
        version(B, parent_process=A, data={"size": 0}),
        version(C, parent_process=B, data={"size": 1}),
        version(D, parent_process=B, data={"size": 1}),
    )
    assert column(warehouse, "total") == [None, 20.0, None, None]
    assert column(warehouse, "n") == [None, 2, 0, 0]
    assert column(warehouse, "big") == [0, None, None, None]
    assert violations(warehouse) == [failed(A, "n"), failed(A, "total"), failed(B, "big")]


def test_rollups_and_formulas_may_take_turns() -> None:
    procedures = jobs(
        derived("double", "integer", formula="size * 2"),
        children("sum_of_double", "integer", "sum", of="double"),
        derived("more", "integer", formula="coalesce(sum_of_double, 0) + 1"),
        children("most", "integer", "max", of="more"),
    )
    warehouse = built(
        procedures,
        version(A, data={"size": 1}),
        version(B, parent_process=A, data={"size": 2}),
        version(C, parent_process=B, data={"size": 3}),
    )
    assert column(warehouse, "sum_of_double") == [4, 6, None]
    assert column(warehouse, "more") == [5, 7, 1]
    assert column(warehouse, "most") == [7, 1, None]


def test_a_rollup_follows_a_child_that_changes_moves_or_comes_late() -> None:
    procedures = jobs(children("n", "integer", "count"), children("s", "integer", "sum", of="size"))
    versions = [
        version(A),
        version(C, parent_process=A, data={"size": 1}),
        version(C, 1, parent_process=A, data={"size": 7}),
        version(B),
        version(C, 2, parent_process=B, data={"size": 7}),
    ]
    warehouse = built(procedures, *versions[:2])
    assert (column(warehouse, "n"), column(warehouse, "s")) == ([1, 0], [1, None])
    warehouse.add(versions[2:4])
    warehouse.build(LATER)
    assert (column(warehouse, "n"), column(warehouse, "s")) == ([1, 0, 0], [7, None, None])
    warehouse.add(versions[4:])
    warehouse.build(LATER)
    assert (column(warehouse, "n"), column(warehouse, "s")) == ([0, 1, 0], [None, 7, None])
    earlier = built(procedures, *versions, as_of=START + HOUR)
    assert (column(earlier, "n"), column(earlier, "s")) == ([1, 0, 0], [7, None, None])


def test_supplied_values_are_kept_and_compared() -> None:
    procedures = jobs(
        derived("twice", "integer", formula="size * 2"),
        derived("half", "float", formula="size / 2"),
        derived("secret", "string", formula="colour", personal=True),
        derived("given", "integer"),
    )
    warehouse = built(
        procedures,
        version(
            A, data={"size": 3}, derived_data={"twice": 6, "half": 1.5000000000001, "given": 9}
        ),
        version(B, data={"size": 3, "colour": "a"}, derived_data={"twice": 7, "secret": "b"}),
        version(C, derived_data={"twice": 1}),
    )
    assert column(warehouse, "twice") == [6, 6, None]
    assert column(warehouse, "twice_supplied") == [6, 7, 1]
    assert column(warehouse, "given") == [9, None, None]
    differing = [row for row in violations(warehouse) if row["rule"].endswith("differs")]
    assert [(row["process_id"], row["column_name"], row["value"]) for row in differing] == [
        (B, "secret", "***"),
        (B, "twice", "7 <> 6"),
    ]
    assert warehouse.rows("from derived_drift where attribute = 'twice'") == [
        {
            "procedure": "job",
            "attribute": "twice",
            "processes": 3,
            "n_failed": 0,
            "n_supplied": 3,
            "n_computed": 2,
            "n_compared": 2,
            "n_different": 1,
            "share_different": 0.5,
        }
    ]


def test_changed_formulas_hold_for_all_processes_from_the_next_build() -> None:
    warehouse = built(jobs(derived("x", "integer", formula="size")), version(A, data={"size": 3}))
    builder = warehouse.build(LATER, procedures=jobs(derived("x", "integer", formula="size + 1")))
    assert column(warehouse, "x") == [4]
    assert {builder.refresh_history(name).mode for name in builder.names("history")} == {"current"}
