"""Parents and children: roots, depths, cycles and the slowest child, row by row.

That they equal the reference for any history is tested with the other tables.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from tests.reference.versions import Row
from tests.support.jobs import HOUR, START, A, B, C, D, jobs, version
from tests.support.warehouse import MemoryWarehouse
from transforms.builder.tables import load_tables
from transforms.macros.load import MACROS

AS_OF = START + 1000 * HOUR
RELATIVES = "select process_id, root_process_id, depth, n_children, n_open_children from hierarchy"


@pytest.fixture
def warehouse() -> MemoryWarehouse:
    return MemoryWarehouse(jobs())


def relatives(warehouse: MemoryWarehouse) -> dict[str, tuple[Any, ...]]:
    """Root, depth, children and open children of each process."""
    return {row.pop("process_id"): tuple(row.values()) for row in warehouse.rows(RELATIVES)}


def column(warehouse: MemoryWarehouse, name: str) -> dict[str, Any]:
    rows = warehouse.rows(f"select process_id, {name} from hierarchy")
    return {row["process_id"]: row[name] for row in rows}


def test_everything_below_a_root_knows_it_and_how_far_up_it_is(warehouse: MemoryWarehouse) -> None:
    warehouse.add(
        [
            version(A),
            version(B, parent_process=A),
            version(C, parent_process=B),
            version(D, parent_process=A, status="COMPLETED", state="DONE"),
        ]
    )
    warehouse.build(AS_OF)
    assert relatives(warehouse) == {
        A: (A, 0, 2, 1),
        B: (A, 1, 1, 1),
        C: (A, 2, 0, 0),
        D: (A, 1, 0, 0),
    }
    assert column(warehouse, "parent_procedure") == {A: None, B: "job", C: "job", D: "job"}
    lifecycle = RELATIVES.replace("hierarchy", "process_lifecycle")
    wide = RELATIVES.replace("hierarchy", "job_processes")
    assert (
        sorted(map(str, warehouse.rows(RELATIVES)))
        == sorted(map(str, warehouse.rows(lifecycle)))
        == sorted(map(str, warehouse.rows(wide)))
    )


def test_the_latest_version_says_who_the_parent_is(warehouse: MemoryWarehouse) -> None:
    warehouse.add(
        [version(A), version(B), version(C, parent_process=A), version(C, 1, parent_process=B)]
    )
    warehouse.build(AS_OF)
    assert relatives(warehouse) == {A: (A, 0, 0, 0), B: (B, 0, 1, 1), C: (B, 1, 0, 0)}


def test_a_child_that_comes_before_its_parent_is_an_orphan_until_then(
    warehouse: MemoryWarehouse,
) -> None:
    warehouse.add_file("jobs.ndjson")
    warehouse.add([version(B, parent_process=A), version(C, parent_process=B)])
    warehouse.build(AS_OF)
    assert relatives(warehouse) == {B: (B, 0, 1, 1), C: (B, 1, 0, 0)}
    assert column(warehouse, "is_orphan") == {B: True, C: False}
    assert violations(warehouse) == [(B, "core:parent_process_id:known", A)]
    warehouse.add([version(A)])
    warehouse.build(AS_OF)
    assert relatives(warehouse) == {A: (A, 0, 1, 1), B: (A, 1, 1, 1), C: (A, 2, 0, 0)}
    assert column(warehouse, "is_orphan") == {A: False, B: False, C: False}
    assert violations(warehouse) == []


def test_a_cycle_is_flagged_and_neither_it_nor_what_is_below_has_a_root(
    warehouse: MemoryWarehouse,
) -> None:
    warehouse.add_file("jobs.ndjson")
    warehouse.add(
        [
            version(A, parent_process=B),
            version(B, parent_process=A),
            version(C, parent_process=B),
            version(D, parent_process=C),
        ]
    )
    warehouse.build(AS_OF)
    assert relatives(warehouse) == {
        A: (None, None, 1, 1),
        B: (None, None, 2, 2),
        C: (None, None, 1, 1),
        D: (None, None, 0, 0),
    }
    assert column(warehouse, "is_in_cycle") == {A: True, B: True, C: False, D: False}
    assert violations(warehouse) == [
        (A, "core:parent_process_id:acyclic", B),
        (B, "core:parent_process_id:acyclic", A),
    ]
    # Once the cycle is mended everything below it has its root again.
    warehouse.add([version(A, 1)])
    warehouse.build(AS_OF)
    assert relatives(warehouse) == {
        A: (A, 0, 1, 1),
        B: (A, 1, 1, 1),
        C: (A, 2, 1, 1),
        D: (A, 3, 0, 0),
    }
    assert violations(warehouse) == []


def test_a_process_that_is_its_own_parent_is_a_cycle_of_one(warehouse: MemoryWarehouse) -> None:
    warehouse.add([version(A, parent_process=A), version(B, parent_process=A)])
    warehouse.build(AS_OF)
    assert relatives(warehouse) == {A: (None, None, 2, 2), B: (None, None, 0, 0)}
    assert column(warehouse, "is_in_cycle") == {A: True, B: False}


def test_deleted_processes_remain_parents_but_not_children(warehouse: MemoryWarehouse) -> None:
    warehouse.add(
        [
            version(A, is_deleted=True),
            version(B, parent_process=A, is_deleted=True),
            version(C, parent_process=A),
            version(D, parent_process=B),
        ]
    )
    warehouse.build(AS_OF)
    assert relatives(warehouse) == {
        A: (A, 0, 1, 1),
        B: (A, 1, 1, 1),
        C: (A, 1, 0, 0),
        D: (A, 2, 0, 0),
    }
    assert column(warehouse, "slowest_child_id") == {A: C, B: D, C: None, D: None}


def test_the_slowest_child_is_by_the_completion_that_holds_or_by_its_age(
    warehouse: MemoryWarehouse,
) -> None:
    done = {"state": "DONE", "status": "COMPLETED", "parent_process": A}
    warehouse.add(
        [
            version(A),
            version(B, 5, **done),
            version(C, 2, **done),
            version(C, 3, parent_process=A),
            version(C, 4, **done),
            version(D, 900, parent_process=A, status="CANCELLED"),
        ]
    )
    warehouse.build(AS_OF)
    assert slowest(warehouse) == (B, 5 * 3600.0)
    warehouse.add([version(C, 10, parent_process=A)])
    warehouse.build(AS_OF)
    # Open again, so it counts with its age.
    assert slowest(warehouse) == (C, 1000 * 3600.0)
    warehouse.add([version(C, 12, **done), version(B, 13, **(done | {"is_deleted": True}))])
    warehouse.build(AS_OF)
    assert slowest(warehouse) == (C, 12 * 3600.0)


def test_of_equally_slow_children_the_one_with_the_least_id_is_named(
    warehouse: MemoryWarehouse,
) -> None:
    warehouse.add([version(A), *(version(child, parent_process=A) for child in (D, B, C))])
    warehouse.build(AS_OF)
    assert slowest(warehouse) == (B, 1000 * 3600.0)


def test_a_chain_of_ten_thousand_is_climbed() -> None:
    assert built("select i, if(i > 0, i - 1, null) from range(10000) as t (i)") == {
        "processes": 10_000,
        "deepest": 9_999,
        "roots": 1,
        "in_cycle": 0,
        "lost": 0,
    }


def test_a_cycle_far_above_a_long_chain_is_found() -> None:
    # 0..6 go round, all else hangs below; 20,000 and up are a chain of their own.
    parents = """
        select i, case i when 0 then 6 when 20000 then null else i - 1 end
        from range(30000) as t (i)
    """
    assert built(parents) == {
        "processes": 30_000,
        "deepest": 9_999,
        "roots": 1,
        "in_cycle": 7,
        "lost": 20_000,
    }


def slowest(warehouse: MemoryWarehouse) -> tuple[Any, ...]:
    query = f"""
        select slowest_child_id, slowest_child_seconds from hierarchy where process_id = '{A}'
    """
    return tuple(warehouse.rows(query)[0].values())


def violations(warehouse: MemoryWarehouse) -> list[tuple[Any, ...]]:
    query = """
        select process_id, rule, value from violations
        where rule like 'core:parent%' order by process_id
    """
    return [tuple(row.values()) for row in warehouse.rows(query)]


def built(parents: str) -> Row:
    """What comes of numbered processes, all open, and the number of the parent of each."""
    con = duckdb.connect()
    con.execute(MACROS)
    con.execute("create table build as select timestamp '2024-01-02' as as_of")
    con.execute(
        f"""
        create table history_processes as select
            md5(p.id::varchar)::uuid as process_id, 'job' as procedure,
            md5(p.parent::varchar)::uuid as parent_process_id, 'open' as outcome,
            timestamp '2024-01-01' as started_at, null::timestamp as completed_at
        from ({parents}) as p (id, parent)
        """
    )
    con.execute(
        f"create table hierarchy as {load_tables(jobs())['core', 'hierarchy'].sql}"
    ).fetchall()
    result = con.execute(
        """
        select count(*) as processes, max(depth) as deepest, count(distinct root_process_id) as roots,
            count(*) filter (is_in_cycle) as in_cycle, count(*) filter (depth is null) as lost
        from hierarchy
        """
    )
    names = [column[0] for column in result.description or []]
    return dict(zip(names, result.fetchall()[0], strict=True))
